"""
What people wear: garments by name, styles by chance.

Each garment is a field over the template in metres (see `garments.cut`): where it ends is told
by joints, so it fits whatever body is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mesh_pose_ros.skeletons import SMPL24
from training.synthetic.faces import face_page
from training.synthetic.garments import Anatomy, Piece, bare, cut, tube
from training.synthetic.shading import Array
from training.synthetic.textures import (
    HAIRS,
    SKINS,
    Page,
    Rng,
    cloth_page,
    colour,
    hair_page,
    skin_page,
)

TOPS = ('t_shirt', 'shirt', 'pullover', 'hoodie', 'tank_top', 'dress')
BOTTOMS = ('trousers', 'loose_trousers', 'leggings', 'shorts', 'skirt')
HAIR = ('short', 'cropped', 'full', 'bob', 'long', 'bald', 'beanie')


@dataclass(frozen=True, eq=False)
class Style:
    """
    How one person looks.

    :param skin, hair: (3,) sRGB 0 to 255
    :param top_page, bottom_page, shoe_page: cloth
    """

    skin: Array
    hair: Array
    top: str = 't_shirt'
    bottom: str = 'trousers'
    hair_kind: str = 'short'
    beard: bool = False
    shoes: bool = True
    top_page: Page = field(default_factory=lambda: cloth_page(np.random.default_rng(0)))
    bottom_page: Page = field(default_factory=lambda: cloth_page(np.random.default_rng(1)))
    shoe_page: Page = field(default_factory=lambda: cloth_page(np.random.default_rng(2)))


def random_style(rng: Rng) -> Style:
    """Draw what somebody looks like."""
    tones = SKINS[rng.integers(len(SKINS))] * rng.uniform(0.92, 1.06)
    top_page = cloth_page(rng)
    return Style(
        skin=np.minimum(tones + rng.normal(0, 4, 3), 250),
        hair=np.clip(HAIRS[rng.integers(len(HAIRS))] * rng.uniform(0.8, 1.2), 8, 240),
        top=str(rng.choice(TOPS)),
        bottom=str(rng.choice(BOTTOMS)),
        hair_kind=str(rng.choice(HAIR)),
        beard=bool(rng.random() < 0.2),
        shoes=bool(rng.random() < 0.93),
        top_page=top_page,
        bottom_page=cloth_page(rng, plain=rng.random() < 0.7),
        shoe_page=cloth_page(rng, colour(rng, (0, 0.3)), plain=True),
    )


def pieces_of(body: Anatomy, style: Style, rng: Rng) -> list[Piece]:
    """The skin and everything worn on it; ``rng`` draws lengths, looseness and folds."""
    face = face_page(style.skin, style.hair, rng, style.beard)
    worn = [bare(body, np.stack([face, skin_page(style.skin, rng)]))]
    if style.top != 'dress':
        worn += BOTTOM_MAKERS[style.bottom](body, style.bottom_page, rng)
    worn += TOP_MAKERS[style.top](body, style.top_page, rng)
    worn += _shoes(body, style.shoe_page) if style.shoes else []
    worn += HAIR_MAKERS[style.hair_kind](body, style, rng)
    return worn


def folds(points: Array, rng: Rng, height: float) -> Array:
    """Waves of cloth at points (V, 3) of the rest pose, (V,) metres."""
    waves = rng.normal(size=(6, 3)) * [14.0, 22.0, 14.0]
    phases = rng.uniform(0, 2 * np.pi, 6)
    return height * np.sin(points @ waves.T + phases).mean(-1) * 1.5


def _ramp(value: Array, start: float, end: float) -> Array:
    """0 before start, 1 after end, smooth between; start may be above end."""
    t = np.clip((value - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def _sleeve_end(body: Anatomy, length: float) -> float:
    """Distance from the middle: 0 is the shoulder, 1 the elbow, 2 the wrist."""
    marks = [body.at(f'left_{joint}')[0] for joint in ('shoulder', 'elbow', 'wrist')]
    return float(np.interp(length, [0, 1, 2], marks))


def _leg_height(body: Anatomy, length: float) -> float:
    """Height of a place down the leg: 0 is the hip, 1 the knee, 2 the ankle."""
    marks = [body.at(f'left_{joint}')[1] for joint in ('hip', 'knee', 'ankle')]
    return float(np.interp(length, [0, 1, 2], marks))


def _waist(body: Anatomy) -> float:
    return float(body.at('spine1')[1]) + 0.01


def _top(
    body: Anatomy, page: Page, rng: Rng, sleeve: float, loose: float, hem: float = 0.0
) -> Piece:
    x, y, z = np.abs(body.vertices[:, 0]), body.vertices[:, 1], body.vertices[:, 2]
    bottom = body.at('pelvis')[1] + hem - rng.uniform(0.0, 0.08)
    end, neck = _sleeve_end(body, sleeve), body.at('neck')
    collar = neck[1] - rng.uniform(0.01, 0.035) - 0.35 * (z - neck[2])
    region = np.min([end - x, y - bottom, collar - y], axis=0)
    hanging = _ramp(y, _waist(body) + 0.15, bottom) + 0.6 * _ramp(x, end - 0.15, end)
    offset = 0.010 + 0.4 * loose + (loose + 0.008) * hanging
    offset = offset + folds(body.vertices, rng, 0.002 + 0.25 * loose)
    return cut(body, region, np.maximum(offset, 0.005), page[None], 0, 5)


def _trousers(body: Anatomy, page: Page, rng: Rng, length: float, loose: float) -> list[Piece]:
    y = body.vertices[:, 1]
    end = _leg_height(body, length)
    region = np.minimum(_waist(body) - y, y - end)
    offset = 0.004 + loose * (0.4 + 0.6 * _ramp(y, _waist(body) - 0.1, end))
    offset = offset + folds(body.vertices, rng, 0.25 * loose)
    return [cut(body, region, np.maximum(offset, 0.003), page[None], 0, 4)]


def _skirt(body: Anatomy, page: Page, rng: Rng) -> list[Piece]:
    top, hem = _waist(body) + 0.02, _leg_height(body, rng.uniform(0.6, 1.6))
    heights, angles = np.linspace(top, hem, 14), np.linspace(0, 2 * np.pi, 41)
    flare, waves = rng.uniform(0.02, 0.16), rng.integers(5, 10)
    width, depth, middle = _girth(body, heights)
    down = (top - heights) / (top - hem)
    swing = 1 + 0.05 * down[:, None] * np.sin(waves * angles)
    grow = 0.034 - 0.016 * _ramp(down, 0.1, 0.0) + flare * down
    x = (width + grow)[:, None] * np.cos(angles) * swing
    z = (depth + grow)[:, None] * np.sin(angles) * swing + middle[:, None]
    rings = np.stack([x, np.broadcast_to(heights[:, None], x.shape), z], -1)
    weights = np.zeros((*x.shape, len(SMPL24)))
    legs = 0.8 * _ramp(heights, top - 0.08, hem)[:, None]
    left = _ramp(x, -0.12, 0.12)
    weights[..., SMPL24.index('pelvis')] = 1 - legs
    weights[..., SMPL24.index('left_hip')] = legs * left
    weights[..., SMPL24.index('right_hip')] = legs * (1 - left)
    return [tube(body, rings, weights, page[None])]


def _girth(body: Anatomy, heights: Array) -> tuple[Array, Array, Array]:
    """Half width, half depth and middle (z) of trunk and legs, never narrower further down."""
    trunk = body.vertices[np.abs(body.vertices[:, 0]) < body.at('left_shoulder')[0] + 0.07]
    rows = [trunk[np.abs(trunk[:, 1] - h) < 0.02] for h in heights]
    width = np.maximum.accumulate([np.abs(row[:, 0]).max() for row in rows])
    front = np.maximum.accumulate([row[:, 2].max() for row in rows])
    back = np.minimum.accumulate([row[:, 2].min() for row in rows])
    return width, (front - back) / 2, (front + back) / 2


def _dress(body: Anatomy, page: Page, rng: Rng) -> list[Piece]:
    upper = _top(body, page, rng, rng.uniform(-0.1, 0.6), 0.004, hem=0.09)
    return [upper, *_skirt(body, page, rng)]


def _shoes(body: Anatomy, page: Page) -> list[Piece]:
    y = body.vertices[:, 1]
    region = body.at('left_ankle')[1] + 0.025 - y
    downwards = np.clip(-body.normals[:, 1], 0, 1)
    low = y[body.faces].mean(1) < y.min() + 0.014
    sole = (page * 0.25 + (0 if page.mean() > 128 else 150)).astype(np.uint8)
    pages = np.stack([page, sole])
    return [cut(body, region, 0.010 * (1 - 0.8 * downwards), pages, low.astype(int), 8)]


def _scalp(body: Anatomy, fringe: float = 0.0) -> Array:
    """Metres above the hairline, which runs from the forehead down to the nape, (V,)."""
    y, z = (body.vertices - body.nose)[:, 1:].T
    return (y + 0.055 + fringe - 0.80 * (z + 0.205)) * 0.78


def _hair(
    body: Anatomy, style: Style, rng: Rng, volume: float, fringe: float = 0.0
) -> list[Piece]:
    region = _scalp(body, fringe)
    high = np.minimum(volume, 0.003 + 0.5 * np.maximum(region, 0))
    rough = 1 + 0.25 * folds(body.vertices * 4, rng, 1.0)
    return [cut(body, region, high * rough, hair_page(style.hair, rng)[None], 0, 1)]


def _curtain(body: Anatomy, style: Style, rng: Rng, length: float) -> list[Piece]:
    """Hair that falls from ear to ear behind the face."""
    head = body.vertices[body.vertices[:, 1] > body.nose[1]]
    width, back = np.abs(head[:, 0]).max() + 0.010, head[:, 2].min() - 0.016
    heights = np.linspace(body.nose[1] + 0.07, body.nose[1] - length, 10)
    angles = np.linspace(np.pi * 0.98, np.pi * 2.02, 25)
    middle = body.nose[2] - 0.095
    ragged = 1 + 0.03 * rng.normal(size=angles.size)
    down = np.linspace(0, 1, 10)
    # tucked under the cap of hair at the top, gathered at the bottom
    narrow = (1 - 0.10 * down**2 - 0.15 * (1 - down) ** 4)[:, None] * ragged
    x = width * np.cos(angles) * narrow
    z = middle + (middle - back) * np.sin(angles) * narrow
    rings = np.stack([x, np.broadcast_to(heights[:, None], x.shape), z], -1)
    weights = np.zeros((*x.shape, len(SMPL24)))
    fallen = 0.7 * _ramp(heights, body.at('neck')[1] + 0.02, body.at('left_shoulder')[1])
    weights[..., SMPL24.index('head')] = (1 - fallen)[:, None]
    weights[..., SMPL24.index('spine3')] = fallen[:, None]
    return [tube(body, rings, weights, hair_page(style.hair, rng)[None])]


def _beanie(body: Anatomy, style: Style, rng: Rng) -> list[Piece]:
    region = _scalp(body, rng.uniform(-0.01, 0.03))
    return [cut(body, region, 0.012, cloth_page(rng)[None], 0, 6)]


def _hood(body: Anatomy, page: Page) -> Piece:
    y, z = (body.vertices - body.nose)[:, 1:].T
    region = np.minimum(-0.075 - z - 0.12 * np.abs(y - 0.03), y + 0.15)
    return cut(body, region, 0.026, page[None], 0, 4)


def _hoodie(body: Anatomy, page: Page, rng: Rng) -> list[Piece]:
    hood = [_hood(body, page)] if rng.random() < 0.35 else []
    return [_top(body, page, rng, 1.95, rng.uniform(0.012, 0.03)), *hood]


TopMaker = Callable[[Anatomy, Page, Rng], list[Piece]]
TOP_MAKERS: dict[str, TopMaker] = {
    't_shirt': lambda b, p, r: [_top(b, p, r, r.uniform(0.4, 0.9), r.uniform(0.002, 0.022))],
    'shirt': lambda b, p, r: [_top(b, p, r, r.uniform(1.6, 1.95), r.uniform(0.002, 0.018))],
    'pullover': lambda b, p, r: [_top(b, p, r, 1.95, r.uniform(0.01, 0.03))],
    'hoodie': _hoodie,
    'tank_top': lambda b, p, r: [_top(b, p, r, -0.12, r.uniform(0.0, 0.006))],
    'dress': _dress,
}
BOTTOM_MAKERS: dict[str, TopMaker] = {
    'trousers': lambda b, p, r: _trousers(b, p, r, r.uniform(1.85, 2.02), r.uniform(0.006, 0.018)),
    'loose_trousers': lambda b, p, r: _trousers(b, p, r, 2.05, r.uniform(0.02, 0.045)),
    'leggings': lambda b, p, r: _trousers(b, p, r, r.uniform(1.5, 1.95), 0.0),
    'shorts': lambda b, p, r: _trousers(b, p, r, r.uniform(0.45, 1.05), r.uniform(0.01, 0.035)),
    'skirt': _skirt,
}
HAIR_MAKERS: dict[str, Callable[[Anatomy, Style, Rng], list[Piece]]] = {
    'short': lambda b, s, r: _hair(b, s, r, r.uniform(0.010, 0.018)),
    'cropped': lambda b, s, r: _hair(b, s, r, 0.004),
    'full': lambda b, s, r: _hair(b, s, r, r.uniform(0.025, 0.055)),
    'bob': lambda b, s, r: _hair(b, s, r, 0.02) + _curtain(b, s, r, r.uniform(0.07, 0.11)),
    'long': lambda b, s, r: _hair(b, s, r, 0.02) + _curtain(b, s, r, r.uniform(0.14, 0.32)),
    'bald': lambda b, s, r: [],
    'beanie': _beanie,
}
