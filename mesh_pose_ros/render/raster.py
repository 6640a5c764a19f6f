"""
Which triangle is seen at which pixel: a z-buffer in plain numpy.

Body meshes are many small triangles. Triangles of like size on the screen are tested together,
each against the pixels of a square just large enough, so the work is a handful of array
operations however many triangles there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Index = NDArray[np.integer]

TESTS_AT_ONCE = 1 << 20  # pixel tests per array operation; bounds the memory


@dataclass(frozen=True, eq=False)
class Surface:
    """
    The pixels where something is seen, N of them.

    :param rows, columns: (N,) whole pixels
    :param faces: (N,) the nearest triangle there
    :param weights: (N, 3) barycentric weights of the triangle's corners
    """

    rows: Index
    columns: Index
    faces: Index
    weights: Array

    def interpolate(self, faces: Index, values: Array) -> Array:
        """
        Blend values of the vertices over the triangles.

        :param faces: (F, 3) those that were rasterised
        :param values: (V, ...) per vertex
        :return: (N, ...)
        """
        corners = values[faces[self.faces]]
        return np.einsum('nk,nk...->n...', self.weights, corners)


def rasterise(points: Array, nearness: Array, faces: Index, size: tuple[int, int]) -> Surface:
    """
    Find the nearest triangle of every pixel.

    :param points: (V, 2) pixels, centres at whole numbers; NaN for a vertex that is not seen,
        which hides its triangles
    :param nearness: (V,) positive, larger is nearer, linear over the screen: 1 / depth of a
        perspective view, an offset less the depth of an orthographic one
    :param faces: (F, 3) vertex indices; both sides are drawn
    :param size: (width, height)
    """
    seen = _Triangles.of(points, nearness, faces, size)
    buffer = np.zeros(size[0] * size[1], dtype=np.uint64)
    for pixels, keys in seen.candidates(size[0]):
        np.maximum.at(buffer, pixels, keys)
    pixels = np.flatnonzero(buffer)
    nearest = (buffer[pixels] & np.uint64(0xFFFFFFFF)).astype(np.int64)
    rows, columns = np.divmod(pixels, size[0])
    weights = seen.weights_at(nearest, columns, rows)
    return Surface(rows, columns, seen.source[nearest], weights)


@dataclass(frozen=True, eq=False)
class _Triangles:
    """Triangles that may be seen, T of them, with all that a pixel test needs."""

    source: Index  # (T,) place in the caller's list
    low: Index  # (T, 2) first column and row of the box of pixels
    high: Index  # (T, 2) last ones
    edges: Array  # (T, 3, 3) weights = edges @ (u - low_u, v - low_v, 1)
    nearness: Array  # (T, 3)

    @classmethod
    def of(cls, points: Array, nearness: Array, faces: Index, size: tuple[int, int]) -> _Triangles:
        corners = points[faces].astype(np.float32)
        with np.errstate(invalid='ignore'):
            low = np.maximum(np.ceil(corners.min(axis=1)), 0)
            high = np.minimum(np.floor(corners.max(axis=1)), np.array(size) - 1)
            source = np.flatnonzero((low <= high).all(axis=1))  # NaN fails too
        corners, low, high = corners[source], low[source], high[source]
        edges, area = _edges(corners - low[:, None])
        whole = area != 0
        return cls(
            source[whole],
            low[whole].astype(np.int64),
            high[whole].astype(np.int64),
            edges[whole] / area[whole, None, None],
            nearness[faces[source[whole]]].astype(np.float32),
        )

    def candidates(self, width: int) -> Iterator[tuple[Index, NDArray[np.uint64]]]:
        """Yield flat pixel indices and keys (nearness above, triangle below), by size."""
        extent = (self.high - self.low).max(axis=1, initial=0) + 1
        side_of = 1 << np.ceil(np.log2(extent)).astype(np.int64)
        for side in np.unique(side_of):
            members = np.flatnonzero(side_of == side)
            step = max(1, TESTS_AT_ONCE // int(side) ** 2)
            for start in range(0, len(members), step):
                yield self._test(members[start : start + step], int(side), width)

    def _test(self, members: Index, side: int, width: int) -> tuple[Index, NDArray[np.uint64]]:
        grid = np.arange(side, dtype=np.float32)
        edges = self.edges[members]
        # (T, 3, side rows, side columns)
        across = edges[:, :, 0, None] * grid
        down = edges[:, :, 1, None] * grid + edges[:, :, 2, None]
        weights = down[..., :, None] + across[..., None, :]
        inside = weights.min(axis=1) >= 0
        extent = (self.high - self.low)[members]
        inside &= (grid <= extent[:, 1:])[:, :, None] & (grid <= extent[:, :1])[:, None, :]
        which, row, column = np.nonzero(inside)
        near = np.einsum('nk,nk->n', weights[which, :, row, column], self.nearness[members[which]])
        low = self.low[members[which]]
        # positive floats sort like their bits
        bits = np.maximum(near, 0).astype(np.float32).view(np.uint32).astype(np.uint64)
        keys = bits << np.uint64(32) | members[which].astype(np.uint64)
        return (low[:, 1] + row) * width + low[:, 0] + column, keys

    def weights_at(self, triangles: Index, columns: Index, rows: Index) -> Array:
        """Barycentric weights of pixels in their triangles, (N, 3)."""
        low = self.low[triangles]
        spots = np.stack([columns - low[:, 0], rows - low[:, 1], np.ones(len(low))], axis=-1)
        return np.einsum('nij,nj->ni', self.edges[triangles], spots.astype(np.float32))


def _edges(corners: Array) -> tuple[Array, Array]:
    """Edge functions (T, 3, 3), one per corner, and twice the signed areas (T,)."""
    following, last = np.roll(corners, -1, axis=1), np.roll(corners, -2, axis=1)
    du, dv = last[..., 1] - following[..., 1], following[..., 0] - last[..., 0]
    offset = -(du * following[..., 0] + dv * following[..., 1])
    edges = np.stack([du, dv, offset], axis=-1)
    area = np.einsum('ti,ti->t', edges[:, 0, :2], corners[:, 0]) + offset[:, 0]
    return edges, area
