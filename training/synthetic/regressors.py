"""Points of the body as weighted means of a few vertices, found from examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.skeletons import other_side

Array = NDArray[np.float64]
SUM_WEIGHT = 10.0  # how hard the weights are held to sum to one, metres
SMALLEST = 1e-3  # weights below are dropped


def fit_regressor(
    vertices: Array,
    points: Array,
    names: Sequence[str],
    mirror: NDArray[np.int64],
    ring: int = 500,
) -> Array:
    """
    Find non-negative weights over vertices that reproduce points on every example.

    Only the left side and the middle are fitted; the right side is their mirror image.

    :param vertices: (N, V, 3) metres
    :param points: (N, P, 3) where each point is on each example
    :param names: P names, right ones with a left partner
    :param mirror: index of each vertex's mirror image, (V,)
    :param ring: how many of the nearest vertices may carry a point
    :return: (P, V), rows sum to one
    """
    rows = {
        name: fit_row(vertices, points[:, i], ring)
        for i, name in enumerate(names)
        if not name.startswith('right_')
    }
    for name in names:
        if name.startswith('right_'):
            rows[name] = rows[other_side(name)][mirror]
        elif not name.startswith('left_'):
            rows[name] = (rows[name] + rows[name][mirror]) / 2
    return np.stack([rows[name] for name in names])


def fit_row(vertices: Array, points: Array, ring: int) -> Array:
    """Weights of one point over all vertices, (V,); see `fit_regressor`."""
    from scipy.optimize import nnls

    spread = np.linalg.norm(vertices - points[:, None], axis=-1)
    near = np.argsort(spread.mean(axis=0) + spread.std(axis=0))[:ring]
    local = vertices[:, near] - points[:, None]  # (N, K, 3), the weighted mean must be zero
    columns = local.transpose(0, 2, 1).reshape(-1, ring)
    # a little of the distance keeps the weights round the point instead of far from it
    scale = SUM_WEIGHT * np.sqrt(len(columns))
    system = np.concatenate(
        [
            columns,
            np.full((1, ring), scale),
            3e-3 * np.diag(spread.mean(0)[near]) * np.sqrt(len(columns)),
        ]
    )
    target = np.zeros(len(system))
    target[len(columns)] = scale
    weights, _ = nnls(system, target, maxiter=30 * ring)
    weights[weights < SMALLEST * weights.max()] = 0
    row = np.zeros(vertices.shape[1])
    row[near] = weights / weights.sum()
    return row
