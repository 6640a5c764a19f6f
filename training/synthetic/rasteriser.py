"""
Which triangle is seen at which pixel: a z-buffer in plain loops, compiled by numba.

Vertices are in the camera's frame (x right, y down, z forward, metres), the camera is a pinhole
given by its 3x3 matrix, pixel centres lie at whole numbers. Edges are tested in homogeneous
pixel coordinates (Olano and Greer, *Triangle scan conversion using 2D homogeneous coordinates*,
1997): barycentrics are right in perspective and a triangle that reaches behind the camera needs
no splitting, only a bounding box of the part in front.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.floating]

NEAR = 0.05  # metres; nothing closer to the camera is drawn
NOTHING = -1  # face of a pixel that shows none


@dataclass(frozen=True, eq=False)
class Fragments:
    """
    What each pixel of an image shows of a mesh.

    :param face: (H, W) int32 face index, ``NOTHING`` where no face is seen
    :param barycentric: (H, W, 3) float32 weights of the face's corners, zero where nothing is seen
    :param depth: (H, W) float32 metres along z, infinite where nothing is seen
    """

    face: NDArray[np.int32]
    barycentric: Array
    depth: Array

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Pixels that show anything, (H, W)."""
        return self.face != NOTHING

    def interpolate(self, values: Array, faces: NDArray[np.integer]) -> Array:
        """Spread values of vertices (V, C) over the image, (H, W, C) float32, zero outside."""
        corners = np.asarray(values, np.float32)[faces[self.face]]
        return np.einsum('hwk,hwkc->hwc', self.barycentric, corners)


def rasterise(
    vertices: Array,
    faces: NDArray[np.integer],
    intrinsics: Array,
    size: tuple[int, int],
    cull: bool = False,
) -> Fragments:
    """
    Find the nearest face at each pixel.

    :param vertices: (V, 3) metres, camera frame
    :param faces: (F, 3) vertex indices, counter-clockwise seen from outside
    :param intrinsics: (3, 3) camera matrix, pixels
    :param size: (width, height) of the image
    :param cull: leave out faces that turn their back on the camera
    """
    width, height = size
    corners = np.ascontiguousarray(np.asarray(vertices, np.float64) @ np.asarray(intrinsics).T)
    indices = np.ascontiguousarray(faces, np.int32)
    face = np.full((height, width), NOTHING, np.int32)
    nearness = np.zeros((height, width), np.float32)
    _fill(corners, indices, face, nearness, cull)
    barycentric, depth = _weigh(corners, indices, face)
    return Fragments(face, barycentric, depth)


def supersampled(intrinsics: Array, factor: int) -> Array:
    """Camera matrix of the same view with ``factor`` times the pixels each way, (3, 3)."""
    scale = np.diag([factor, factor, 1.0])
    scale[:2, 2] = (factor - 1) / 2  # pixel centres stay at whole numbers
    return scale @ np.asarray(intrinsics, np.float64)


def vertex_normals(vertices: Array, faces: NDArray[np.integer]) -> Array:
    """Unit normals of vertices, the mean of their faces' by area, (V, 3) float32, outwards."""
    return _normals(np.ascontiguousarray(vertices, np.float32), np.ascontiguousarray(faces))


@njit(cache=True)
def _span(corners, a, b, c, width, height):
    """Pixel box (u0, u1, v0, v1) of the part of a triangle in front of the near plane."""
    u0, v0, u1, v1 = 1e18, 1e18, -1e18, -1e18
    for start, end in ((a, b), (b, c), (c, a)):
        z, other = corners[start, 2], corners[end, 2]
        if z >= NEAR:
            u, v = corners[start, 0] / z, corners[start, 1] / z
            u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
        if (z >= NEAR) != (other >= NEAR):  # the edge pierces the near plane
            t = (NEAR - z) / (other - z)
            u = (corners[start, 0] + t * (corners[end, 0] - corners[start, 0])) / NEAR
            v = (corners[start, 1] + t * (corners[end, 1] - corners[start, 1])) / NEAR
            u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
    first_u, last_u = max(np.ceil(u0), 0.0), min(np.floor(u1), width - 1.0)
    first_v, last_v = max(np.ceil(v0), 0.0), min(np.floor(v1), height - 1.0)
    return int(first_u), int(last_u), int(first_v), int(last_v)


@njit(cache=True)
def _edge(corners, i, j):
    """Line through two projected corners; exactly opposite for (j, i), so meshes have no gaps."""
    x = corners[i, 1] * corners[j, 2] - corners[i, 2] * corners[j, 1]
    y = corners[i, 2] * corners[j, 0] - corners[i, 0] * corners[j, 2]
    z = corners[i, 0] * corners[j, 1] - corners[i, 1] * corners[j, 0]
    return x, y, z


@njit(cache=True)
def _fill(corners, faces, face, nearness, cull):
    height, width = face.shape
    for index in range(len(faces)):
        a, b, c = faces[index]
        if max(corners[a, 2], corners[b, 2], corners[c, 2]) < NEAR:
            continue
        ax, ay, az = _edge(corners, b, c)
        volume = ax * corners[a, 0] + ay * corners[a, 1] + az * corners[a, 2]
        if volume == 0.0 or (cull and volume > 0.0):  # negative: seen from outside
            continue
        u0, u1, v0, v1 = _span(corners, a, b, c, width, height)
        if u0 > u1 or v0 > v1:
            continue
        bx, by, bz = _edge(corners, c, a)
        cx, cy, cz = _edge(corners, a, b)
        sign = 1.0 if volume > 0 else -1.0
        scale = 1.0 / abs(volume)
        for v in range(v0, v1 + 1):
            for u in range(u0, u1 + 1):
                wa = sign * (ax * u + ay * v + az)
                wb = sign * (bx * u + by * v + bz)
                wc = sign * (cx * u + cy * v + cz)
                if wa < 0.0 or wb < 0.0 or wc < 0.0:
                    continue
                near = np.float32((wa + wb + wc) * scale)  # 1 / depth
                if near > nearness[v, u] and near <= 1.0 / NEAR:
                    nearness[v, u] = near
                    face[v, u] = index


@njit(cache=True)
def _weigh(corners, faces, face):
    height, width = face.shape
    barycentric = np.zeros((height, width, 3), np.float32)
    depth = np.full((height, width), np.inf, np.float32)
    for v in range(height):
        for u in range(width):
            if face[v, u] < 0:
                continue
            a, b, c = faces[face[v, u]]
            ax, ay, az = _edge(corners, b, c)
            bx, by, bz = _edge(corners, c, a)
            cx, cy, cz = _edge(corners, a, b)
            volume = ax * corners[a, 0] + ay * corners[a, 1] + az * corners[a, 2]
            wa, wb = ax * u + ay * v + az, bx * u + by * v + bz
            wc = cx * u + cy * v + cz
            total = wa + wb + wc
            depth[v, u] = volume / total
            barycentric[v, u, 0] = wa / total
            barycentric[v, u, 1] = wb / total
            barycentric[v, u, 2] = wc / total
    return barycentric, depth


@njit(cache=True)
def _normals(vertices, faces):
    normals = np.zeros_like(vertices)
    for index in range(len(faces)):
        a, b, c = faces[index]
        # written out: slices of arrays would cost more than the arithmetic
        bx, by, bz = (
            vertices[b, 0] - vertices[a, 0],
            vertices[b, 1] - vertices[a, 1],
            vertices[b, 2] - vertices[a, 2],
        )
        cx, cy, cz = (
            vertices[c, 0] - vertices[a, 0],
            vertices[c, 1] - vertices[a, 1],
            vertices[c, 2] - vertices[a, 2],
        )
        x, y, z = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
        for k in range(3):
            normals[faces[index, k], 0] += x
            normals[faces[index, k], 1] += y
            normals[faces[index, k], 2] += z
    for index in range(len(normals)):
        x, y, z = normals[index]
        length = np.sqrt(x * x + y * y + z * z)
        if length > 0:
            for k in range(3):
                normals[index, k] /= length
    return normals
