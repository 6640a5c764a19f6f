"""
The order in which numpy sorted before it used vector instructions.

Equal keys come out of an unstable sort in an order that is the algorithm's own. The published
Pose2Mesh networks were trained on graphs that depend on that order, and numpy's has changed
since (1.25, 2.0) and differs between processors. This is the scalar introsort that numpy had in
2020: quicksort by the median of three, insertion sort for short ranges, heapsort where quicksort
goes too deep (Musser 1997).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHORT = 15  # ranges whose ends are no further apart are sorted by insertion

Keys = Sequence[Any]


def introsort_order(values: ArrayLike) -> NDArray[np.int64]:
    """
    Indices that sort values, with equal values in numpy 1.24's order on any machine.

    :param values: (N,), without NaN
    """
    keys = np.asarray(values).tolist()
    order = list(range(len(keys)))
    waiting = [(0, len(keys) - 1, 2 * (len(keys).bit_length() - 1))]
    while waiting:
        low, high, depth = waiting.pop()
        if depth < 0:
            order[low : high + 1] = _heap_sorted(keys, order[low : high + 1])
            continue
        while high - low > SHORT:
            middle = _partition(keys, order, low, high)
            depth -= 1
            # the larger side waits, the smaller goes on
            if middle - low < high - middle:
                waiting.append((middle + 1, high, depth))
                high = middle - 1
            else:
                waiting.append((low, middle - 1, depth))
                low = middle + 1
        _insertion_sort(keys, order, low, high)
    return np.array(order, dtype=np.int64)


def _partition(keys: Keys, order: list[int], low: int, high: int) -> int:
    """Put smaller keys before a pivot and larger ones behind it; return its place."""
    middle = low + ((high - low) >> 1)
    for left, right in ((low, middle), (middle, high), (low, middle)):
        if keys[order[right]] < keys[order[left]]:
            _swap(order, left, right)
    pivot = keys[order[middle]]
    i, j = low, high - 1
    _swap(order, middle, j)
    while True:
        i += 1
        while keys[order[i]] < pivot:
            i += 1
        j -= 1
        while pivot < keys[order[j]]:
            j -= 1
        if i >= j:
            break
        _swap(order, i, j)
    _swap(order, i, high - 1)
    return i


def _insertion_sort(keys: Keys, order: list[int], low: int, high: int) -> None:
    for i in range(low + 1, high + 1):
        moved, j = order[i], i
        while j > low and keys[moved] < keys[order[j - 1]]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = moved


def _heap_sorted(keys: Keys, part: list[int]) -> list[int]:
    heap = list(part)
    for top in range(len(heap) // 2 - 1, -1, -1):
        _sift_down(keys, heap, heap[top], top, len(heap))
    for last in range(len(heap) - 1, 0, -1):
        sinking, heap[last] = heap[last], heap[0]
        _sift_down(keys, heap, sinking, 0, last)
    return heap


def _sift_down(keys: Keys, heap: list[int], sinking: int, top: int, count: int) -> None:
    """Let an index sink from the top of a heap's first ``count`` places to where it belongs."""
    child = 2 * top + 1
    while child < count:
        if child + 1 < count and keys[heap[child]] < keys[heap[child + 1]]:
            child += 1
        if not keys[sinking] < keys[heap[child]]:
            break
        heap[top] = heap[child]
        top, child = child, 2 * child + 1
    heap[top] = sinking


def _swap(order: list[int], i: int, j: int) -> None:
    order[i], order[j] = order[j], order[i]
