"""How good an estimate is; functions on arrays, distances in millimetres."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.geometry.alignment import aligned

Array = NDArray[np.floating]
MILLIMETRES = 1000.0


def mean_error(found: ArrayLike, truth: ArrayLike) -> Array:
    """Mean distance of each sample's points, (N, P, 3) metres to (N,) millimetres."""
    distance = np.linalg.norm(np.asarray(found) - np.asarray(truth), axis=-1)
    return distance.mean(axis=-1) * MILLIMETRES


def aligned_error(found: ArrayLike, truth: ArrayLike) -> Array:
    """Mean distance after the best similarity of each sample (PA), (N,) millimetres."""
    return mean_error(aligned(found, truth), truth)


def angle_error(found: ArrayLike, truth: ArrayLike) -> Array:
    """Mean angle between rotations, (N, J, 3, 3) to (N,) degrees."""
    product = np.einsum('...ij,...ij->...', np.asarray(found), np.asarray(truth))
    return np.degrees(np.arccos(np.clip((product - 1) / 2, -1, 1))).mean(axis=-1)
