"""Paint a face on skin: eyes, brows, nose, mouth, beard, all placed from the tip of the nose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from training.synthetic.garments import SKIN_TEXELS
from training.synthetic.shading import PAGE, Array
from training.synthetic.textures import Page, Rng, blended, blob, noise, skin_page

IRISES = np.array([(58, 38, 24), (84, 60, 36), (96, 112, 92), (88, 118, 142)], np.float64)


@dataclass(frozen=True)
class FacePlan:
    """
    Where the parts of the open body's face lie, metres from the tip of the nose.

    x grows to the side, y upwards; both sides are alike.
    """

    eye: tuple[float, float] = (0.031, 0.0285)
    eye_size: tuple[float, float] = (0.0135, 0.0062)
    brow: tuple[float, float] = (0.032, 0.0445)
    nostril: tuple[float, float] = (0.008, -0.010)
    mouth: float = -0.038
    mouth_half: float = 0.025
    chin: float = -0.083
    jaw_half: float = 0.062


PLAN = FacePlan()


def face_page(tone: Array, hair: Array, rng: Rng, beard: bool = False) -> Page:
    """
    The front of a head.

    :param tone, hair: (3,) colours of the skin and of brows and beard
    """
    page = skin_page(tone, rng)
    for share, paint in _parts(tone, hair, rng, beard):
        page = blended(page, share, paint)
    return page


Part = tuple[Array, Array]


def _parts(tone: Array, hair: Array, rng: Rng, beard: bool) -> Iterable[Part]:
    yield from _hollows(tone)
    if beard:
        yield _beard(hair, rng)
    yield from _mouth(tone, rng)
    iris = IRISES[rng.integers(len(IRISES))]
    for side in (-1, 1):
        yield from _eye(side, tone, hair, iris)


def _spot(
    x: float, y: float, width: float, height: float, edge: float, turn: float = 0.0
) -> Array:
    """A soft ellipse; metres from the nose."""
    centre = np.array([x, -y]) * SKIN_TEXELS + PAGE / 2
    return blob(centre, (width * SKIN_TEXELS, height * SKIN_TEXELS), edge * SKIN_TEXELS, turn)


def _pair(x: float, y: float, width: float, height: float, edge: float) -> Array:
    """The same spot on both sides."""
    return _spot(x, y, width, height, edge) + _spot(-x, y, width, height, edge)


def _hollows(tone: Array) -> Iterable[Part]:
    """What light does not reach, and where blood shows; the mesh is too coarse to shade it."""
    x, y = PLAN.eye
    red, dark = tone * [1.02, 0.80, 0.76], tone * 0.62
    yield 0.35 * _pair(0.042, -0.015, 0.016, 0.014, 0.008), red
    yield 0.5 * _pair(x, y + 0.004, 0.019, 0.011, 0.005), dark
    yield 0.25 * _pair(0.013, 0.010, 0.003, 0.022, 0.003), dark
    yield 0.3 * _spot(0, 0.006, 0.004, 0.018, 0.003), np.minimum(tone * 1.15, 255)
    yield 0.35 * _spot(0, -0.016, 0.014, 0.004, 0.003), dark
    nx, ny = PLAN.nostril
    yield 0.8 * _pair(nx, ny, 0.0035, 0.002, 0.0012), tone * 0.3
    yield 0.3 * _spot(0, PLAN.mouth - 0.017, 0.016, 0.004, 0.003), dark
    yield 0.45 * _spot(0, PLAN.chin - 0.014, 0.050, 0.008, 0.005), dark  # under the chin


def _mouth(tone: Array, rng: Rng) -> Iterable[Part]:
    lips = tone * [0.88, 0.58, 0.58] * rng.uniform(0.8, 1.0)
    half, y = PLAN.mouth_half * rng.uniform(0.9, 1.1), PLAN.mouth
    yield 0.8 * _spot(0, y + 0.0025, half, 0.0035, 0.0015), lips
    yield 0.8 * _spot(0, y - 0.004, half * 0.85, 0.0045, 0.0015), lips
    if rng.random() < 0.4:  # a smile
        yield 0.9 * _spot(0, y - 0.001, half * 0.75, 0.0025, 0.001), np.array([225, 215, 205])
    yield 0.9 * _spot(0, y - 0.0005, half, 0.0008, 0.0006), tone * 0.3


def _eye(side: int, tone: Array, hair: Array, iris: Array) -> Iterable[Part]:
    x, y = PLAN.eye
    width, height = PLAN.eye_size
    x *= side
    yield _spot(x, y, width, height, 0.0008), np.array([228, 222, 218])
    yield _spot(x, y + 0.0004, 0.0058, 0.0058, 0.0006), iris
    yield _spot(x, y + 0.0004, 0.0027, 0.0027, 0.0004), np.array([12, 10, 10])
    yield 0.9 * _spot(x + 0.002, y + 0.0025, 0.001, 0.001, 0.0004), np.array([250, 250, 250])
    yield 0.9 * _spot(x, y + height, width * 1.05, 0.0016, 0.0008), np.minimum(hair, tone * 0.4)
    yield 0.4 * _spot(x, y - height, width, 0.0008, 0.0008), tone * 0.5
    bx, by = PLAN.brow
    yield (
        0.85 * _spot(side * bx, by, 0.019, 0.0034, 0.0016, side * -4.0),
        np.minimum(hair * 0.8, tone * 0.5),
    )


def _beard(hair: Array, rng: Rng) -> Part:
    jaw = _spot(0, PLAN.chin + 0.022, PLAN.jaw_half, 0.050, 0.007)
    cheeks = _spot(0, PLAN.mouth + 0.030, PLAN.jaw_half * 0.72, 0.028, 0.005)
    strands = np.clip(0.75 + 0.15 * noise(rng, 0.3), 0, 1)
    return jaw * (1 - cheeks) * strands * rng.uniform(0.4, 1.0), hair
