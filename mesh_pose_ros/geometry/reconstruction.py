"""
Place a pose as published networks expect it (Sárándi et al., TBIOM 2020, section 4; code of 2023).

`absolute` solves the same equations exactly, and is what to use with networks that say how sure
they are of each joint. Published networks were trained through the form here: joints are in
view or not, those out of view count for nearly nothing, and a small pull keeps the root near
the network's origin. Nothing is refused: without any joint in view the answer means nothing.

Rays are points of the plane z = 1; offsets are relative to any one point of the body, in any
unit of length, which is then that of the answer; both in the axes of the same camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.geometry.absolute import placed

Array = NDArray[np.floating]

OUT_OF_VIEW = 1e-4  # weight of a joint out of view beside 1, added to all
RIDGE = 1e-2  # pull towards the origin, in equations scaled to a root mean square of 1
MARGIN = 0.75  # cells of the network's maps along the border that are out of view
FLATTEST = 1e-5  # least spread of rays and offsets in weak perspective


@dataclass(frozen=True)
class Rule:
    """
    How poses are placed.

    :param weak: in weak perspective, which is what networks of 2020 were trained with
    :param ray_share: how far a joint in view is moved to its ray at its own depth, 0 to 1
    :param together: scale the equations of all poses of a batch by one number, as the authors'
        code does; then everybody in a batch moves everybody else by millimetres to centimetres
    :param ridge: see `RIDGE`; none in the code of 2020
    """

    weak: bool = False
    ray_share: float = 0.5
    together: bool = False
    ridge: float = RIDGE

    def root(self, rays: ArrayLike, offsets: ArrayLike, in_view: ArrayLike) -> Array:
        """Place the origin of the offsets, (..., 3). See `reconstructed`."""
        if self.weak:
            return weak_root(rays, offsets, in_view)
        return full_root(rays, offsets, in_view, self.together, self.ridge)


DEFAULT = Rule()
PUBLISHED = Rule(together=True)  # 2021 to 2023
PUBLISHED_2020 = Rule(weak=True, ray_share=1.0)


def reconstructed(
    rays: ArrayLike, offsets: ArrayLike, in_view: ArrayLike, rule: Rule = DEFAULT
) -> Array:
    """
    Place poses in front of the camera.

    :param rays: joints on the plane z = 1, (..., J, 2)
    :param offsets: (..., J, 3)
    :param in_view: whether the crop shows a joint, (..., J). See `within_limits`.
    :return: joints in the camera's axes, (..., J, 3), in the offsets' unit
    """
    root = rule.root(rays, offsets, in_view)
    return placed(root, rays, offsets, rule.ray_share, in_view)


def view_limits(
    side: int, stride: int, centred: bool = True, margin: float = MARGIN
) -> tuple[float, float]:
    """
    Least and largest pixel of a crop, along both axes, where maps can tell a joint's place well.

    :param side: of the crop, pixels
    :param stride: pixels per cell in training
    :param centred: whether cells lie symmetrically in the crop
    :param margin: cells along the border that do not count, 1 in the code of 2020
    """
    edge, shift = stride * margin, 0.0 if centred else -stride / 2
    return edge + shift, side - edge + shift


def within_limits(joints2d: ArrayLike, limits: tuple[float, float]) -> NDArray[np.bool_]:
    """Tell which joints (..., J, 2), pixels of the crop, lie within `view_limits`, (..., J)."""
    pixels = np.asarray(joints2d)
    return np.asarray(((pixels >= limits[0]) & (pixels <= limits[1])).all(axis=-1))


def within_view(
    joints2d: ArrayLike, side: int, stride: int, centred: bool = True, margin: float = MARGIN
) -> NDArray[np.bool_]:
    """Tell which joints (..., J, 2), pixels of the crop, are in view, (...). See `view_limits`."""
    return within_limits(joints2d, view_limits(side, stride, centred, margin))


def placed_in_crops(
    joints2d: ArrayLike,
    joints3d: ArrayLike,
    intrinsics: ArrayLike,
    limits: tuple[float, float],
    rule: Rule = DEFAULT,
) -> Array:
    """
    Place poses by what a network says about crops.

    :param joints2d: pixels of the crops, (N, J, 2)
    :param joints3d: from any one point of the body, axes of the crops' cameras, (N, J, 3)
    :param intrinsics: of the crops' cameras, (N, 3, 3)
    :param limits: of the joints in view, see `view_limits`
    :return: joints in front of the crops' cameras, (N, J, 3). See `reconstructed`.
    """
    pixels = np.asarray(joints2d, dtype=float)
    ahead = np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1)
    rays = (ahead @ np.linalg.inv(np.asarray(intrinsics, dtype=float)).swapaxes(-1, -2))[..., :2]
    return reconstructed(rays, joints3d, within_limits(joints2d, limits), rule)


def full_root(
    rays: ArrayLike,
    offsets: ArrayLike,
    in_view: ArrayLike,
    together: bool = False,
    ridge: float = RIDGE,
) -> Array:
    """
    Find the root by least squares in full perspective.

    The matrix of the normal equations is an arrow, so that they have a closed form.

    :param rays, offsets, in_view: see `reconstructed`
    :param together, ridge: see `Rule`
    :return: (..., 3), in the offsets' unit
    """
    rays, offsets = np.asarray(rays, dtype=float), np.asarray(offsets, dtype=float)
    weights = np.square(np.asarray(in_view, dtype=float) + OUT_OF_VIEW)[..., None]
    # ray * (offset_z + root_z) = offset_xy + root_xy
    wanted = rays * offsets[..., 2:] - offsets[..., :2]
    ray_scale, wanted_scale = (_root_mean_square(v, together) for v in (rays, wanted))
    rays, wanted = rays / ray_scale, wanted / wanted_scale
    total = weights.sum(axis=-2) + ridge  # (..., 1)
    ray_sum, wanted_sum = (weights * rays).sum(axis=-2), (weights * wanted).sum(axis=-2)
    spread = (weights * rays**2).sum(axis=(-2, -1)) + ridge
    common = (weights * rays * wanted).sum(axis=(-2, -1))
    depth = (ray_sum * wanted_sum / total).sum(axis=-1) - common
    depth = (depth / (spread - (ray_sum**2 / total).sum(axis=-1)))[..., None]
    across = (wanted_sum + ray_sum * depth) / total
    deep = depth / ray_scale[..., 0]
    return np.concatenate([across, deep], axis=-1) * wanted_scale[..., 0]


def weak_root(rays: ArrayLike, offsets: ArrayLike, in_view: ArrayLike) -> Array:
    """
    Find the root in weak perspective: a person as deep as flat cardboard.

    The depth is the ratio of the spreads of offsets and rays. See `full_root`.
    """
    rays, offsets = np.asarray(rays, dtype=float), np.asarray(offsets, dtype=float)
    seen = np.asarray(in_view, dtype=float)
    shares = (seen / np.maximum(seen.sum(axis=-1, keepdims=True), 1))[..., None]
    ray_mean, offset_mean = ((shares * v).sum(axis=-2) for v in (rays, offsets))
    ray_spread = _spread(rays - ray_mean[..., None, :], shares)
    offset_spread = _spread(offsets[..., :2] - offset_mean[..., None, :2], shares)
    ahead = np.concatenate([ray_mean, np.ones_like(ray_mean[..., :1])], axis=-1)
    return ahead * (offset_spread / ray_spread) - offset_mean


def _root_mean_square(values: Array, together: bool) -> Array:
    """Of each pose's (J, 2) numbers, or of all poses', with axes kept."""
    axes = None if together else (-2, -1)
    return np.sqrt(np.square(values).mean(axis=axes, keepdims=True))


def _spread(left: Array, shares: Array) -> Array:
    """Standard deviation of points about their mean, (..., 1), never zero."""
    variance = (shares * left**2).sum(axis=(-2, -1))[..., None]
    return np.maximum(np.sqrt(variance + FLATTEST**2), FLATTEST)
