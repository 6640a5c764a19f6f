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
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.errors import BadCameraError

Array = NDArray[np.floating]

NEWTON_STEPS = 20  # five are enough but where the image is about to fold
NEWTON_DONE = 1e-13  # on the plane z = 1
UNDISTORTED = 1e-8  # a residual above this is no solution; 1e-5 px at a focal length of 1000
TABLE_SIZE = 256
NEVER = 1e3  # radius on z = 1; 0.06 degrees from the image plane


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
        rise, fall = polynomial.polyder(top), polynomial.polyder(bottom)
        twist = polynomial.polysub(polynomial.polymul(rise, bottom), polynomial.polymul(top, fall))
        gain = polynomial.polymul(top, bottom)  # these three times bottom squared
        slope = polynomial.polyadd(gain, 2 * np.r_[0.0, twist])
        taken = polynomial.polymul(_of_radius(polynomial.polymul(bottom, bottom)), self._taken)
        margins = (polynomial.polysub(_of_radius(part), taken) for part in (gain, slope))
        return min(_first_root(_of_radius(bottom)), *map(_first_root, margins))

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

    def _gain(self, squared: Array) -> Array:
        top, bottom = self._polynomials
        gain = polynomial.polyval(squared, top)
        return gain / polynomial.polyval(squared, bottom) if bottom[1:].any() else gain

    def _gain_slope(self, squared: Array) -> Array:
        top, bottom = self._polynomials
        under = polynomial.polyval(squared, bottom)
        rise = polynomial.polyval(squared, polynomial.polyder(top))
        fall = polynomial.polyval(squared, polynomial.polyder(bottom))
        return (rise - self._gain(squared) * fall) / under

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
        return min(np.sqrt(_first_root(self._slope)), np.pi / 2)

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


def _first_root(coefficients: Array) -> float:
    """
    The smallest positive real root of a polynomial, lowest power first and equal to 1.

    Roots above `NEVER` count as none: inf. It is solved for the root's inverse, since the first
    coefficient is 1 and the last may be as good as zero.
    """
    roots = polynomial.polyroots(coefficients[::-1])
    real = roots.real[np.abs(roots.imag) < 1e-9 * np.abs(roots)]
    largest = real.max(initial=0.0)
    return float(1 / largest) if largest > 1 / NEVER else float('inf')


def _of_radius(coefficients: Array) -> Array:
    """Turn a polynomial of the squared radius into one of the radius."""
    spread = np.zeros(2 * len(coefficients) - 1)
    spread[::2] = coefficients
    return spread


def _ratio(radius_after: Array, radius_before: Array) -> Array:
    """After / before, 1 on the axis, where both are zero."""
    near = radius_before < 1e-9
    return np.where(near, 1.0, radius_after / np.where(near, 1.0, radius_before))


def _solve2(matrix: tuple[Array, Array, Array, Array], right: Array) -> Array:
    """Solve 2 x 2 systems given as a, b, c, d for [[a, b], [c, d]]."""
    a, b, c, d = matrix
    first = d * right[..., 0] - b * right[..., 1]
    second = a * right[..., 1] - c * right[..., 0]
    with np.errstate(divide='ignore', invalid='ignore'):
        return np.stack([first, second], axis=-1) / (a * d - b * c)[..., None]
