"""
Colours for the pixels of a mesh: pictures on surfaces, a sky, a sun and its shadow.

Light adds up in a space where a colour is the square of its sRGB value (gamma 2): cheap, and
near enough to the real curve for pictures that look like photographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.synthetic.rasteriser import Array, Fragments, rasterise, vertex_normals

PAGE = 512  # texels along each side of a picture
SHADOW_SIDE = 768  # pixels of the sun's own view of the scene
SUN_DISTANCE = 60.0  # metres; far enough for parallel light


@dataclass(frozen=True, eq=False)
class Surface:
    """
    A mesh with pictures on it.

    :param vertices: (V, 3) metres
    :param faces: (F, 3) vertex indices, counter-clockwise from outside
    :param texels: (V, 2) place of each vertex in its picture; pictures repeat endlessly
    :param page: (F,) which of the pages is on each face
    :param pages: (P, PAGE, PAGE, 3) uint8 pictures, sRGB
    """

    vertices: Array
    faces: NDArray[np.int32]
    texels: Array
    page: NDArray[np.int32]
    pages: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Light:
    """
    The light of a scene, directions in the frame the surfaces are in.

    :param towards_sun: (3,) unit vector
    :param up: (3,) unit vector
    :param sun, sky, ground: (3,) strength of red, green, blue straight from the sun, from above
        and from below; 1 shows a white wall as white
    """

    towards_sun: Array
    up: Array
    sun: Array = field(default_factory=lambda: np.full(3, 0.65))
    sky: Array = field(default_factory=lambda: np.full(3, 0.55))
    ground: Array = field(default_factory=lambda: np.full(3, 0.25))


@dataclass(frozen=True, eq=False)
class Shadows:
    """
    What the sun sees: depth of the first surface, and the way from a point to a pixel of it.

    :param depth: (SHADOW_SIDE, SHADOW_SIDE) metres from the sun's plane
    :param projection: (3, 4) homogeneous pixels of a point (x, y, z, 1)
    """

    depth: Array
    projection: Array


def merged(surfaces: Sequence[Surface]) -> Surface:
    """Several surfaces as one."""
    vertices = np.cumsum([0] + [len(s.vertices) for s in surfaces])
    pages = np.cumsum([0] + [len(s.pages) for s in surfaces])
    return Surface(
        np.concatenate([s.vertices for s in surfaces]).astype(np.float32),
        np.concatenate([s.faces + n for s, n in zip(surfaces, vertices)]).astype(np.int32),
        np.concatenate([s.texels for s in surfaces]).astype(np.float32),
        np.concatenate([s.page + n for s, n in zip(surfaces, pages)]).astype(np.int32),
        np.concatenate([s.pages for s in surfaces]),
    )


def cast_shadows(
    casters: Surface, light: Light, centre: Array, radius: float, side: int = SHADOW_SIDE
) -> Shadows:
    """Look at a ball round ``centre`` (3,) metres from the sun."""
    forward = -np.asarray(light.towards_sun, np.float64)
    aside = np.cross(forward, np.roll(forward, 1) + np.array([0.1, 0, 0]))
    right = aside / np.linalg.norm(aside)
    rotation = np.stack([right, np.cross(forward, right), forward])
    shift = -rotation @ np.asarray(centre) + [0, 0, SUN_DISTANCE]
    focal = side / 2 * SUN_DISTANCE / radius
    middle = (side - 1) / 2
    intrinsics = np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]])
    seen = rasterise(casters.vertices @ rotation.T + shift, casters.faces, intrinsics, (side,) * 2)
    return Shadows(seen.depth, intrinsics @ np.column_stack([rotation, shift]))


NO_SHADOWS = Shadows(np.full((1, 1), np.inf, np.float32), np.zeros((3, 4)))


def shade(
    surface: Surface, seen: Fragments, light: Light, focal: float, shadows: Shadows = NO_SHADOWS
) -> Array:
    """
    Colour the pixels that show a surface.

    :param seen: ``surface`` rasterised; both in the camera's frame
    :param focal: pixels; far pictures are blurred by it
    :return: (H, W, 3) float32, squares of sRGB values 0 to 1 and above, zero outside
    """
    return _shade(  # type: ignore[call-arg]
        seen.face,
        seen.barycentric,
        np.ascontiguousarray(surface.vertices, np.float32),
        surface.faces,
        vertex_normals(surface.vertices, surface.faces),
        surface.texels,
        surface.page,
        surface.pages,
        (surface.pages[:, ::16, ::16].mean((1, 2)) / 255).astype(np.float32),
        np.float32(focal),
        *(
            np.asarray(v, np.float32)
            for v in (light.towards_sun, light.up, light.sun, light.sky, light.ground)
        ),
        shadows.depth,
        np.asarray(shadows.projection, np.float32),
    )


def to_srgb(light: Array) -> NDArray[np.uint8]:
    """Colours of light (..., 3) as an image, bright ones rolled off gently."""
    rolled = np.where(light > 0.8, 0.8 + 0.4 * np.tanh((light - 0.8) / 0.4), light)
    return (np.sqrt(np.clip(rolled, 0, 1)) * 255 + 0.5).astype(np.uint8)


@njit(cache=True)
def _texel(pages, page, u, v, out):
    """Bilinear look-up with wrap-around, 0 to 1."""
    side = pages.shape[1]
    u0, v0 = int(np.floor(u)), int(np.floor(v))
    fu, fv = u - u0, v - v0
    ua, ub, va, vb = u0 % side, (u0 + 1) % side, v0 % side, (v0 + 1) % side
    for c in range(3):
        top = pages[page, va, ua, c] * (1 - fu) + pages[page, va, ub, c] * fu
        low = pages[page, vb, ua, c] * (1 - fu) + pages[page, vb, ub, c] * fu
        out[c] = (top * (1 - fv) + low * fv) / np.float32(255)


@njit(cache=True)
def _sunlit(depth, projection, point):
    """Share of the sun's light that reaches a point, from 5 x 5 pixels of its view."""
    side = depth.shape[0]
    if side == 1:
        return np.float32(1)
    p = projection
    z = p[2, 0] * point[0] + p[2, 1] * point[1] + p[2, 2] * point[2] + p[2, 3]
    u = (p[0, 0] * point[0] + p[0, 1] * point[1] + p[0, 2] * point[2] + p[0, 3]) / z
    v = (p[1, 0] * point[0] + p[1, 1] * point[1] + p[1, 2] * point[2] + p[1, 3]) / z
    if not (3 <= u < side - 3 and 3 <= v < side - 3):
        return np.float32(1)
    column, row, lit = int(u + 0.5), int(v + 0.5), 0
    for j in range(row - 2, row + 3):
        for i in range(column - 2, column + 3):
            lit += depth[j, i] > z - 0.035
    return np.float32(lit / 25)


@njit(cache=True)
def _shade(
    face, barycentric, vertices, faces, normals, texels, page, pages, means, focal,
    towards_sun, up, sun, sky, ground, shadow_depth, shadow_projection,
):  # fmt: skip
    height, width = face.shape
    image = np.zeros((height, width, 3), np.float32)
    colour = np.zeros(3, np.float32)
    point, normal, texel = np.zeros(3, np.float32), np.zeros(3, np.float32), np.zeros(2)
    for row in range(height):
        for column in range(width):
            index = face[row, column]
            if index < 0:
                continue
            for c in range(3):
                point[c] = normal[c] = 0
            texel[0] = texel[1] = 0
            for k in range(3):
                share, vertex = barycentric[row, column, k], faces[index, k]
                for c in range(3):
                    point[c] += share * vertices[vertex, c]
                    normal[c] += share * normals[vertex, c]
                texel[0] += share * texels[vertex, 0]
                texel[1] += share * texels[vertex, 1]
            length = np.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2) + 1e-9
            away = np.sqrt(point[0] ** 2 + point[1] ** 2 + point[2] ** 2)
            facing = (normal[0] * point[0] + normal[1] * point[1] + normal[2] * point[2]) / (
                length * away
            )
            # the inside of a skirt or a sleeve is lit as if it were turned round
            turn = (-1 if facing > 0.25 else 1) / length
            sunny, upward = np.float32(0), np.float32(0)
            for c in range(3):
                normal[c] *= turn
                sunny += normal[c] * towards_sun[c]
                upward += normal[c] * up[c]
            sunny = max(sunny, np.float32(0))
            if sunny > 0:
                sunny *= _sunlit(shadow_depth, shadow_projection, point)
            rim = (1 - min(abs(facing), 1)) ** 3 * np.float32(0.25)
            above = np.float32(0.5) + np.float32(0.5) * upward
            where = page[index]
            _texel(pages, where, texel[0], texel[1], colour)
            # texels a pixel of the far floor would skip are replaced by their mean
            blur = _coarseness(faces, vertices, texels, index, point[2], facing, focal)
            for c in range(3):
                albedo = colour[c] + (means[where, c] - colour[c]) * blur
                reached = sun[c] * sunny + sky[c] * (above + rim) + ground[c] * (1 - above)
                image[row, column, c] = albedo * albedo * reached
    return image


@njit(cache=True)
def _coarseness(faces, vertices, texels, index, depth, facing, focal):
    """How far a pixel skips over texels, 0 (sharp) to 1 (nothing but the mean is left)."""
    a, b = faces[index, 0], faces[index, 1]
    metres = np.float32(0)
    for c in range(3):
        metres += (vertices[a, c] - vertices[b, c]) ** 2
    metres = np.sqrt(metres)
    span = np.sqrt((texels[a, 0] - texels[b, 0]) ** 2 + (texels[a, 1] - texels[b, 1]) ** 2)
    step = depth / focal / max(abs(facing), 0.02) * span / max(metres, 1e-6)
    return min(max((step - 3.0) / 20.0, 0.0), 1.0)
