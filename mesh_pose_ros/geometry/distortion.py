"""
What a lens does to a ray before it reaches the sensor.

A lens maps the point where a ray meets the plane z = 1 of the camera frame to the point where
a pinhole would have had to see it: `distort`; `undistort` goes back. Both are unitless points
(..., 2); intrinsics come after. Coefficients are OpenCV's and ROS's, in their order.

A fitted polynomial holds only up to some angle; beyond it the image folds back over itself and
far points would land inside the picture. Each lens knows the radius up to which it is one to
one. Beyond it both directions answer NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.errors import BadCameraError
from mesh_pose_ros.geometry.brown_conrady import BrownConrady
from mesh_pose_ros.geometry.kannala_brandt import KannalaBrandt

Array = NDArray[np.floating]


class Lens(Protocol):
    """A one-to-one map of the plane z = 1, as far as it goes."""

    def distort(self, points: Array) -> Array:
        """Where a pinhole would see the point, (..., 2); NaN beyond the valid radius."""

    def undistort(self, points: Array) -> Array:
        """Turn `distort` around, (..., 2); NaN where no ray arrives."""


@dataclass(frozen=True)
class Pinhole:
    """No lens at all."""

    def distort(self, points: Array) -> Array:
        """Return the points as they are."""
        return points

    def undistort(self, points: Array) -> Array:
        """Return the points as they are."""
        return points


# model name as in CameraInfo -> numbers of coefficients it may come with
LENGTHS = {
    'plumb_bob': (0, 1, 2, 3, 4, 5),
    'rational_polynomial': (0, 4, 5, 8, 12, 14),
    'equidistant': (0, 4),
}


def make_lens(model: str, coefficients: ArrayLike) -> Lens:
    """
    Build the lens that CameraInfo's distortion model and coefficients describe.

    Missing coefficients count as zero. An equidistant lens bends rays even when all are zero.

    :raises BadCameraError: the model is unknown, its coefficients are too many or not finite,
        or a sensor tilt (13th and 14th coefficient) is asked for
    """
    given = np.asarray(coefficients, dtype=float)
    _check(model, given)
    if model == 'equidistant':
        return KannalaBrandt(np.pad(given, (0, 4 - given.size)))
    if given[12:].any():
        raise BadCameraError(
            'a tilted sensor (tau_x, tau_y) is not supported; recalibrate without'
        )
    if not given.any():
        return Pinhole()
    return BrownConrady(np.pad(given[:12], (0, 12 - given[:12].size)))


def _check(model: str, given: Array) -> None:
    if model not in LENGTHS:
        raise BadCameraError(f'unknown distortion model {model!r}, known are {list(LENGTHS)}')
    if given.ndim != 1 or given.size not in LENGTHS[model]:
        raise BadCameraError(
            f'{model} takes {LENGTHS[model]} distortion coefficients, got {given.size}'
        )
    if not np.isfinite(given).all():
        raise BadCameraError(f'distortion coefficients must be finite, got {given.tolist()}')
