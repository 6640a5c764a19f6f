"""Pages repeat without a seam, faces are alike on both sides, chance is by seed."""

import numpy as np
import pytest

from training.synthetic.faces import PLAN, face_page
from training.synthetic.garments import SKIN_TEXELS
from training.synthetic.shading import PAGE
from training.synthetic.textures import (
    CLOTH_PATTERNS,
    FLOORS,
    HAIRS,
    SKINS,
    WALLS,
    cloth_page,
    hair_page,
    noise,
    painted,
    skin_page,
)

PAINTERS = {
    **{f'floor {name}': paint for name, paint in FLOORS.items()},
    **{f'wall {name}': paint for name, paint in WALLS.items()},
    'cloth': cloth_page,
    'skin': lambda rng: skin_page(SKINS[2], rng),
    'hair': lambda rng: hair_page(HAIRS[1], rng),
    'face': lambda rng: face_page(SKINS[3], HAIRS[0], rng, beard=True),
}


@pytest.mark.parametrize('name', list(PAINTERS))
def test_a_seed_paints_one_page(name):
    first, second, other = (PAINTERS[name](np.random.default_rng(s)) for s in (1, 1, 2))
    assert first.shape == (PAGE, PAGE, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize('slope', [0.2, 1.0, 2.0])
def test_noise_has_no_seam(slope):
    field = noise(np.random.default_rng(0), slope)
    steps = np.abs(np.diff(field, axis=1)).mean()
    seam = np.abs(field[:, 0] - field[:, -1]).mean()
    assert seam < 1.5 * steps
    assert field.std() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize('name', list(CLOTH_PATTERNS))
def test_a_pattern_is_a_share(name):
    share = CLOTH_PATTERNS[name](np.random.default_rng(3))
    assert share.shape == (PAGE, PAGE)
    assert share.min() >= 0
    assert share.max() <= 1


def test_a_face_has_two_dark_eyes_in_white_where_the_plan_says():
    page = face_page(SKINS[1], HAIRS[0], np.random.default_rng(0)).astype(int)
    for side in (-1, 1):
        u = round(PAGE / 2 + side * PLAN.eye[0] * SKIN_TEXELS)
        v = round(PAGE / 2 - PLAN.eye[1] * SKIN_TEXELS)
        aside = round(0.009 * SKIN_TEXELS)
        assert page[v, u].max() < 90
        assert page[v, u + aside].min() > 150
        assert page[v, u - aside].min() > 150


def test_random_floors_are_of_a_known_kind():
    assert painted(FLOORS, np.random.default_rng(0)).shape == (PAGE, PAGE, 3)
