"""
One person found twice.

Two boxes that hardly overlap may lead the crop network to the same person. Then the joints
coincide, which those of two people never do, however close they stand.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mesh_pose_ros.people import Person

NEAR = 0.1  # mean distance of the joints as a part of the larger side of their extent


def without_duplicates(people: Sequence[Person]) -> list[Person]:
    """Keep the most certain of those who are the same person; order is kept."""
    kept: list[int] = []
    for i in sorted(range(len(people)), key=lambda i: -people[i].score):
        if not any(_same(people[i], people[k]) for k in kept):
            kept.append(i)
    return [people[i] for i in sorted(kept)]


def _same(first: Person, second: Person) -> bool:
    here, there = first.pose.joints2d, second.pose.joints2d
    size = max(np.ptp(here, axis=0).max(), np.ptp(there, axis=0).max())
    return bool(np.linalg.norm(here - there, axis=-1).mean() < NEAR * size)
