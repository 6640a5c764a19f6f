"""
Many guesses about few people, and how guesses about one person become one.

A detector answers with thousands of scored boxes. `suppress` keeps one per person: either the
best (*hard*), or the mean of all that overlap the best, by their scores (*weighted*, as
BlazePose's detector wants it: its single guesses jitter).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

MOST = 300  # guesses that are compared; overlaps of all pairs grow with the square


@dataclass(frozen=True, eq=False)
class Candidates:
    """
    Guesses of a detector.

    :param boxes: x1 y1 x2 y2, (A, 4)
    :param scores: 0 to 1, (A,)
    :param regions: centre and a point on the circle round the body, head side, (A, 2, 2)
    """

    boxes: Array
    scores: Array
    regions: Array | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, chosen: NDArray[np.generic]) -> Candidates:
        regions = None if self.regions is None else self.regions[chosen]
        return Candidates(self.boxes[chosen], self.scores[chosen], regions)

    def best(self, least: float, most: int = MOST) -> Candidates:
        """Those that score at least ``least``, the best ``most`` of them, best first."""
        good = np.flatnonzero(self.scores >= least)  # NaN compares false: dropped
        return self[good[np.argsort(-self.scores[good], kind='stable')[:most]]]


def overlaps(first: Array, second: Array) -> Array:
    """
    Intersection over union of all pairs of boxes.

    :param first, second: x1 y1 x2 y2, (A, 4) and (B, 4)
    :return: (A, B), 0 where a box has no area
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = _area(high - low)
    union = _area(first[:, 2:] - first[:, :2])[:, None] + _area(second[:, 2:] - second[:, :2])
    return shared / np.maximum(union - shared, 1e-9)


def _area(sides: Array) -> Array:
    sides = np.maximum(sides, 0)
    return sides[..., 0] * sides[..., 1]


def suppress(candidates: Candidates, overlap: float, how: str = 'hard') -> Candidates:
    """
    Keep one guess per person.

    :param candidates: best first, see `Candidates.best`
    :param overlap: guesses whose intersection over union is larger mean the same person
    :param how: a key of `MERGERS`
    """
    same = overlaps(candidates.boxes, candidates.boxes) > overlap
    np.fill_diagonal(same, True)  # a box without area, too
    left = np.ones(len(candidates), bool)
    kept = []
    while left.any():
        best = int(np.argmax(left))
        group = np.flatnonzero(left & same[best])
        kept.append(MERGERS[how](candidates, group))
        left[group] = False
    return _joined(kept) if kept else candidates


def _first(candidates: Candidates, group: NDArray[np.int64]) -> Candidates:
    return candidates[group[:1]]


def _mean(candidates: Candidates, group: NDArray[np.int64]) -> Candidates:
    """The mean by score; the score itself stays the best one's, as in MediaPipe."""
    found = candidates[group]
    weights = found.scores / max(found.scores.sum(), 1e-9)
    regions = found.regions
    return Candidates(
        np.tensordot(weights, found.boxes, 1)[None],
        found.scores[:1],
        None if regions is None else np.tensordot(weights, regions, 1)[None],
    )


MERGERS = {'hard': _first, 'weighted': _mean}


def _joined(parts: list[Candidates]) -> Candidates:
    regions = [part.regions for part in parts if part.regions is not None]
    return Candidates(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate(regions) if regions else None,
    )
