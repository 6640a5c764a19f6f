"""The order of equal keys is that of the sort which published graphs were made with."""

import numpy as np
import pytest
from parity import parity_case

from training.networks.introsort import introsort_order


@pytest.mark.parametrize('count', [5, 16, 17, 40, 200, 778, 1500, 6890])
def test_ties_come_in_the_published_order(count):
    case = parity_case('pose2mesh/hand_graphs.npz')
    np.testing.assert_array_equal(
        introsort_order(case[f'sort{count}_values']), case[f'sort{count}_order']
    )


@pytest.mark.parametrize('count', [0, 1, 2, 15, 16, 17, 18, 100, 1000])
def test_different_keys_have_but_one_order(count):
    values = np.random.default_rng(count).permutation(count)
    np.testing.assert_array_equal(introsort_order(values), np.argsort(values))


def killer(count):
    """Numbers that make the median of three a bad pivot each time (Musser 1997)."""
    half = count // 2
    values = np.zeros(count, int)
    for i in range(1, half + 1):
        if i % 2:
            values[i - 1], values[i] = i, half + i
        values[half + i - 1] = 2 * i
    return values


def test_the_heap_steps_in_where_quicksort_goes_too_deep(monkeypatch):
    from training.networks import introsort

    values = killer(4000)
    heaped = []
    sort = introsort._heap_sorted
    monkeypatch.setattr(
        introsort, '_heap_sorted', lambda keys, part: heaped.append(len(part)) or sort(keys, part)
    )
    np.testing.assert_array_equal(values[introsort_order(values)], np.sort(values))
    assert heaped
