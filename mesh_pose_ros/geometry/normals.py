"""Which way a surface faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def vertex_normals(vertices: Array, faces: NDArray[np.integer]) -> Array:
    """
    Outward unit normals, weighted by the area of the faces around.

    :param vertices: (V, 3)
    :param faces: (F, 3), counter-clockwise from outside
    :return: (V, 3), zero for a vertex of no face
    """
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    places = faces.T.ravel()
    sums = [np.bincount(places, np.tile(n, 3), minlength=len(vertices)) for n in normals.T]
    summed = np.stack(sums, axis=-1)
    return summed / np.maximum(np.linalg.norm(summed, axis=-1, keepdims=True), 1e-20)
