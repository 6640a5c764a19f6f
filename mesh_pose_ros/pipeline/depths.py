"""
Place people whose network says pixels and depths, and whose distance somebody else says.

A network that gives x, y in pixels of the crop and z in metres from the root (as a volume of
cells along each axis does) knows no distance. A root network may, see `pipeline.root_stage`; where
there is none, the size of the box says what it can: a person is taken for a square of ``span``
metres that fills the crop.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.pipeline.placement import Placement

Array = NDArray[np.floating]

SPAN = 2.0  # metres
NEAREST = 0.05  # metres; what would be nearer to the camera than this is as far away as this
GUESS_STDDEV = 0.2  # of the distance: people stand, sit, and stretch out their arms
TOLD_STDDEV = 0.05  # of the distance that a network says


def usual_depth(own: Camera, span: float = SPAN) -> float:
    """How far away a square of ``span`` metres is that fills the crop of a camera, metres."""
    width, height = own.size
    focal = np.sqrt(own.intrinsics[0, 0] * own.intrinsics[1, 1])
    return float(span * focal / np.sqrt(width * height))


def at_depths(own: Camera, points: Array, depth: float) -> Array:
    """
    Put points in front of a crop's camera.

    :param points: x, y in pixels of the crop, z in metres from the root, (..., 3)
    :param depth: of the root, metres
    :return: axes of the crop's camera, (..., 3), metres
    """
    far = np.maximum(points[..., 2:] + depth, NEAREST)
    return np.concatenate([own.rays(points[..., :2]) * far, far], axis=-1)


def place_at_depth(
    own: Camera, joints: Array, root: int, depth: float | None, span: float = SPAN
) -> Placement | None:
    """
    Place one person.

    :param joints: x, y in pixels of the crop, z in metres from the root, (J, 3)
    :param root: place of the root among the joints
    :param depth: of the root, metres; None if nobody knows
    :param span: see `usual_depth`
    :return: None where the distance is none
    """
    far = usual_depth(own, span) if depth is None else depth
    if not np.isfinite(far) or far <= 0:
        return None
    places = at_depths(own, joints, far)
    share = GUESS_STDDEV if depth is None else TOLD_STDDEV
    return Placement(places[root], places, share * far, depth is not None, far)
