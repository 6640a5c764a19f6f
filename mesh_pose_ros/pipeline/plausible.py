"""
Leave out poses that no person can have: most of them come from boxes around something else.

The rules and numbers are those of Sárándi et al.'s code of 2021 and 2023, in metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.people import Box

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Plausibility:
    """
    What a person has to look like.

    :param bones: pairs of joints, (B, 2)
    :param lengths: mean lengths of bones, (B,), metres; without any, bones are not looked at
    :param shortest, longest: shares of its mean that a bone may have
    :param bone_error: a bone this near to its mean is all right whatever the share, metres
    :param view_stddev: a joint whose views differ by less is one that views agree about, metres
    :param box_share: of a box that its pose's own box has to cover
    :param near: joints of two poses further apart than this have nothing in common, metres
    :param overlap: poses that have more in common are the same person's
    :param most: people in an image
    """

    bones: tuple[tuple[int, int], ...] = ()
    lengths: tuple[float, ...] = ()
    shortest: float = 0.1
    longest: float = 3.0
    bone_error: float = 0.3
    view_stddev: float = 0.2
    box_share: float = 0.5
    near: float = 0.3
    overlap: float = 0.4
    most: int = 150

    def kept(self, boxes: Sequence[Box], poses3d: Array, poses2d: Array) -> list[int]:
        """
        Choose people of one image, the surest first.

        :param boxes: (N,)
        :param poses3d: in all views, (N, A, J, 3), optical frame, metres
        :param poses2d: the same, (N, A, J, 2), pixels
        :return: places of the people kept
        """
        if not len(boxes):
            return []
        mean3d, mean2d = poses3d.mean(axis=1), poses2d.mean(axis=1)
        likely = self.has_plausible_bones(mean3d) & self.views_agree(poses3d)
        likely &= self.fits_box(mean2d, boxes)
        return self.distinct(mean3d, np.array([box.score for box in boxes]), likely)

    def has_plausible_bones(self, poses: Array) -> NDArray[np.bool_]:
        """Whether no bone of (N, J, 3) is far too short or long, (N,)."""
        if not self.lengths:
            return np.ones(len(poses), dtype=bool)
        first, second = np.asarray(self.bones).T
        found = np.linalg.norm(poses[:, first] - poses[:, second], axis=-1)
        share, away = found / self.lengths, np.abs(found - self.lengths)
        odd = ((share < self.shortest) | (share > self.longest)) & (away > self.bone_error)
        return np.asarray(~odd.any(axis=-1))

    def views_agree(self, poses: Array) -> NDArray[np.bool_]:
        """Whether views (N, A, J, 3) agree about more than a quarter of the joints, (N,)."""
        square = np.square(poses).mean(axis=(-2, -1), keepdims=True)
        alike = poses * np.sqrt(square.mean(axis=1, keepdims=True) / square)
        deviation = np.sqrt(alike.var(axis=1).sum(axis=-1))  # (N, J)
        count = np.count_nonzero(deviation < self.view_stddev, axis=-1)
        return np.asarray(count > poses.shape[2] // 4)

    def fits_box(self, poses2d: Array, boxes: Sequence[Box]) -> NDArray[np.bool_]:
        """Whether the box around the joints (N, J, 2) covers enough of the detected, (N,)."""
        corner = np.array([(box.x, box.y) for box in boxes])
        size = np.array([(box.width, box.height) for box in boxes])
        known = np.isfinite(poses2d)  # others are where no lens looks
        low = np.maximum(corner, np.where(known, poses2d, np.inf).min(axis=1))
        high = np.minimum(corner + size, np.where(known, poses2d, -np.inf).max(axis=1))
        shared = np.clip(high - low, 0, None).prod(axis=-1)
        return np.asarray(shared > self.box_share * size.prod(axis=-1))

    def distinct(self, poses: Array, scores: Array, likely: NDArray[np.bool_]) -> list[int]:
        """
        Keep one pose of each person, the surest first.

        :param poses: (N, J, 3)
        :param scores: (N,)
        :param likely: poses that may be kept at all, (N,)
        """
        kept: list[int] = []
        for place in np.argsort(-scores, kind='stable'):
            if not likely[place] or len(kept) == self.most:
                continue
            if all(self.likeness(poses[place], poses[other]) <= self.overlap for other in kept):
                kept.append(int(place))
        return kept

    def likeness(self, first: Array, second: Array) -> float:
        """
        How much two poses (J, 3) have in common, 0 to 1, after giving them one size.

        By the quarter of the joints that are furthest apart, as in the authors' code.
        """
        squares = np.square(first).mean(), np.square(second).mean()
        middle = sum(squares) / 2
        one, other = first * np.sqrt(middle / squares[0]), second * np.sqrt(middle / squares[1])
        distances = np.sort(np.linalg.norm(one - other, axis=-1))[::-1]
        furthest = distances[: max(len(distances) // 4, 1)]
        return float(np.maximum(1 - furthest / self.near, 0).mean())
