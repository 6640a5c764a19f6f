"""Cameras of every lens model, and a person of known place before them."""

import numpy as np

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box, Person, Pose
from mesh_pose_ros.skeletons import COCO17, Skeleton

# who stands upright and faces the camera: camera axes, metres, relative to the hips
STANDING = np.array(
    [
        [0, -.7, -.1], [.03, -.74, -.08], [-.03, -.74, -.08], [.07, -.7, 0], [-.07, -.7, 0],
        [.19, -.5, 0], [-.19, -.5, 0], [.24, -.2, .05], [-.24, -.2, .05], [.26, .05, -.05],
        [-.26, .05, -.05], [.1, 0, 0], [-.1, 0, 0], [.1, .45, -.05], [-.1, .45, -.05],
        [.1, .87, .05], [-.1, .87, .05],
    ]
)  # fmt: skip

LENSES = {
    'pinhole': {},
    'plumb_bob': {'distortion': (-0.28, 0.07, 0.001, -0.0005, 0.0)},
    'rational': {
        'distortion': (0.3, 0.1, 0.0004, 0.0002, 0.01, 0.6, 0.15, 0.02),
        'model': 'rational_polynomial',
    },
    'fisheye': {'distortion': (0.02, -0.01, 0.003, -0.001), 'model': 'equidistant'},
}


def camera_with(lens: str, focal=500.0, size=(640, 480)) -> Camera:
    K = np.array([[focal, 0, size[0] / 2 + 3], [0, focal * 1.01, size[1] / 2 - 5], [0, 0, 1]])
    return Camera(K, size, **LENSES[lens])


def seen_by(camera: Camera, root, track_id=0, scale=1.0, skeleton: Skeleton = COCO17) -> Person:
    """A standing person whose hips are at ``root``."""
    joints = STANDING * scale + root
    pixels = camera.project(joints)
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    box = Box(*low.tolist(), *(high - low).tolist(), score=0.9)
    return Person(box, 0.9, Pose(skeleton, pixels, joints, np.ones(17)), track_id=track_id)
