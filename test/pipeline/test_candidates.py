"""Guesses about one person become one box."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_pose_ros.pipeline.candidates import MERGERS, Candidates, overlaps, suppress


def of(*rows, regions=None):
    """Rows of x1 y1 x2 y2 score."""
    rows = np.array(rows, float).reshape(-1, 5)
    return Candidates(rows[:, :4], rows[:, 4], regions)


@pytest.mark.parametrize(
    ('first', 'second', 'expected'),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1.0),
        ((0, 0, 2, 2), (1, 0, 3, 2), 1 / 3),
        ((0, 0, 2, 2), (2, 0, 4, 2), 0.0),  # they touch
        ((0, 0, 2, 2), (5, 5, 6, 6), 0.0),
        ((0, 0, 0, 0), (0, 0, 0, 0), 0.0),  # no area
        ((2, 2, 0, 0), (0, 0, 2, 2), 0.0),  # inside out
    ],
)
def test_overlap_is_shared_area_over_both(first, second, expected):
    found = overlaps(np.array([first], float), np.array([second], float))
    np.testing.assert_allclose(found, [[expected]])


def test_best_first_and_no_nan():
    found = of((0, 0, 1, 1, 0.3), (1, 0, 1, 1, np.nan), (2, 0, 1, 1, 0.9), (3, 0, 1, 1, 0.5))
    np.testing.assert_array_equal(found.best(0.4).boxes[:, 0], [2, 3])
    np.testing.assert_array_equal(found.best(0.0, most=1).boxes[:, 0], [2])


def test_hard_keeps_the_best_of_each_person():
    found = of((0, 0, 10, 10, 0.9), (1, 0, 11, 10, 0.8), (50, 50, 60, 60, 0.7))
    np.testing.assert_array_equal(suppress(found, 0.3).scores, [0.9, 0.7])
    np.testing.assert_array_equal(suppress(found, 0.3).boxes[0], [0, 0, 10, 10])


def test_weighted_takes_the_mean_by_score_and_the_best_score():
    regions = np.array([[[5.0, 5.0], [5.0, 0.0]], [[9.0, 5.0], [9.0, 0.0]]])
    found = of((0, 0, 10, 10, 0.9), (2, 0, 12, 10, 0.3), regions=regions)
    merged = suppress(found, 0.3, 'weighted')
    np.testing.assert_allclose(merged.boxes, [[0.5, 0, 10.5, 10]])
    np.testing.assert_allclose(merged.regions, [[[6, 5], [6, 0]]])
    np.testing.assert_array_equal(merged.scores, [0.9])


@pytest.mark.parametrize('how', MERGERS)
@pytest.mark.parametrize('regions', [None, np.zeros((0, 2, 2))], ids=['plain', 'regions'])
def test_nobody_stays_nobody(how, regions):
    assert len(suppress(of(regions=regions), 0.3, how)) == 0


@given(
    st.lists(
        st.tuples(*[st.floats(0, 100)] * 2, *[st.floats(0, 50)] * 2, st.floats(0, 1)),
        max_size=30,
    ),
    st.floats(0.05, 0.95),
)
def test_those_kept_do_not_overlap_and_nobody_stands_alone_unkept(rows, overlap):
    found = of(*[(x, y, x + w, y + h, s) for x, y, w, h, s in rows]).best(0.0)
    kept = suppress(found, overlap)
    between = overlaps(kept.boxes, kept.boxes) - np.eye(len(kept))
    assert (between <= overlap + 1e-9).all()
    if len(found):
        covered = overlaps(found.boxes, kept.boxes) > overlap
        alone = (found.boxes[:, None] == kept.boxes).all(-1)
        assert (covered | alone).any(axis=1).all()
