"""
MuPoTS-3D: who is who, and how well everybody is placed (Mehta et al., 3DV 2018).

See `training.protocols`. Joints are those of MuPoTS' annotations, 17 with the pelvis at 14;
millimetres and pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.protocols import NEAR, NEAR_PIXELS, joint_worth

Array = NDArray[np.floating]

ROOT = 14
COUNTED = slice(0, 14)  # joints that PCK and AUC count
MATCHED = slice(1, 14)  # joints that tell who is who
# joint and its parent, parents first
BONES = (
    (15, 14), (1, 15), (0, 1), (16, 1), (2, 1), (3, 2), (4, 3), (5, 1),
    (6, 5), (7, 6), (8, 14), (9, 8), (10, 9), (11, 14), (12, 11), (13, 12),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Frame:
    """
    People of one image.

    :param truth2d, truth3d: of those annotated, (M, 17, 2) and (M, 17, 3)
    :param universal3d: the same, scaled to a common height, (M, 17, 3)
    :param found2d, found3d: of those found, (K, 17, 2) and (K, 17, 3)
    """

    truth2d: Array
    truth3d: Array
    universal3d: Array
    found2d: Array
    found3d: Array


@dataclass(frozen=True)
class Protocol:
    """
    A way to compare.

    :param universal: with the annotations scaled to a common height
    :param rooted: poses meet at the pelvis
    :param rescaled: found poses are given the bone lengths of the annotated
    """

    universal: bool = False
    rooted: bool = False
    rescaled: bool = False


@dataclass(frozen=True, eq=False)
class Scores:
    """
    Means over people for each sequence, (S,), in millimetres and percent.

    :param mpjpe14, mpjpe16, mpjpe17: mean errors of the counted joints, of all but the pelvis,
        of all
    :param pck, auc: of people matched
    :param pck_annotated, auc_annotated: people not found count as zero
    """

    mpjpe14: Array
    mpjpe16: Array
    mpjpe17: Array
    pck: Array
    auc: Array
    pck_annotated: Array
    auc_annotated: Array


@dataclass(frozen=True, eq=False)
class Matches:
    """
    People of all sequences that were found, and how many there were.

    :param found, truth, universal: (N, 17, 3), sequence after sequence
    :param matched, annotated: how many in each sequence, (S,)
    """

    found: Array
    truth: Array
    universal: Array
    matched: NDArray[np.int64] = field(repr=False)
    annotated: NDArray[np.int64] = field(repr=False)

    @property
    def recall(self) -> float:
        """Share of annotated people that were found."""
        return float(self.matched.sum() / self.annotated.sum())

    def scores(self, protocol: Protocol) -> Scores:
        """Compare as a protocol says."""
        truth = self.universal if protocol.universal else self.truth
        found = with_bones_of(self.found, truth) if protocol.rescaled else self.found
        away = found - truth
        if protocol.rooted:
            away = away - away[:, ROOT, None]
        error = np.linalg.norm(away, axis=-1)
        counted, share = error[:, COUNTED], self.matched / self.annotated
        pck = self._means(counted < NEAR) * 100
        auc = self._means(joint_worth(counted, NEAR)) * 100
        mean = self._means
        others = np.delete(error, ROOT, axis=1)
        return Scores(mean(counted), mean(others), mean(error), pck, auc, pck * share, auc * share)

    def _means(self, values: Array) -> Array:
        """Mean over joints and then over the people of each sequence, (S,)."""
        chunks = np.split(values.mean(axis=1), np.cumsum(self.matched[:-1]))
        return np.array([chunk.mean() for chunk in chunks])


def matches_in(sequences: Sequence[Iterable[Frame]]) -> Matches:
    """Match people in every frame of every sequence."""
    rows: list[tuple[Array, Array, Array]] = []
    matched, annotated = [], []
    for sequence in sequences:
        before, people = len(rows), 0
        for frame in sequence:
            rows += [
                (frame.found3d[ours], frame.truth3d[theirs], frame.universal3d[theirs])
                for theirs, ours in matched_people(frame.truth2d, frame.found2d)
            ]
            people += len(frame.truth2d)
        matched.append(len(rows) - before)
        annotated.append(people)
    found, truth, universal = (np.array(poses) for poses in zip(*rows, strict=True))
    return Matches(found, truth, universal, np.array(matched), np.array(annotated))


def matched_people(truth: Array, found: Array) -> list[tuple[int, int]]:
    """
    Pairs of annotated and found people by their joints in the image.

    In the order of annotation, each takes the person found with most joints within
    `NEAR_PIXELS` of its own along both axes, of those still free; at least one.

    :param truth, found: (M, 17, 2) and (K, 17, 2) pixels; zero is a joint not found
    """
    pairs: list[tuple[int, int]] = []
    free = list(range(len(found)))
    for place, pose in enumerate(truth):
        common = [_joints_in_common(pose[MATCHED], found[other][MATCHED]) for other in free]
        if common and max(common) > 0:
            best = free.pop(int(np.argmax(common)))
            pairs.append((place, best))
    return pairs


def with_bones_of(found: Array, truth: Array) -> Array:
    """Poses with their own bones' directions and others' bones' lengths, (N, 17, 3)."""
    moved = found.copy()
    for joint, parent in BONES:
        bone = found[:, joint] - found[:, parent]
        wanted = truth[:, joint] - truth[:, parent]
        lengths = (np.linalg.norm(b, axis=-1, keepdims=True) for b in (wanted, bone))
        moved[:, joint] = moved[:, parent] + bone * (next(lengths) / next(lengths))
    return moved


def _joints_in_common(truth: Array, found: Array) -> int:
    near = np.abs(truth - found).max(axis=-1) < NEAR_PIXELS
    return int(np.count_nonzero(near & (found != 0).any(axis=-1)))
