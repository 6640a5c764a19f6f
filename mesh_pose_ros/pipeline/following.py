"""
Look for people where they were, when the detector misses them.

A detector sees the whole image at once and loses who is small, turned away or half hidden; the
crop network, shown the right place, still knows them. It said itself where to look next
(``region`` in a crop card), so a person is followed until it no longer believes in them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mesh_pose_ros.people import Box, Region, TrackState
from mesh_pose_ros.pipeline.crops import region_of
from mesh_pose_ros.pipeline.tracking import Track

NEAR = 0.35  # of the region's side; a detection closer than this is of the same person


def missed(tracks: Sequence[Track], found: Sequence[Box]) -> list[Box]:
    """
    Boxes of people who were seen lately and whom no detection is of.

    :param found: what the detector says of this image
    """
    regions = [region_of(box) for box in found]
    return [
        track.person.box
        for track in tracks
        if track.state in (TrackState.TRACKED, TrackState.OCCLUDED)
        and (region := track.person.box.region) is not None
        and not any(_same(region, other) for other in regions)
    ]


def _same(region: Region, other: Region) -> bool:
    gap = np.hypot(region.centre[0] - other.centre[0], region.centre[1] - other.centre[1])
    return bool(gap < NEAR * max(region.side, other.side))
