"""People made of simple bodies, to be drawn."""

import numpy as np
import pytest

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box, Mesh, Person, Pose, Topology
from mesh_pose_ros.skeletons import COCO17


@pytest.fixture
def camera():
    return Camera.from_fov(55, (640, 480))


@pytest.fixture
def person_at(camera):
    """Make a person: an ellipsoid round a point, and a standing skeleton in it."""

    def make(centre, half_axes=(0.3, 0.8, 0.2), track_id=0, mesh=True):
        centre = np.asarray(centre, dtype=float)
        vertices, faces = ellipsoid(half_axes)
        joints = STANDING * half_axes + centre
        pose = Pose(COCO17, camera.project(joints), joints, np.ones(17))
        body = Mesh(Topology('ellipsoid', len(vertices), faces), vertices + centre)
        low, high = pose.joints2d.min(axis=0), pose.joints2d.max(axis=0)
        box = Box(*low, *(high - low), score=0.9)
        return Person(box, 0.9, pose, body if mesh else None, track_id=track_id)

    return make


# a person who faces the camera: the own left is at the right of the image, where x is positive
STANDING = np.array(
    [
        [0, -0.9, -0.5], [0.1, -0.95, -0.4], [-0.1, -0.95, -0.4], [0.2, -0.9, 0], [-0.2, -0.9, 0],
        [0.6, -0.6, 0], [-0.6, -0.6, 0], [0.7, -0.2, 0], [-0.7, -0.2, 0], [0.7, 0.1, 0],
        [-0.7, 0.1, 0], [0.4, 0, 0], [-0.4, 0, 0], [0.4, 0.5, 0], [-0.4, 0.5, 0],
        [0.4, 0.95, 0], [-0.4, 0.95, 0],
    ]
)  # fmt: skip


def ellipsoid(half_axes, rings=40, segments=64):
    """A closed surface round the origin, (V, 3) and (F, 3) counter-clockwise from outside."""
    theta = np.linspace(0, np.pi, rings)[:, None]
    phi = np.arange(segments) / segments * 2 * np.pi
    unit = np.stack(
        [np.sin(theta) * np.cos(phi), np.cos(theta) + 0 * phi, np.sin(theta) * np.sin(phi)], -1
    )
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(segments), indexing='ij')
    a, b = i * segments + j, i * segments + (j + 1) % segments
    c, d = a + segments, b + segments
    faces = np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in ((a, b, c), (b, d, c))])
    vertices = (unit * half_axes).reshape(-1, 3)
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.einsum('fi,fi->f', normal, corners.mean(axis=1)) < 0
    faces[inward] = faces[inward][:, ::-1]
    return vertices, faces
