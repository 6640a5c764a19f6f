"""
Lay one set of points over another: Procrustes alignment (Umeyama, PAMI 1991).

Leading batch axes are free; each set of a batch is aligned by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Similarity:
    """
    Turn, grow and move: ``scale * rotation @ point + translation``.

    :param scale: (...)
    :param rotation: (..., 3, 3), no reflection
    :param translation: (..., 3), in the unit of the points
    """

    scale: Array
    rotation: Array
    translation: Array

    def __call__(self, points: ArrayLike) -> Array:
        """Move points, (..., N, 3)."""
        turned = np.asarray(points) @ np.swapaxes(self.rotation, -1, -2)
        return self.scale[..., None, None] * turned + self.translation[..., None, :]


def similarity_between(
    source: ArrayLike, target: ArrayLike, weights: ArrayLike = 1.0, scaled: bool = True
) -> Similarity:
    """
    Find the similarity that brings a set of points closest to another.

    :param source, target: points that belong together, (..., N, 3), in one unit
    :param weights: trust in each pair's squared distance, (..., N), not all zero
    :param scaled: whether the set may grow or shrink; if not, the scale is 1
    :return: what to do with the source; points on a line or in one place leave the rotation
        about it free, any one is returned
    """
    source, target = np.asarray(source, dtype=float), np.asarray(target, dtype=float)
    shares = np.broadcast_to(np.asarray(weights, dtype=float)[..., None], (*source.shape[:-1], 1))
    shares = shares / shares.sum(axis=-2, keepdims=True)
    source_mean, target_mean = ((shares * s).sum(-2, keepdims=True) for s in (source, target))
    centred = source - source_mean
    covariance = np.swapaxes(shares * (target - target_mean), -1, -2) @ centred
    rotation, stretch = _closest_rotation(covariance)
    spread = (shares * centred**2).sum(axis=(-2, -1))
    # a single place cannot be scaled
    free = (spread == 0) | (not scaled)
    scale = np.where(free, 1.0, stretch / np.where(spread == 0, 1.0, spread))
    moved = scale[..., None] * (rotation @ source_mean[..., 0, :, None])[..., 0]
    return Similarity(scale, rotation, target_mean[..., 0, :] - moved)


def aligned(
    source: ArrayLike, target: ArrayLike, weights: ArrayLike = 1.0, scaled: bool = True
) -> Array:
    """Return the source laid over the target, (..., N, 3). See `similarity_between`."""
    return similarity_between(source, target, weights, scaled)(source)


def _closest_rotation(covariance: Array) -> tuple[Array, Array]:
    """The rotation that goes best with a covariance, and their inner product."""
    left, stretches, right = np.linalg.svd(covariance)
    signs = np.ones(stretches.shape)
    signs[..., 2] = np.where(np.linalg.det(left @ right) < 0, -1.0, 1.0)
    return (left * signs[..., None, :]) @ right, (stretches * signs).sum(axis=-1)
