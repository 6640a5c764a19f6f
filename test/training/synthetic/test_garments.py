"""Clothes stay outside the body, end where told, and move as the body moves."""

from pathlib import Path

import numpy as np
import pytest

from mesh_pose_ros.geometry.body_model import BodyModel
from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix
from training.synthetic.garments import cut
from training.synthetic.rasteriser import vertex_normals
from training.synthetic.scenes import Wardrobe
from training.synthetic.shading import PAGE
from training.synthetic.wardrobe import (
    BOTTOM_MAKERS,
    BOTTOMS,
    HAIR,
    HAIR_MAKERS,
    TOP_MAKERS,
    TOPS,
    Style,
    pieces_of,
    random_style,
)

BODY = Path(__file__).parents[3] / 'models' / 'open_body.npz'
PAGES = np.full((1, PAGE, PAGE, 3), 128, np.uint8)


@pytest.fixture(scope='module')
def wardrobe() -> Wardrobe:
    return Wardrobe(BodyModel.load(BODY))


@pytest.fixture(scope='module')
def anatomy(wardrobe):
    return wardrobe.anatomy


def area(vertices, faces):
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=-1).sum() / 2


def test_a_cut_ends_exactly_where_its_field_is_zero(anatomy):
    field = anatomy.vertices[:, 1] - 0.1234
    piece = cut(anatomy, field, 0.0, PAGES, smoothing=0)
    rest = piece.rest(anatomy.vertices, anatomy.normals)
    assert rest[:, 1].min() == pytest.approx(0.1234, abs=1e-5)


def test_the_two_sides_of_a_cut_make_the_whole_surface(anatomy):
    field = anatomy.vertices @ np.array([0.3, 1.0, -0.2]) - 0.05
    parts = [cut(anatomy, f, 0.0, PAGES, smoothing=0) for f in (field, -field)]
    areas = [area(p.rest(anatomy.vertices, anatomy.normals), p.faces) for p in parts]
    assert sum(areas) == pytest.approx(area(anatomy.vertices, anatomy.faces), rel=1e-5)


def test_a_cut_keeps_which_side_is_outside(anatomy):
    piece = cut(anatomy, anatomy.vertices[:, 1] - 0.05, 0.0, PAGES, smoothing=0)
    rest = piece.rest(anatomy.vertices, anatomy.normals)
    own = vertex_normals(rest, piece.faces)
    skin = anatomy.normals[piece.between[:, 0]]
    assert np.mean((own * skin).sum(-1) > 0) > 0.99


def test_an_empty_cut_is_a_piece_of_nothing(anatomy):
    piece = cut(anatomy, np.full(len(anatomy.vertices), -1.0), 0.01, PAGES)
    assert len(piece.faces) == len(piece.share) == 0


def test_cloth_stays_outside_the_skin_on_any_shape(wardrobe, anatomy):
    piece = cut(anatomy, anatomy.vertices[:, 1] + 0.3, 0.012, PAGES, smoothing=6)
    for seed in range(3):
        body = wardrobe.model.shaped(np.random.default_rng(seed).normal(size=10)).vertices
        normals = vertex_normals(body, anatomy.faces)
        pairs, share = piece.between, piece.share[:, None]
        skin = body[pairs[:, 0]] * (1 - share) + body[pairs[:, 1]] * share
        outwards = normals[pairs[:, 0]] * (1 - share) + normals[pairs[:, 1]] * share
        height = ((piece.rest(body, normals) - skin) * outwards).sum(-1)
        assert height.min() > 0.004


@pytest.mark.parametrize('kind', [*TOPS, *BOTTOMS, *HAIR])
def test_every_garment_can_be_worn_and_follows_the_skeleton(wardrobe, anatomy, kind):
    style = Style(np.full(3, 200.0), np.full(3, 40.0), **{_slot(kind): kind})
    figure = wardrobe.dress(pieces_of(anatomy, style, np.random.default_rng(3)), np.zeros(10))
    rest = figure.surface.vertices
    assert np.isfinite(rest).all()
    np.testing.assert_allclose(figure.weights.sum(1), 1, atol=1e-5)
    assert figure.surface.faces.max() < len(rest)
    assert figure.surface.page.max() < len(figure.surface.pages)
    turn, shift = axis_angle_to_matrix((0.3, -0.8, 0.2)), np.array([0.4, -0.1, 3.0])
    moved = figure.posed(np.tile(turn, (24, 1, 1)), figure.joints @ turn.T + shift)
    np.testing.assert_allclose(moved.vertices, rest @ turn.T + shift, atol=2e-5)


def _slot(kind: str) -> str:
    return 'top' if kind in TOPS else 'bottom' if kind in BOTTOMS else 'hair_kind'


def test_bare_skin_poses_as_the_body_model_does(wardrobe, anatomy):
    style = Style(np.full(3, 200.0), np.full(3, 40.0), hair_kind='bald', shoes=False)
    skin = pieces_of(anatomy, style, np.random.default_rng(0))[:1]
    betas = np.random.default_rng(1).normal(size=10)
    vectors = np.random.default_rng(2).normal(scale=0.4, size=(24, 3))
    posed = wardrobe.model.shaped(betas).posed(axis_angle_to_matrix(vectors), (0.1, 0.2, 0.3))
    surface = wardrobe.dress(skin, betas).posed(posed.rotations, posed.joints)
    np.testing.assert_allclose(surface.vertices, posed.vertices, atol=1e-4)


def test_makers_and_names_of_garments_agree():
    assert set(TOP_MAKERS) == set(TOPS)
    assert set(BOTTOM_MAKERS) == set(BOTTOMS)
    assert set(HAIR_MAKERS) == set(HAIR)


def test_the_same_seed_gives_the_same_person(wardrobe):
    first, second = (wardrobe.stranger(np.zeros(10), np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.surface.vertices, second.surface.vertices)
    np.testing.assert_array_equal(first.surface.pages, second.surface.pages)
    other = random_style(np.random.default_rng(8))
    assert not np.array_equal(other.top_page, random_style(np.random.default_rng(7)).top_page)
