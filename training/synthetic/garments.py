"""
Cut clothes out of a body's surface and make them follow it.

A garment is the part of the body where a field over the template is positive, its border cut
straight through the triangles, pushed out along the normals, smoothed as cloth hides what lies
under it. Its vertices take the body's skinning weights, so it moves with every shape and pose.
What hangs free (skirts, long hair) is a tube of rings whose points each keep their place beside
the nearest point of the body.

All shapes are in SMPL's rest pose: x to the person's left, y up, z forward, metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mesh_pose_ros.skeletons import SMPL24
from training.synthetic.rasteriser import Array, vertex_normals
from training.synthetic.shading import PAGE, Surface

Ints = NDArray[np.integer]

CLOTH_TEXELS = PAGE / 2.0  # texels per metre of cloth
SKIN_TEXELS = PAGE / 0.32  # of skin; a face fills a page
HIDDEN = 0.03  # metres inside a garment's border from where the skin under it is left away
ANYWHERE = -1.0  # metres; a tube may pass through the body, cloth on the skin may not


@dataclass(frozen=True, eq=False)
class Anatomy:
    """
    The body clothes are cut from.

    :param vertices: (V, 3) the template
    :param faces: (F, 3) counter-clockwise from outside
    :param weights: (V, 24) skinning weights, joints as in SMPL24
    :param joints: (24, 3)
    :param nose: (3,) tip of the nose
    """

    vertices: Array
    faces: Ints
    weights: Array
    joints: Array
    nose: Array

    @cached_property
    def normals(self) -> Array:
        """Unit normals, (V, 3)."""
        return vertex_normals(self.vertices, self.faces)

    def at(self, joint: str) -> Array:
        """Where a joint is, (3,)."""
        return self.joints[SMPL24.index(joint)]


@dataclass(frozen=True, eq=False)
class Piece:
    """
    A part of a dressed body.

    :param between: (P, 2) body vertices that each vertex lies between
    :param share: (P,) how far from the first to the second, 0 to 1
    :param offset: (P,) metres outside the skin, along its normal
    :param drift: (P, 3) metres aside from there
    :param least: (P,) metres outside the skin that smoothing must leave
    :param weights: (P, 24) skinning weights
    :param faces: (F, 3) of the piece's own vertices
    :param texels: (P, 2) place in the picture
    :param page: (F,) which of ``pages``
    :param pages: (N, PAGE, PAGE, 3) uint8
    :param smoothing: how often cloth is drawn tight over hollows
    :param covered: (V,) body vertices whose skin the piece hides
    """

    between: Ints
    share: Array
    offset: Array
    drift: Array
    least: Array
    weights: Array
    faces: Ints
    texels: Array
    page: Ints
    pages: NDArray[np.uint8]
    smoothing: int
    covered: NDArray[np.bool_]

    def rest(self, body: Array, normals: Array) -> Array:
        """Vertices over a body of any shape in rest pose, (P, 3)."""
        skin = mixed(body, self.between, self.share)
        outwards = mixed(normals, self.between, self.share)
        cloth = skin + self.offset[:, None] * outwards + self.drift
        return _tightened(cloth, skin, outwards, self.least, self.faces, self.smoothing)


def mixed(values: Array, between: Ints, share: Array) -> Array:
    """Values of vertices (V, C) at points between two vertices each, (P, C)."""
    share = share[:, None]
    return values[between[:, 0]] * (1 - share) + values[between[:, 1]] * share


def cut(
    body: Anatomy,
    field: Array,
    offset: Array | float,
    pages: NDArray[np.uint8],
    page: Array | int = 0,
    smoothing: int = 2,
    texels: Array | None = None,
) -> Piece:
    """
    Make a garment of the surface where ``field`` (V,) is positive; metres from its border.

    :param offset: metres outside the skin, one value or (V,)
    :param page: one of ``pages`` for all faces, or for each body face (F,)
    :param texels: (V, 2) place of the body's vertices in the pictures; default cloth
    """
    between, share, faces, origin = _split(np.asarray(body.faces), field)
    offset = np.broadcast_to(np.asarray(offset, np.float64), field.shape)[:, None]
    texels = cloth_texels(body.vertices) if texels is None else texels
    outside = mixed(offset, between, share)[:, 0]
    return Piece(
        between=between,
        share=share,
        offset=outside,
        drift=np.zeros((len(share), 3)),
        least=outside * 0.6,
        weights=mixed(body.weights, between, share),
        faces=faces,
        texels=mixed(texels, between, share),
        page=np.broadcast_to(page, len(body.faces))[origin],
        pages=pages,
        smoothing=smoothing,
        covered=field > HIDDEN,
    )


def tube(
    body: Anatomy, rings: Array, weights: Array, pages: NDArray[np.uint8], smoothing: int = 1
) -> Piece:
    """
    Hang cloth or hair in rings.

    :param rings: (R, N, 3) points, from the top down, each ring from the person's left over the
        front to the right; the first and the last point of a ring coincide if it is closed
    :param weights: (R, N, 24) skinning weights
    """
    points = rings.reshape(-1, 3)
    nearest = np.array([np.argmin(((body.vertices - p) ** 2).sum(-1)) for p in points])
    faces = _strips(*rings.shape[:2])
    return Piece(
        between=np.stack([nearest, nearest], -1),
        share=np.zeros(len(points)),
        offset=np.zeros(len(points)),
        drift=points - body.vertices[nearest],
        least=np.full(len(points), ANYWHERE),
        weights=weights.reshape(len(points), -1),
        faces=faces,
        texels=cloth_texels(points),
        page=np.zeros(len(faces), np.int64),
        pages=pages,
        smoothing=smoothing,
        covered=np.zeros(len(body.vertices), bool),
    )


def cloth_texels(points: Array) -> Array:
    """Place on a bolt of cloth of points of the rest pose, (..., 2); sheared to suit sides too."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x + 0.5 * z, -y - 0.3 * z], -1) * CLOTH_TEXELS


def skin_texels(body: Anatomy) -> Array:
    """Place in a picture of the face, its middle at the nose, (V, 2)."""
    flat = (body.vertices - body.nose)[:, :2] * [SKIN_TEXELS, -SKIN_TEXELS]
    return flat + PAGE / 2


def bare(body: Anatomy, pages: NDArray[np.uint8]) -> Piece:
    """The skin itself: ``pages`` hold the front of the head and the rest of the body."""
    heights = body.vertices[:, 1][body.faces].mean(1)
    front = body.normals[:, 2][body.faces].mean(1) > -0.1
    face = front & (heights > body.at('neck')[1] - 0.02)
    everywhere = np.ones(len(body.vertices))
    page = np.where(face, 0, 1)
    skin = cut(body, everywhere, 0.0, pages, page, 0, skin_texels(body))
    return skin


@dataclass(frozen=True, eq=False)
class Figure:
    """
    A dressed person of one shape, ready to be posed.

    :param surface: in rest pose
    :param weights: (D, 24) skinning weights
    :param joints: (24, 3) rest pose
    """

    surface: Surface
    weights: Array
    joints: Array

    def posed(self, rotations: Array, joints: Array) -> Surface:
        """
        The surface where the skeleton is.

        :param rotations: (24, 3, 3) axes of the rest pose -> the frame wanted
        :param joints: (24, 3) joints in that frame, metres
        """
        shift = joints - np.einsum('jab,jb->ja', rotations, self.joints)
        moves = np.concatenate([rotations, shift[..., None]], -1).reshape(len(shift), 12)
        blend = (self.weights @ moves.astype(np.float32)).reshape(-1, 3, 4)
        rest = self.surface
        vertices = np.einsum('vab,vb->va', blend[..., :3], rest.vertices) + blend[..., 3]
        return Surface(vertices, rest.faces, rest.texels, rest.page, rest.pages)


def dressed(body: Anatomy, pieces: Sequence[Piece], shaped: Array, joints: Array) -> Figure:
    """
    Put pieces on a body of any shape; skin well under a garment is left away.

    :param pieces: the skin (`bare`) first, then what is worn
    :param shaped: (V, 3) the body in rest pose
    :param joints: (24, 3) its joints
    """
    normals = vertex_normals(shaped, body.faces)
    hidden = np.zeros(len(shaped), bool)
    for piece in pieces[1:]:
        hidden |= piece.covered
    shown = [~hidden[body.faces].all(1)] + [np.ones(len(p.faces), bool) for p in pieces[1:]]
    starts = np.cumsum([0] + [len(piece.share) for piece in pieces])
    pages = np.cumsum([0] + [len(piece.pages) for piece in pieces])
    surface = Surface(
        np.concatenate([p.rest(shaped, normals) for p in pieces]).astype(np.float32),
        np.concatenate([p.faces[s] + n for p, s, n in zip(pieces, shown, starts)], dtype=np.int32),
        np.concatenate([p.texels for p in pieces]).astype(np.float32),
        np.concatenate([p.page[s] + n for p, s, n in zip(pieces, shown, pages)], dtype=np.int32),
        np.concatenate([p.pages for p in pieces]),
    )
    weights = np.concatenate([p.weights for p in pieces]).astype(np.float32)
    return Figure(surface, weights, joints)


def _split(faces: Ints, field: Array) -> tuple[Ints, Array, Ints, Ints]:
    """Triangles of the positive side: (between, share, faces, index of the face each is from)."""
    inside = field[faces] > 0
    count = inside.sum(1)
    whole = np.flatnonzero(count == 3)
    corner, cornered = _turned(faces, inside, count == 1)
    opposite, cornerless = _turned(faces, ~inside, count == 2)
    a, b, c = corner.T
    d, e, f = opposite.T
    point = lambda i, j: np.sort(np.stack([i, j], -1), -1)  # noqa: E731
    triangles = np.concatenate(
        [
            np.stack([point(faces[whole, k], faces[whole, k]) for k in range(3)], 1),
            np.stack([point(a, a), point(a, b), point(a, c)], 1),
            np.stack([point(d, e), point(e, e), point(f, f)], 1),
            np.stack([point(d, e), point(f, f), point(f, d)], 1),
        ]
    )
    between, index = np.unique(triangles.reshape(-1, 2), axis=0, return_inverse=True)
    first, second = field[between[:, 0]], field[between[:, 1]]
    apart = np.where(between[:, 0] == between[:, 1], 1.0, first - second)
    share = np.where(between[:, 0] == between[:, 1], 0.0, first / apart)
    origin = np.concatenate([whole, cornered, cornerless, cornerless])
    return between, share, index.reshape(-1, 3), origin


def _turned(faces: Ints, marked: NDArray[np.bool_], rows: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """The rows of faces with their one marked corner first, and the indices of the rows."""
    chosen = np.flatnonzero(rows)
    start = np.argmax(marked[chosen], axis=1)
    return faces[chosen[:, None], (start[:, None] + np.arange(3)) % 3], chosen


def _strips(rings: int, around: int) -> Ints:
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(around - 1), indexing='ij')
    a = (i * around + j).ravel()
    below = np.stack([a, a + around + 1, a + around], -1)
    return np.concatenate([below, np.stack([a, a + 1, a + around + 1], -1)])


@njit(cache=True)
def _tightened(cloth, skin, outwards, least, faces, times):
    """Move each vertex to the mean of its neighbours, but no closer to the skin than least."""
    border = _borders(faces, len(cloth))
    for _ in range(times):
        mean = np.zeros_like(cloth)
        count = np.zeros(len(cloth))
        for face in faces:
            for k in range(3):
                mean[face[k]] += cloth[face[(k + 1) % 3]] + cloth[face[(k + 2) % 3]]
                count[face[k]] += 2
        for i in range(len(cloth)):
            if border[i] or count[i] == 0:
                continue
            cloth[i] = mean[i] / count[i]
            height = ((cloth[i] - skin[i]) * outwards[i]).sum()
            if height < least[i]:
                cloth[i] += (least[i] - height) * outwards[i]
    return cloth


@njit(cache=True)
def _borders(faces, count):
    """Vertices of edges that only one face has: next and previous neighbours do not balance."""
    balance = np.zeros(count, np.int64)
    for face in faces:
        for k in range(3):
            # a vertex inside has each neighbour once as next and once as previous
            balance[face[k]] += (face[(k + 1) % 3] + 1) ** 2 - (face[(k + 2) % 3] + 1) ** 2
    return balance != 0
