"""Triangles as viewers want them: flat, none degenerate, fewer of them where asked for."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.people import Topology

Array = NDArray[np.floating]
Faces = NDArray[np.int32]  # (F, 3)


def triangle_soup(vertices: Array, faces: Faces) -> NDArray[np.float64]:
    """
    The corners of every triangle that has an area, one after the other.

    RViz draws garbage from triangles without area, so these and those with NaN are left out.

    :param vertices: (V, 3)
    :return: (T, 3, 3) float64, C-contiguous
    """
    known: NDArray[np.bool_] = np.isfinite(vertices).all(axis=-1)  # type: ignore[assignment]
    if not known.all():
        faces = faces[known[faces].all(axis=-1)]
    soup = np.asarray(vertices, dtype=np.float64).take(faces, axis=0)
    first, second = soup[:, 1] - soup[:, 0], soup[:, 2] - soup[:, 0]
    (ax, ay, az), (bx, by, bz) = first.T, second.T
    solid = (ay * bz != az * by) | (az * bx != ax * bz) | (ax * by != ay * bx)
    return soup if solid.all() else soup[solid]


@lru_cache(maxsize=16)
def drawn_faces(topology: Topology, level: int = 0) -> Faces:
    """
    The faces to draw.

    :param level: 0 for all; each step merges a vertex with its neighbours, which leaves about a
        quarter of the triangles. The vertices stay those of the full mesh.
    """
    faces = _without_repeats(topology.faces)
    for _ in range(level):
        faces = _without_repeats(_owners(faces, topology.vertex_count)[faces])
    return faces


def _without_repeats(faces: Faces) -> Faces:
    """Drop faces that use a vertex twice, and all but the first of equal ones."""
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    _, first = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
    return faces[np.sort(first)]


def _owners(faces: Faces, vertex_count: int) -> NDArray[np.int32]:
    """Give each vertex to a neighbour (or itself) such that no two owners are neighbours."""
    neighbours: list[set[int]] = [set() for _ in range(vertex_count)]
    for a, b, c in faces.tolist():
        neighbours[a] |= {b, c}
        neighbours[b] |= {c, a}
        neighbours[c] |= {a, b}
    owners = np.full(vertex_count, -1, dtype=np.int32)
    for vertex in range(vertex_count):
        if owners[vertex] < 0:
            free = [other for other in neighbours[vertex] if owners[other] < 0]
            owners[[vertex, *free]] = vertex
    return owners
