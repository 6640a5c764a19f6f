"""
Fewer vertices for the same surface, without inventing new ones.

Edges are collapsed onto one of their own ends, cheapest first by quadric error (Garland and
Heckbert 1997), so every vertex left is one of the original mesh: shapes, skinning weights and
regressors are simply rows picked. A mirrored mesh is thinned on its left half and mirrored
back, so it stays exactly symmetric.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Faces = NDArray[np.int64]
MIRROR_TOLERANCE = 1e-5  # metres
LENGTH_COST = 2e-4  # keeps triangles even where the surface is flat
MAX_TURN = 0.3  # smallest cosine between a face's normal before and after a collapse
MIN_SHAPE = 0.12  # smallest area over mean squared edge of a new face, 0.29 when equilateral


def symmetric_subset(
    vertices: Array, faces: Faces, importance: Array, count: int
) -> tuple[NDArray[np.int64], Faces, NDArray[np.int64]]:
    """
    Thin a mesh that is its own mirror image in x.

    :param vertices: (V, 3) metres
    :param faces: (F, 3) counter-clockwise from outside
    :param importance: (V,) factor on the error a vertex may cause; small means thin out first
    :param count: vertices to keep
    :return: indices of the kept vertices (K,), their faces (G, 3), and for each kept vertex
        the index of its mirror image among the kept (K,)
    """
    mirror = mirror_of(vertices)
    left_faces = faces[vertices[faces].mean(axis=1)[:, 0] > 0]
    central = np.flatnonzero(mirror == np.arange(len(vertices)))
    goal = (count + len(central) // 2) // 2
    thin = Collapser(vertices, left_faces, importance)
    thin.run(goal)
    left = thin.faces()
    kept = np.unique(left)
    pairs = np.unique(np.concatenate([kept, mirror[kept]]))
    place = np.full(len(vertices), -1)
    place[pairs] = np.arange(len(pairs))
    both = np.concatenate([left, mirror[left][:, ::-1]])
    return pairs, place[both], place[mirror[pairs]]


def mirror_of(vertices: Array) -> NDArray[np.int64]:
    """
    Index of each vertex's mirror image in x, (V,).

    :raises ValueError: the mesh is not symmetric
    """
    from scipy.spatial import cKDTree

    distance, index = cKDTree(vertices).query(vertices * [-1, 1, 1])
    if distance.max() > MIRROR_TOLERANCE or (index[index] != np.arange(len(index))).any():
        raise ValueError(f'mesh is not its own mirror image, off by {distance.max():.2g} m')
    return index


class Collapser:
    """Collapses edges of a mesh, with or without a border, keeping it a manifold."""

    def __init__(self, vertices: Array, faces: Faces, importance: Array) -> None:
        self._points = vertices
        self._importance = importance
        self._corners = {i: tuple(face) for i, face in enumerate(faces.tolist())}
        self._faces_at: dict[int, set[int]] = {}
        for i, face in self._corners.items():
            for vertex in face:
                self._faces_at.setdefault(vertex, set()).add(i)
        self._border = self._border_vertices()
        self._quadric = self._quadrics(faces)
        self._age = dict.fromkeys(self._faces_at, 0)

    def run(self, count: int) -> None:
        """Collapse until ``count`` vertices are left or none can go without harm."""
        queue = [entry for vertex in self._faces_at for entry in self._options(vertex)]
        heapq.heapify(queue)
        while len(self._faces_at) > count and queue:
            _, age, gone, kept = heapq.heappop(queue)
            if age != (self._age.get(gone), self._age.get(kept)):
                continue
            if self._allowed(gone, kept):
                for vertex in self._collapse(gone, kept):
                    for entry in self._options(vertex):
                        heapq.heappush(queue, entry)

    def faces(self) -> Faces:
        """Return what is left, (F, 3), in the original numbering."""
        return np.array(list(self._corners.values()))

    def _neighbours(self, vertex: int) -> set[int]:
        return {c for f in self._faces_at[vertex] for c in self._corners[f]} - {vertex}

    def _border_vertices(self) -> set[int]:
        sides: dict[tuple[int, int], int] = {}
        for a, b, c in self._corners.values():
            for edge in ((a, b), (b, c), (c, a)):
                sides[min(edge), max(edge)] = sides.get((min(edge), max(edge)), 0) + 1
        return {v for edge, uses in sides.items() if uses == 1 for v in edge}

    def _quadrics(self, faces: Faces) -> dict[int, Array]:
        a, b, c = (self._points[faces[:, i]] for i in range(3))
        normal = np.cross(b - a, c - a)
        area = np.linalg.norm(normal, axis=1, keepdims=True)
        plane = np.concatenate([normal, -(normal * a).sum(1, keepdims=True)], axis=1)
        plane = plane / np.maximum(area, 1e-12)
        per_face = np.einsum('fi,fj->fij', plane, plane) * area[:, :, None]
        total = np.zeros((len(self._points), 4, 4))
        for corner in range(3):
            np.add.at(total, faces[:, corner], per_face)
        return {v: total[v] for v in self._faces_at}

    def _options(self, gone: int) -> Iterator[tuple[float, tuple[int, int], int, int]]:
        for kept in self._neighbours(gone):
            point = np.append(self._points[kept], 1.0)
            error = point @ (self._quadric[gone] + self._quadric[kept]) @ point
            length = np.sum((self._points[gone] - self._points[kept]) ** 2)
            cost = (error + LENGTH_COST * length**1.5) * self._importance[gone]
            yield cost, (self._age[gone], self._age[kept]), gone, kept

    def _allowed(self, gone: int, kept: int) -> bool:
        shared = self._faces_at[gone] & self._faces_at[kept]
        if len(self._corners) <= 4:
            return False  # the smallest closed surface
        if gone in self._border and (kept not in self._border or len(shared) != 1):
            return False
        if gone not in self._border and len(shared) != 2:
            return False
        if len(self._neighbours(gone) & self._neighbours(kept)) != len(shared):
            return False  # would pinch the surface
        return all(self._stays_fair(f, gone, kept) for f in self._faces_at[gone] - shared)

    def _stays_fair(self, face: int, gone: int, kept: int) -> bool:
        before = self._points[list(self._corners[face])]
        after = self._points[[kept if v == gone else v for v in self._corners[face]]]
        old, new = (np.cross(p[1] - p[0], p[2] - p[0]) for p in (before, after))
        sizes = np.linalg.norm(old) * np.linalg.norm(new)
        edges = np.sum((after - np.roll(after, 1, axis=0)) ** 2)
        return bool(old @ new > MAX_TURN * sizes and np.linalg.norm(new) / edges > MIN_SHAPE)

    def _collapse(self, gone: int, kept: int) -> set[int]:
        touched = self._neighbours(gone)
        for face in self._faces_at.pop(gone):
            corners = self._corners[face]
            if kept in corners:
                for vertex in corners:
                    if vertex != gone:
                        self._faces_at[vertex].discard(face)
                del self._corners[face]
            else:
                self._corners[face] = tuple(kept if v == gone else v for v in corners)
                self._faces_at[kept].add(face)
        self._quadric[kept] = self._quadric[kept] + self._quadric.pop(gone)
        del self._age[gone]
        for vertex in touched:
            self._age[vertex] += 1
        return touched
