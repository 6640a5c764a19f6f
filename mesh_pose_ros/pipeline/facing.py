"""The axes in which a network says what it sees: those of a camera that looks straight at it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Region

Array = NDArray[np.floating]

RAY_SPACE = Camera(np.eye(3), (1, 1))  # its pixels are points of the plane z = 1


def turn_towards(point: Array, angle: float = 0.0) -> Array:
    """
    Turn a camera's axes so that it looks at a point, upright or rolled.

    :param point: (3,), in front of the camera, its axes
    :param angle: radians, as of a `Region`
    :return: camera axes -> axes of the turned camera, (3, 3)
    """
    across, down = (point[:2] / point[2]).tolist()
    return RAY_SPACE.looking_at(Region((across, down), 1e-3, angle), 1).rotation
