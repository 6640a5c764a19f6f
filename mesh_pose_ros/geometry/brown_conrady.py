"""The lens of plumb_bob and rational_polynomial cameras. See `distortion`."""

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
class BrownConrady:
    """
    Radial, tangential and thin prism distortion: plumb_bob and rational_polynomial.

    :param coefficients: (12,) k1 k2 p1 p2 k3 k4 k5 k6 s1 s2 s3 s4
    """

    coefficients: Array

    def distort(self, points: Array) -> Array:
        """Bend rays; NaN at and beyond `limit`, where the image may fold back."""
        x, y = points[..., 0], points[..., 1]
        squared = x * x + y * y
        gain = self._gain(np.where(squared < self.limit**2, squared, np.nan))
        return np.stack(self._bent(x, y, squared, gain), axis=-1)

    def undistort(self, points: Array) -> Array:
        """Solve `distort` by Newton's method from the inverse of the radial part."""
        goal = np.asarray(points, dtype=float)
        found = self._first_guess(goal)
        for _ in range(NEWTON_STEPS):
            error = goal - self.distort(found)
            if not np.any(np.abs(error) > NEWTON_DONE):
                break
            found = self._within(found + _solve2(self._jacobian(found), error))
        missed = ~(np.abs(goal - self.distort(found)).max(axis=-1, initial=0) < UNDISTORTED)
        return np.where(missed[..., None], np.nan, found)

    @cached_property
    def limit(self) -> float:
        """
        The radius on z = 1 up to which the lens is one to one, inf if it always is.

        The radial part stretches by its gain across and by its slope along the radius. While
        both exceed what tangential and prism terms can take away, no two rays meet.
        """
        top, bottom = self._polynomials
        rise, fall = self._derivatives
        twist = polynomial.polysub(polynomial.polymul(rise, bottom), polynomial.polymul(top, fall))
        gain = polynomial.polymul(top, bottom)  # these three times bottom squared
        slope = polynomial.polyadd(gain, 2 * np.r_[0.0, twist])
        taken = polynomial.polymul(_of_radius(polynomial.polymul(bottom, bottom)), self._taken)
        margins = (polynomial.polysub(_of_radius(part), taken) for part in (gain, slope))
        return min(first_root(_of_radius(bottom)), *map(first_root, margins))

    @property
    def _taken(self) -> Array:
        """The most that all but the radial part can shrink, a polynomial of the radius."""
        _, _, p1, p2, *_, s1, s2, s3, s4 = self.coefficients
        return np.array(
            [0.0, 6 * np.hypot(p1, p2) + 2 * np.hypot(s1, s3), 0, 4 * np.hypot(s2, s4)]
        )

    @cached_property
    def _polynomials(self) -> tuple[Array, Array]:
        """Numerator and denominator of the radial gain in r^2, lowest power first."""
        k1, k2, _, _, k3, k4, k5, k6 = self.coefficients[:8]
        return np.array([1.0, k1, k2, k3]), np.array([1.0, k4, k5, k6])

    @cached_property
    def _derivatives(self) -> tuple[Array, Array]:
        """Of the numerator and the denominator, by r^2."""
        top, bottom = self._polynomials
        return polynomial.polyder(top), polynomial.polyder(bottom)

    def _gain(self, squared: Array) -> Array:
        top, bottom = self._polynomials
        gain = polynomial.polyval(squared, top)
        return gain / polynomial.polyval(squared, bottom) if bottom[1:].any() else gain

    def _gain_slope(self, squared: Array) -> Array:
        bottom = self._polynomials[1]
        rise, fall = (polynomial.polyval(squared, slope) for slope in self._derivatives)
        if not bottom[1:].any():
            return rise
        return (rise - self._gain(squared) * fall) / polynomial.polyval(squared, bottom)

    def _bent(self, x: Array, y: Array, squared: Array, gain: Array) -> tuple[Array, Array]:
        _, _, p1, p2, *_, s1, s2, s3, s4 = self.coefficients
        lean = gain + 2 * (p1 * y + p2 * x)
        along_x = x * lean + squared * (p2 + s1 + s2 * squared)
        return along_x, y * lean + squared * (p1 + s3 + s4 * squared)

    def _jacobian(self, points: Array) -> tuple[Array, Array, Array, Array]:
        """Derivatives of `distort`: dx/dx, dx/dy, dy/dx, dy/dy."""
        _, _, p1, p2, *_, s1, s2, s3, s4 = self.coefficients
        x, y = points[..., 0], points[..., 1]
        squared = x * x + y * y
        lean = self._gain(squared) + 2 * (p1 * y + p2 * x)
        slope = 2 * self._gain_slope(squared)
        lean_x, lean_y = slope * x + 2 * p2, slope * y + 2 * p1
        prism_x = 2 * (p2 + s1 + 2 * s2 * squared)
        prism_y = 2 * (p1 + s3 + 2 * s4 * squared)
        return (
            lean + x * (lean_x + prism_x),
            x * lean_y + y * prism_x,
            y * lean_x + x * prism_y,
            lean + y * (lean_y + prism_y),
        )

    def _first_guess(self, goal: Array) -> Array:
        radii, seen = self._table
        radius = np.linalg.norm(goal, axis=-1, keepdims=True)
        return goal * np.interp(radius, seen, radii) / np.maximum(radius, 1e-12)

    def _within(self, points: Array) -> Array:
        """Pull points back into the disc where the lens is one to one."""
        if np.isinf(self.limit):
            return points
        radius = np.linalg.norm(points, axis=-1, keepdims=True)
        return points * np.minimum(1.0, self.limit * (1 - 1e-9) / np.maximum(radius, 1e-12))

    @cached_property
    def _table(self) -> tuple[Array, Array]:
        """Radii before and after the lens, both growing."""
        steepest = min(np.arctan(self.limit), np.deg2rad(89.5)) * (1 - 1e-6)
        radii = np.tan(np.linspace(0.0, steepest, TABLE_SIZE))
        return radii, radii * self._gain(radii**2)


def _of_radius(coefficients: Array) -> Array:
    """Turn a polynomial of the squared radius into one of the radius."""
    spread = np.zeros(2 * len(coefficients) - 1)
    spread[::2] = coefficients
    return spread


def _solve2(matrix: tuple[Array, Array, Array, Array], right: Array) -> Array:
    """Solve 2 x 2 systems given as a, b, c, d for [[a, b], [c, d]]."""
    a, b, c, d = matrix
    first = d * right[..., 0] - b * right[..., 1]
    second = a * right[..., 1] - c * right[..., 0]
    with np.errstate(divide='ignore', invalid='ignore'):
        return np.stack([first, second], axis=-1) / (a * d - b * c)[..., None]
