"""
A camera as a value: where a point of space lands in the image, and where a pixel looks.

Frames: *optical* is the frame of the real camera, x right, y down, z forward, metres. A camera
may be turned about the same centre: then its *own* axes are ``rotation @ optical``. Pixel
centres are at whole numbers, so an image of width W reaches from -0.5 to W - 0.5.

A crop is a camera too. `Camera.looking_at` turns a pinhole towards a part of the image; what a
network sees there has no lens distortion and no slant of a person far from the image centre,
and whatever it says about the crop is said in the axes of a known camera: nothing to undo.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.errors import BadCameraError
from mesh_pose_ros.geometry.distortion import Lens, Pinhole, make_lens

Array = NDArray[np.floating]

# right, left, bottom and top of a square of side 1
SIDE_MIDDLES = np.array([[0.5, 0.0], [-0.5, 0.0], [0.0, 0.5], [0.0, -0.5]])


class RegionLike(Protocol):
    """A square of the image, perhaps turned; `mesh_pose_ros.people.Region` is one."""

    @property
    def centre(self) -> tuple[float, float]:
        """(u, v) pixels."""

    @property
    def side(self) -> float:
        """Pixels."""

    @property
    def angle(self) -> float:
        """Radians, clockwise as seen in the image."""


@dataclass(frozen=True, eq=False)
class Camera:
    """
    Intrinsics, lens and direction of view.

    :param intrinsics: K, (3, 3), pixels
    :param size: (width, height) of the image, pixels
    :param distortion: coefficients in the order of OpenCV and ROS, (D,)
    :param model: ``plumb_bob`` (at most 5), ``rational_polynomial`` (8, 12 or 14) or
        ``equidistant`` (4, fisheye)
    :param rotation: optical frame -> this camera's own axes, (3, 3); may hold a reflection
    :param guessed: the intrinsics come from a field of view, not from a calibration
    :raises BadCameraError: the numbers describe no camera
    """

    intrinsics: Array
    size: tuple[int, int]
    distortion: ArrayLike = ()
    model: str = 'plumb_bob'
    rotation: Array = field(default_factory=lambda: np.eye(3))
    guessed: bool = False

    def __post_init__(self) -> None:
        for name in ('intrinsics', 'distortion', 'rotation'):
            object.__setattr__(self, name, _frozen(getattr(self, name)))
        object.__setattr__(self, 'size', (int(self.size[0]), int(self.size[1])))
        _check_intrinsics(self.intrinsics)
        if min(self.size) < 1:
            raise BadCameraError(f'an image of {self.size[0]} x {self.size[1]} has no pixels')
        if self.rotation.shape != (3, 3) or not _is_orthonormal(self.rotation):
            raise BadCameraError('rotation must be an orthonormal 3 x 3 matrix')
        self.lens  # noqa: B018  a wrong distortion shall fail here, not at the first frame

    @classmethod
    def from_fov(cls, hfov_deg: float, size: tuple[int, int]) -> Camera:
        """
        Guess a pinhole camera with its axis through the middle of the image.

        :param hfov_deg: horizontal field of view, degrees, between 0 and 180
        :raises BadCameraError: no pinhole has such a field of view
        """
        if not 0 < hfov_deg < 180:
            raise BadCameraError(f'the field of view must lie in 0 to 180 degrees, not {hfov_deg}')
        focal = size[0] / 2 / np.tan(np.deg2rad(hfov_deg) / 2)
        return cls(_square_intrinsics(focal, size), size, guessed=True)

    @cached_property
    def lens(self) -> Lens:
        """What bends the rays on their way in."""
        return make_lens(self.model, self.distortion)

    @property
    def has_distortion(self) -> bool:
        """Whether straight lines of the world may look bent in the image."""
        return not isinstance(self.lens, Pinhole)

    @property
    def focal(self) -> float:
        """Mean focal length, pixels."""
        return float(self.intrinsics[0, 0] + self.intrinsics[1, 1]) / 2

    def to_optical(self, vectors: ArrayLike) -> Array:
        """Turn vectors (..., 3) from this camera's own axes to the optical frame."""
        return np.asarray(vectors) @ self.rotation

    def from_optical(self, vectors: ArrayLike) -> Array:
        """Turn vectors (..., 3) from the optical frame to this camera's own axes."""
        return np.asarray(vectors) @ self.rotation.T

    def project(self, points: ArrayLike) -> Array:
        """
        Where points are seen. See `project_own`.

        :param points: optical frame, (..., 3), metres
        :return: pixels, (..., 2)
        """
        return self.project_own(self.from_optical(points))

    def project_own(self, points: ArrayLike) -> Array:
        """
        Where points are seen, inside the image or not.

        :param points: this camera's own axes, (..., 3), metres
        :return: pixels, (..., 2); NaN for a point that is not in front of the camera, or so far
            off its axis that the lens model no longer holds
        """
        points = np.asarray(points, dtype=float)
        depth = points[..., 2:]
        with np.errstate(invalid='ignore', over='ignore'):
            rays = points[..., :2] / np.where(depth > 0, depth, np.nan)
            seen = self.lens.distort(rays)
        return seen @ self.intrinsics[:2, :2].T + self.intrinsics[:2, 2]

    def rays(self, pixels: ArrayLike) -> Array:
        """
        Where pixels look: the point of each ray at depth 1, free of distortion.

        :param pixels: (..., 2), need not lie inside the image
        :return: x and y on the plane z = 1 of this camera's own axes, (..., 2); NaN where the
            lens lets no ray in
        """
        shifted = np.asarray(pixels, dtype=float) - self.intrinsics[:2, 2]
        (fx, skew), (_, fy) = self.intrinsics[:2, :2]
        y = shifted[..., 1] / fy
        x = (shifted[..., 0] - skew * y) / fx
        return self.lens.undistort(np.stack([x, y], axis=-1))

    def looking_at(self, region: RegionLike, side_px: int) -> Camera:
        """
        Turn a pinhole camera to a region of this image (Sárándi et al. 2020).

        The new axis goes through the region's centre. At angle 0 the vertical line of the image
        through that centre stays vertical; an angle rolls the camera. Pixels are square, and
        the longer of the region's extents fills the new image.

        :param region: what to see, pixels of this image
        :param side_px: width and height of the new image
        :raises BadCameraError: the region has no area, or lies where the lens sees nothing
        """
        if not region.side > 0 or side_px < 1:
            raise BadCameraError(f'cannot look at {region.side} px through {side_px} px')
        turn = turn_towards(self.rays(region.centre), region.angle)
        size = (side_px, side_px)
        extent = self._extent(region, turn)
        if not np.isfinite(turn).all() or not np.isfinite(extent):
            raise BadCameraError(f'the lens sees nothing around pixel {region.centre}')
        intrinsics = _square_intrinsics(side_px / extent, size)
        rotation = turn @ self.rotation
        return Camera(intrinsics, size, rotation=rotation, guessed=self.guessed)

    def flat_part(self, region: RegionLike, side_px: int) -> Camera:
        """
        Cut a region out without turning the camera: what a photograph shows there.

        As `looking_at`, but the axis stays where it is and only rolls; a person far from the
        image's middle keeps the slant that networks know from photographs.

        :param region: what to see, pixels of this image
        :param side_px: width and height of the new image
        :raises BadCameraError: the region has no area, or lies where the lens sees nothing
        """
        if not region.side > 0 or side_px < 1:
            raise BadCameraError(f'cannot cut {region.side} px into {side_px} px')
        roll = turn_towards(np.zeros(2), region.angle)
        extent = self._extent(region, roll)
        centre = roll[:2, :2] @ self.rays(region.centre)
        if not np.isfinite([extent, *centre]).all():
            raise BadCameraError(f'the lens sees nothing around pixel {region.centre}')
        intrinsics = _square_intrinsics(side_px / extent, (side_px, side_px))
        intrinsics[:2, 2] -= side_px / extent * centre
        size = (side_px, side_px)
        return Camera(intrinsics, size, rotation=roll @ self.rotation, guessed=self.guessed)

    def resized(self, size: tuple[int, int]) -> Camera:
        """Return the same view on another number of pixels (width, height)."""
        scale = np.asarray(size) / self.size
        resize = np.diag([*scale, 1.0])
        resize[:2, 2] = (scale - 1) / 2  # the outer edges of the image stay where they are
        return replace(self, intrinsics=resize @ self.intrinsics, size=size)

    def homography(self, target: Camera) -> Array:
        """
        Where this camera's pixels are found in the image of another at the same centre.

        :return: (3, 3), maps (u, v, 1) of this image to ``target``'s; scale is arbitrary
        :raises BadCameraError: one of the two has distortion: no homography describes it
        """
        if self.has_distortion or target.has_distortion:
            raise BadCameraError('a homography joins pinhole cameras only; this lens distorts')
        turn = target.rotation @ self.rotation.T
        return target.intrinsics @ turn @ np.linalg.inv(self.intrinsics)

    def _extent(self, region: RegionLike, turn: Array, part: float = 1.0) -> float:
        """
        Side of the region on the plane z = 1 of the turned camera; infinite if out of sight.

        A region may reach beyond what the lens lets in: then its inner part tells the scale.
        """
        cos, sin = np.cos(region.angle), np.sin(region.angle)
        side = region.side * part
        middles = SIDE_MIDDLES @ [[cos, sin], [-sin, cos]] * side + region.centre
        right, left, bottom, top = self._turned_rays(middles, turn)
        extents = np.linalg.norm([right - left, bottom - top], axis=-1)
        if side > 1 and np.isnan(extents).all():
            return self._extent(region, turn, part / 2)
        return float(np.max(extents, initial=-np.inf, where=~np.isnan(extents))) / part

    def _turned_rays(self, pixels: Array, turn: Array) -> Array:
        rays = self.rays(pixels)
        x, y, z = turn @ np.stack([*rays.T, np.ones(len(rays))])
        return np.stack([x, y], axis=-1) / np.where(z > 0, z, np.nan)[:, None]


def turn_towards(ray: Array, angle: float = 0.0) -> Array:
    """
    Turn axes so that z goes along a ray and y stays upright, then roll them.

    :param ray: (2,), on the plane z = 1
    :param angle: radians, as of a region
    :return: old axes -> new axes, (3, 3)
    """
    across, down = ray
    slant = np.sqrt(1 + across * across)
    ahead = np.sqrt(1 + across * across + down * down)
    forward = np.array([across, down, 1.0]) / ahead
    right = np.array([1.0, 0.0, -across]) / slant
    below = np.array([-across * down, slant * slant, -down]) / (slant * ahead)  # forward x right
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * right + sin * below, cos * below - sin * right, forward])


def _square_intrinsics(focal: float, size: tuple[int, int]) -> Array:
    """K of square pixels whose axis goes through the middle of the image, (3, 3)."""
    return np.array(
        [[focal, 0.0, (size[0] - 1) / 2], [0.0, focal, (size[1] - 1) / 2], [0.0, 0.0, 1.0]]
    )


def _frozen(values: ArrayLike) -> Array:
    array = np.array(values, dtype=float)
    array.setflags(write=False)
    return array


def _check_intrinsics(K: Array) -> None:
    if K.shape != (3, 3) or not np.isfinite(K).all():
        raise BadCameraError(f'intrinsics must be a finite 3 x 3 matrix, got {K.tolist()}')
    if not (K[0, 0] > 0 and K[1, 1] > 0):
        raise BadCameraError(
            f'focal lengths must be positive, got {K[0, 0]:g} and {K[1, 1]:g}; is the camera '
            'calibrated? A field of view may stand in for a calibration'
        )
    if K[1, 0] or not np.abs(K[2] - (0, 0, 1)).max() < 1e-6:
        raise BadCameraError(f'intrinsics must be upper triangular with 1 last, got {K.tolist()}')


def _is_orthonormal(matrix: Array) -> bool:
    return bool(np.abs(matrix @ matrix.T - np.eye(3)).max() < 1e-5)  # False for NaN
