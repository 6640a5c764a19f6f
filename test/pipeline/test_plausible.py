"""People stay, what cannot be a person goes."""

import numpy as np
import pytest

from mesh_pose_ros.people import Box
from mesh_pose_ros.pipeline.plausible import Plausibility

RULE = Plausibility(bones=((0, 1), (1, 2)), lengths=(0.5, 0.1))


def person(seed: int = 0, at: tuple[float, float, float] = (0.0, 0.0, 4.0)) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.8, 0.8, (16, 3)) + at


@pytest.mark.parametrize(
    ('first', 'second', 'plausible'),
    [
        (0.5, 0.1, True),
        (0.04, 0.1, False),  # a tenth and 30 cm too short
        (1.4, 0.1, True),  # long, but not three times
        (1.6, 0.1, False),
        (0.5, 0.35, True),  # more than three times, but within 30 cm
        (0.5, 0.45, False),
    ],
)
def test_bones_are_about_as_long_as_bones(first, second, plausible):
    pose = np.array([[0, 0, 4], [first, 0, 4], [first, second, 4]], dtype=float)
    assert RULE.has_plausible_bones(pose[None])[0] == plausible


def test_without_lengths_bones_are_not_looked_at():
    assert Plausibility().has_plausible_bones(np.zeros((2, 3, 3))).all()


@pytest.mark.parametrize(('steady', 'agreed'), [(16, True), (5, True), (4, False), (0, False)])
def test_views_agree_about_more_than_a_quarter_of_the_joints(steady, agreed):
    views = np.repeat(person(at=(0, 0, 40.0))[None], 5, axis=0)
    views[:, steady:] += np.random.default_rng(1).normal(scale=0.5, size=(5, 16 - steady, 3))
    assert RULE.views_agree(views[None])[0] == agreed


def test_views_may_differ_in_size():
    views = person() * np.linspace(0.8, 1.2, 5)[:, None, None]
    assert RULE.views_agree(views[None])[0]


@pytest.mark.parametrize(
    ('box', 'fits'),
    [
        (Box(0, 0, 100, 100), True),
        (Box(0, 0, 100, 199), True),  # a person cut off by the image's border
        (Box(0, 0, 100, 201), False),
        (Box(49, 0, 100, 100), True),
        (Box(51, 0, 100, 100), False),
        (Box(500, 0, 100, 100), False),
        (Box(30, 30, 10, 10), True),
    ],
)
def test_a_pose_covers_half_of_its_box(box, fits):
    corners = np.array([[0, 0], [100, 100], [50, 20]], dtype=float)
    assert RULE.fits_box(corners[None], [box])[0] == fits


def test_joints_where_no_lens_looks_do_not_cost_the_person():
    corners = np.array([[0, 0], [100, 100], [np.nan, np.nan]], dtype=float)
    nowhere = np.full_like(corners, np.nan)
    boxes = [Box(0, 0, 100, 100)] * 2
    assert RULE.fits_box(np.stack([corners, nowhere]), boxes).tolist() == [True, False]


def test_the_surest_of_equal_poses_stays():
    poses = np.stack([person(0), person(0) + 0.01, person(1, (2, 0, 5)), person(0)])
    scores = np.array([0.5, 0.9, 0.3, 0.8])
    assert RULE.distinct(poses, scores, np.ones(4, dtype=bool)) == [1, 2]
    assert RULE.distinct(poses, scores, np.array([True, False, True, False])) == [0, 2]


def test_a_pose_is_like_itself_and_its_larger_self():
    assert RULE.likeness(person(), person()) == pytest.approx(1)
    assert RULE.likeness(person(), 1.3 * person()) == pytest.approx(1)
    assert RULE.likeness(person(), person(at=(1, 0, 4))) == 0


def test_all_rules_count():
    poses = np.stack([person(k, (2 * k, 0, 6)) for k in range(3)])[:, None]
    pixels = np.tile([[0.0, 0.0], [100.0, 100.0]], (3, 1, 8, 1))
    boxes = [Box(0, 0, 90, 90, 0.5), Box(300, 0, 90, 90, 0.9), Box(0, 0, 90, 90, 0.7)]
    assert Plausibility().kept(boxes, poses, pixels) == [2, 0]
    assert Plausibility().kept([], poses[:0], pixels[:0]) == []
