"""
Place a root-relative pose in front of the camera.

A network sees a crop, so it can tell the shape of a person in metres but not where the person
stands. The 2D joints close the gap: every visible joint must project onto its pixel, which is
two equations linear in the three unknowns of the root position (Sárándi et al. 2020,
section 4). They are solved for each pose by itself: who else is in the image changes nothing.

Rays are points of the plane z = 1, offsets are metres relative to any one point of the body;
both in the axes of the same camera.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.errors import MeshPoseError

Array = NDArray[np.floating]

MIN_JOINTS = 2  # two rays fix three unknowns; one leaves the depth free
MIN_SPREAD = 1e-6  # of the rays about their mean: a person 100 km away


class UnobservableRootError(MeshPoseError, ValueError):
    """
    The visible joints do not tell where a person stands.

    :ivar poses: which poses of the batch are meant, bool of the batch's shape
    """

    def __init__(self, message: str, poses: NDArray[np.bool_]) -> None:
        super().__init__(message)
        self.poses = poses


def root_position(rays: ArrayLike, offsets: ArrayLike, weights: ArrayLike) -> Array:
    """
    Find the root that best explains the observed rays, in full perspective.

    :param rays: joints on the plane z = 1, (..., J, 2), unitless; NaN carries no weight
    :param offsets: joints relative to the root, camera axes, (..., J, 3), metres
    :param weights: trust in each ray's squared residual, (..., J), zero for a joint unseen
    :return: root in the camera's axes, (..., 3), metres
    :raises UnobservableRootError: fewer than ``MIN_JOINTS`` trusted rays, all of them the same
        ray, or rays so far from the offsets that only a place behind the camera fits
    """
    rays, offsets, shares = _prepared(rays, offsets, weights)
    # ray * (offset_z + root_z) = offset_xy + root_xy. The mean over joints gives root_xy for
    # any root_z; what is left about the means gives root_z. No matrix, and nothing to scale.
    wanted = rays * offsets[..., 2:] - offsets[..., :2]
    rays_mean, rays_left = _centred(rays, shares)
    wanted_mean, wanted_left = _centred(wanted, shares)
    depth = -_dot(rays_left, wanted_left, shares) / _dot(rays_left, rays_left, shares)
    across = wanted_mean[..., 0, :] + rays_mean[..., 0, :] * depth[..., None]
    root = np.concatenate([across, depth[..., None]], axis=-1)
    _demand_in_front(root, offsets, shares)
    return root


def root_position_weak(rays: ArrayLike, offsets: ArrayLike, weights: ArrayLike) -> Array:
    """
    Find the root in weak perspective: a person as deep as flat cardboard.

    Less exact than `root_position` and never behind the camera: for offsets whose depths are
    poor. The depth is the ratio of the spreads of offsets and rays. See `root_position`.
    """
    rays, offsets, shares = _prepared(rays, offsets, weights)
    rays_mean, rays_left = _centred(rays, shares)
    offsets_mean, offsets_left = _centred(offsets, shares)
    flat = offsets_left[..., :2]
    depth = np.sqrt(_dot(flat, flat, shares) / _dot(rays_left, rays_left, shares))
    return depth[..., None] * _lifted(rays_mean)[..., 0, :] - offsets_mean[..., 0, :]


def absolute_pose(
    rays: ArrayLike,
    offsets: ArrayLike,
    weights: ArrayLike,
    ray_share: float = 0.0,
    in_view: ArrayLike | None = None,
) -> Array:
    """
    Place a pose in front of the camera.

    :param rays, offsets, weights: see `root_position`
    :param ray_share: how far a joint in view is moved towards its ray at its own depth, 0 to 1;
        0 keeps the shape of the offsets, 1 the projection; Sárándi et al. take 0.5
    :param in_view: joints whose rays may move them, (..., J); those with a weight if not given
    :return: joints in the camera's axes, (..., J, 3), metres
    :raises UnobservableRootError: see `root_position`
    """
    return placed(
        root_position(rays, offsets, weights),
        rays,
        offsets,
        ray_share,
        weights if in_view is None else in_view,
    )


def placed(
    root: ArrayLike, rays: ArrayLike, offsets: ArrayLike, ray_share: float, in_view: ArrayLike
) -> Array:
    """
    Put offsets at a root, and joints in view part of the way to their rays.

    :param root: (..., 3), metres
    :return: joints, (..., J, 3), metres. See `absolute_pose`.
    """
    rays = np.asarray(rays, dtype=float)
    stiff = np.asarray(offsets, dtype=float) + np.asarray(root)[..., None, :]
    known = np.isfinite(rays).all(axis=-1)
    share = ray_share * (known & (np.asarray(in_view) > 0))
    on_ray = _lifted(np.where(known[..., None], rays, 0)) * stiff[..., 2:]
    return stiff + share[..., None] * (on_ray - stiff)


def _prepared(rays: ArrayLike, offsets: ArrayLike, weights: ArrayLike) -> tuple[Array, ...]:
    """Return rays and offsets as float64 without NaN, and weights that sum to 1."""
    rays, offsets = np.asarray(rays, dtype=float), np.asarray(offsets, dtype=float)
    known = np.isfinite(rays).all(axis=-1) & np.isfinite(offsets).all(axis=-1)
    weights = np.where(known & np.isfinite(weights), weights, 0.0)
    if np.any(weights < 0):
        raise ValueError('weights must not be negative')
    rays, offsets = np.where(known[..., None], rays, 0), np.where(known[..., None], offsets, 0)
    few = np.asarray((weights > 0).sum(axis=-1) < MIN_JOINTS)
    if few.any():
        raise UnobservableRootError(f'need {MIN_JOINTS} visible joints to place a pose', few)
    shares = weights / weights.sum(axis=-1, keepdims=True)
    _, left = _centred(rays, shares)
    same = np.asarray(_dot(left, left, shares) < MIN_SPREAD**2)
    if same.any():
        raise UnobservableRootError('all visible joints lie on one ray: any depth fits', same)
    return rays, offsets, shares


def _demand_in_front(root: Array, offsets: Array, shares: Array) -> None:
    """
    Refuse rays that contradict the offsets so far that no place in front explains them.

    The weighted middle of the joints decides: a single joint with next to no weight may be
    guessed behind the camera of a person close by.
    """
    behind = np.asarray(root[..., 2] + (shares * offsets[..., 2]).sum(axis=-1) <= 0)
    if behind.any():
        raise UnobservableRootError('the visible joints fit only behind the camera', behind)


def _centred(values: Array, shares: Array) -> tuple[Array, Array]:
    """Weighted mean over the joints, (..., 1, D), and what is left of the values."""
    mean = (shares[..., None] * values).sum(axis=-2, keepdims=True)
    return mean, values - mean


def _dot(first: Array, second: Array, shares: Array) -> Array:
    """Weighted sum of products over joints and axes, (...)."""
    return (shares * (first * second).sum(axis=-1)).sum(axis=-1)


def _lifted(rays: Array) -> Array:
    return np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1)
