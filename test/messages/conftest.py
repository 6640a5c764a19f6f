"""People of known place and shape, as the pipeline would give them."""

from collections.abc import Callable

import numpy as np
import pytest

from mesh_pose_ros.people import Box, Mesh, Person, Pose, Topology
from mesh_pose_ros.skeletons import COCO17, SMPL24

# who stands upright, arms down, facing +z of a frame with x to their left and y up; metres
STANDING = {
    'nose': (0.0, 1.62, 0.12),
    'eye': (0.03, 1.66, 0.09),
    'ear': (0.07, 1.63, 0.0),
    'shoulder': (0.19, 1.45, 0.0),
    'elbow': (0.24, 1.15, 0.0),
    'wrist': (0.26, 0.88, 0.0),
    'hip': (0.10, 0.93, 0.0),
    'knee': (0.10, 0.50, 0.0),
    'ankle': (0.10, 0.08, 0.0),
}
# the person looks at the camera: their left is the image's right
FACING = np.diag([1.0, -1.0, -1.0])


def coco_rest() -> np.ndarray:
    sides = {'left': (1, 1, 1), 'right': (-1, 1, 1), 'nose': (0, 1, 1)}
    return np.array(
        [np.multiply(STANDING[n.split('_')[-1]], sides[n.split('_')[0]]) for n in COCO17.names]
    )


def tetrahedron(skeleton=SMPL24) -> Topology:
    faces = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]], dtype=np.int32)
    return Topology('tetrahedron', 4, faces, skeleton)


@pytest.fixture
def make_person() -> Callable[..., Person]:
    """A person turned by `turn` (rest axes to camera) whose feet stand at `feet`."""

    def make(track_id=1, feet=(0.3, 1.0, 4.0), turn=FACING, mesh=False, **changes) -> Person:
        joints = coco_rest() @ np.asarray(turn).T + feet
        pose = Pose(COCO17, joints[:, :2] / joints[:, 2:] * 500, joints, np.full(17, 0.9))
        body = None
        if mesh:
            vertices = np.array([[0, 0, 0], [0.3, 0, 0], [0, 1.7, 0], [0, 0, 0.2]]) @ turn.T + feet
            spread = np.random.default_rng(track_id).normal(scale=0.3, size=(24, 3))
            rotations = np.broadcast_to(turn, (24, 3, 3)).copy()
            shape = np.arange(4.0)
            body = Mesh(tetrahedron(), vertices, spread + feet, rotations, shape)
        box = Box(100.4, 50.6, 80, 200, 0.8)
        return Person(box, 0.8, pose, body, track_id=track_id).with_(**changes)

    return make
