"""The lens of fisheye cameras. See `distortion`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import NDArray

from mesh_pose_ros.geometry.inversion import (
    NEWTON_DONE,
    NEWTON_STEPS,
    TABLE_SIZE,
    UNDISTORTED,
    first_root,
)

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class KannalaBrandt:
    """
    A fisheye lens: the image radius is a polynomial of the angle to the axis (equidistant).

    Rays at right angles to the axis or beyond do not meet z = 1 and have no place here.

    :param coefficients: (4,) k1 k2 k3 k4
    """

    coefficients: Array

    def distort(self, points: Array) -> Array:
        """Bend rays; NaN at and beyond the angle where the image would fold back."""
        radius = np.linalg.norm(points, axis=-1, keepdims=True)
        angle = np.arctan(radius)
        seen = np.where(angle < self.limit, self._seen(angle), np.nan)
        return points * _ratio(seen, radius)

    def undistort(self, points: Array) -> Array:
        """Solve `distort` for the angle by Newton's method."""
        goal = np.linalg.norm(np.asarray(points, dtype=float), axis=-1, keepdims=True)
        angle = np.interp(goal, *self._table)
        for _ in range(NEWTON_STEPS):
            error = goal - self._seen(angle)
            if not np.any(np.abs(error) > NEWTON_DONE):
                break
            step = error / polynomial.polyval(angle**2, self._slope)
            angle = np.clip(angle + step, 0.0, self.limit * (1 - 1e-9))
        missed = ~(np.abs(goal - self._seen(angle)) < UNDISTORTED)
        return points * _ratio(np.where(missed, np.nan, np.tan(angle)), goal)

    @cached_property
    def limit(self) -> float:
        """The angle up to which the image radius grows, at most a right angle, radians."""
        return min(np.sqrt(first_root(self._slope)), np.pi / 2)

    @cached_property
    def _slope(self) -> Array:
        """Derivative of the image radius, as a polynomial of the squared angle."""
        return np.r_[1.0, self.coefficients] * np.array([1.0, 3.0, 5.0, 7.0, 9.0])

    @cached_property
    def _table(self) -> tuple[Array, Array]:
        """Image radii and angles, both growing."""
        angles = np.linspace(0.0, self.limit * (1 - 1e-6), TABLE_SIZE)
        return self._seen(angles), angles

    def _seen(self, angle: Array) -> Array:
        return angle * polynomial.polyval(angle**2, np.r_[1.0, self.coefficients])


def _ratio(radius_after: Array, radius_before: Array) -> Array:
    """After / before, 1 on the axis, where both are zero."""
    near = radius_before < 1e-9
    return np.where(near, 1.0, radius_after / np.where(near, 1.0, radius_before))
