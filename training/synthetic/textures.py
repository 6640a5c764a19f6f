"""
Pictures for surfaces, painted from random numbers: skin and faces, cloth, hair, floors, walls.

Every picture is a page of PAGE x PAGE texels, uint8 sRGB, and repeats without a seam unless it
shows a face. Its size in metres is the business of whoever lays it on a surface.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic.shading import PAGE, Array

Page = NDArray[np.uint8]  # (PAGE, PAGE, 3)
Rng = np.random.Generator

SKINS = np.array(
    [(244, 208, 184), (232, 190, 160), (224, 172, 138), (198, 140, 104), (160, 106, 74),
     (122, 78, 54), (92, 58, 42)], np.float64
)  # fmt: skip
HAIRS = np.array(
    [(28, 22, 20), (52, 34, 24), (84, 54, 34), (124, 84, 50), (176, 136, 84), (120, 116, 112),
     (110, 52, 30)], np.float64
)  # fmt: skip


@lru_cache(maxsize=64)
def _noise(seed: int, slope: float, aspect: float) -> Array:
    y, x = np.fft.fftfreq(PAGE)[:, None], np.fft.rfftfreq(PAGE)[None]
    radius = np.hypot(x * aspect, y / aspect)
    radius[0, 0] = np.inf
    rng = np.random.default_rng(seed)
    shape = radius.shape
    spectrum = (rng.normal(size=shape) + 1j * rng.normal(size=shape)) * radius**-slope
    field = np.fft.irfft2(spectrum, (PAGE, PAGE))
    return (field / field.std()).astype(np.float32)


def noise(rng: Rng, slope: float = 1.5, aspect: float = 1.0) -> Array:
    """
    Clouds that repeat without a seam, (PAGE, PAGE), mean 0 and deviation 1.

    :param slope: 0 is grain, 1 cloud and grain, 2 soft cloud
    :param aspect: above 1 for streaks that run down the page
    """
    # few fields, turned and shifted: a Fourier transform each would cost more than the rest
    field = _noise(int(rng.integers(6)), slope, aspect)
    return np.roll(field, tuple(rng.integers(PAGE, size=2)), (0, 1))[:, :: rng.choice([1, -1])]


def colour(rng: Rng, saturation: tuple[float, float] = (0.1, 0.8)) -> Array:
    """A random colour as people wear it, (3,), 0 to 255; often grey, black, white or blue."""
    if rng.random() < 0.3:
        return np.full(3, rng.choice([28, 60, 110, 170, 225])) + rng.normal(0, 6, 3)
    hue = rng.choice([rng.random(), rng.normal(0.6, 0.04)])
    rgb = colorsys.hsv_to_rgb(hue % 1, rng.uniform(*saturation), rng.uniform(0.25, 0.9))
    return np.array(rgb) * 255


def page_of(base: Array, *fields: Array) -> Page:
    """A page of one colour, each field (PAGE, PAGE) added to it in grey levels."""
    picture: Array = np.broadcast_to(np.asarray(base, np.float32), (PAGE, PAGE, 3))
    for one in fields:
        picture = picture + one[..., None]
    return np.clip(picture, 0, 255).astype(np.uint8)


def skin_page(tone: Array, rng: Rng) -> Page:
    """Skin of a tone (3,)."""
    return page_of(tone, 3 * noise(rng, 1.5), 2 * noise(rng, 0.3))


def hair_page(tone: Array, rng: Rng) -> Page:
    """Strands that run down the page."""
    shine = 8 + 0.10 * tone.mean()
    return page_of(tone, shine * noise(rng, 1.0, 3.0), 6 * noise(rng, 1.5))


def cloth_page(rng: Rng, base: Array | None = None, plain: bool = False) -> Page:
    """Woven or knitted cloth: folds, and a pattern unless ``plain``."""
    base = colour(rng) if base is None else base
    folds = page_of(base, 5 * noise(rng, 1.8, 1.5), 4 * noise(rng, 0.2))
    if plain or rng.random() < 0.45:
        return folds
    other = colour(rng)
    share = CLOTH_PATTERNS[rng.choice(list(CLOTH_PATTERNS))](rng)[..., None]
    return (folds * (1 - share) + (folds - base + other).clip(0, 255) * share).astype(np.uint8)


def _grid() -> tuple[Array, Array]:
    v, u = np.mgrid[:PAGE, :PAGE].astype(np.float32) / PAGE
    return u, v


def _stripes(along: Array, rng: Rng) -> Array:
    count, share = int(rng.choice([16, 24, 32, 48])), rng.uniform(0.15, 0.5)
    return ((along * count) % 1 < share).astype(np.float32)


def _checks(rng: Rng) -> Array:
    u, v = _grid()
    count = int(rng.choice([12, 20, 28]))
    return (((u * count) % 1 < 0.4) * 0.5 + ((v * count) % 1 < 0.4) * 0.5).astype(np.float32)


def _dots(rng: Rng) -> Array:
    u, v = _grid()
    count, radius = int(rng.choice([24, 40])), rng.uniform(0.12, 0.3)
    return (np.hypot((u * count) % 1 - 0.5, (v * count) % 1 - 0.5) < radius).astype(np.float32)


CLOTH_PATTERNS: dict[str, Callable[[Rng], Array]] = {
    'rings': lambda rng: _stripes(_grid()[1], rng),
    'stripes': lambda rng: _stripes(_grid()[0], rng),
    'checks': _checks,
    'dots': _dots,
    'blots': lambda rng: (noise(rng, 2.2) > rng.uniform(0, 1)).astype(np.float32),
    'heather': lambda rng: np.clip(0.3 + 0.25 * noise(rng, 0.5), 0, 1),
}


def _planks(rng: Rng) -> Page:
    count = int(rng.choice([16, 24, 32]))
    base = np.array([150, 108, 72]) * rng.uniform(0.5, 1.3) + rng.normal(0, 8, 3)
    tones = np.repeat(rng.normal(0, 10, count), -(-PAGE // count))[:PAGE]
    gaps = -35 * ((np.arange(PAGE) * count % PAGE) < count * 1.5)
    return page_of(base, np.tile(tones + gaps, (PAGE, 1)), 7 * noise(rng, 1.0, 3.0))


def _tiles(rng: Rng) -> Page:
    u, v = _grid()
    count, gap = int(rng.choice([4, 6, 8, 12])), 0.03
    base = np.array([190, 186, 178]) * rng.uniform(0.4, 1.2) + rng.normal(0, 10, 3)
    joint = ((u * count) % 1 < gap) | ((v * count) % 1 < gap)
    odd = ((u * count).astype(int) + (v * count).astype(int)) % 2
    return page_of(base, -30.0 * joint, odd * rng.choice([0, 0, -25]), 5 * noise(rng, 1.4))


def _speckled(base: tuple[float, float, float]) -> Callable[[Rng], Page]:
    def paint(rng: Rng) -> Page:
        tone = np.array(base) * rng.uniform(0.6, 1.3) + rng.normal(0, 8, 3)
        return page_of(tone, 9 * noise(rng, 1.5), 7 * noise(rng, 0.2))

    return paint


def _bricks(rng: Rng) -> Page:
    rows = int(rng.choice([24, 32]))
    u, v = _grid()
    shifted = u * rows / 2.5 + 0.5 * ((v * rows).astype(int) % 2)
    joint = ((v * rows) % 1 < 0.12) | (shifted % 1 < 0.05)
    base = np.array([150, 84, 62]) * rng.uniform(0.7, 1.3)
    return page_of(base, 45.0 * joint, 9 * noise(rng, 0.8), 6 * noise(rng, 1.6))


def _plaster(rng: Rng) -> Page:
    return page_of(rng.uniform(150, 235) + rng.normal(0, 9, 3), 3 * noise(rng, 1.8))


def _wallpaper(rng: Rng) -> Page:
    share = _stripes(_grid()[0], rng)
    return page_of(colour(rng, (0.05, 0.4)), rng.uniform(5, 25) * share, 2 * noise(rng, 1.5))


FLOORS: dict[str, Callable[[Rng], Page]] = {
    'planks': _planks,
    'tiles': _tiles,
    'carpet': lambda rng: page_of(colour(rng), 5 * noise(rng, 0.1), 4 * noise(rng, 1.5)),
    'concrete': _speckled((140, 138, 134)),
    'asphalt': _speckled((86, 86, 90)),
    'grass': _speckled((88, 116, 56)),
}
WALLS: dict[str, Callable[[Rng], Page]] = {
    'plaster': _plaster,
    'wallpaper': _wallpaper,
    'bricks': _bricks,
    'wood': _planks,
}


def painted(kinds: dict[str, Callable[[Rng], Page]], rng: Rng) -> Page:
    """A page of any of the kinds (`FLOORS` or `WALLS`)."""
    return kinds[rng.choice(list(kinds))](rng)


def blended(page: Page, share: Array, tone: Array) -> Page:
    """Lay a colour (3,) over a page where ``share`` (PAGE, PAGE) says, 0 to 1."""
    mixed = page + (np.asarray(tone, np.float32) - page) * share[..., None]
    return np.clip(mixed, 0, 255).astype(np.uint8)


def blob(centre: Array, radii: tuple[float, float], edge: float, turn: float = 0.0) -> Array:
    """An ellipse with a soft edge, (PAGE, PAGE), 1 inside; texels, ``turn`` in degrees."""
    scale = 8  # cv2 draws with a fraction of a pixel when told in eighths
    share = np.zeros((PAGE, PAGE), np.uint8)
    at, size = ([round(float(x) * scale) for x in pair] for pair in (centre, radii))
    cv2.ellipse(share, at, size, turn, 0, 360, 255, -1, cv2.LINE_AA, 3)
    return cv2.GaussianBlur(share, (0, 0), max(edge, 0.3)).astype(np.float32) / 255
