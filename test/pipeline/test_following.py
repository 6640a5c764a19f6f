"""Who was seen lately is looked for where they were, unless a detection is of them."""

from dataclasses import replace

import numpy as np
import pytest
from toy_people import camera_with, seen_by

from mesh_pose_ros.people import Box, Region
from mesh_pose_ros.pipeline.following import missed
from mesh_pose_ros.pipeline.tracking import Tracker, TrackingOptions

CAMERA = camera_with('pinhole')
HERE = Region((100.0, 120.0), 80.0)
SURE = TrackingOptions(min_hits=1, max_age_s=1.0)


def somebody(region):
    person = seen_by(CAMERA, np.array([0.0, 0, 4]))
    return person.with_(box=replace(person.box, region=region))


def boxes_at(*centres):
    return [Box(0, 0, 10, 10, 0.9, Region(centre, 80.0)) for centre in centres]


@pytest.fixture
def tracker():
    tracker = Tracker()
    tracker.update([somebody(HERE)], 0.0, SURE)
    return tracker


def test_a_missed_person_is_looked_for_where_the_network_said(tracker):
    (box,) = missed(tracker.tracks, [])
    assert box.region == HERE


@pytest.mark.parametrize(
    ('centres', 'expected'),
    [
        ([(100.0, 120.0)], 0),  # found again
        ([(115.0, 130.0)], 0),  # moved a little
        ([(250.0, 120.0)], 1),  # somebody else
        ([(250.0, 120.0), (101.0, 120.0)], 0),
    ],
)
def test_a_detection_of_the_person_is_enough(tracker, centres, expected):
    assert len(missed(tracker.tracks, boxes_at(*centres))) == expected


@pytest.mark.parametrize(('x', 'expected'), [(70.0, 0), (250.0, 1)])
def test_a_detector_that_names_no_region_finds_people_too(tracker, x, expected):
    assert len(missed(tracker.tracks, [Box(x, 88, 40, 64, 0.9)])) == expected


def test_somebody_hidden_is_looked_for_until_forgotten(tracker):
    tracker.update([], 0.5, SURE)
    assert len(missed(tracker.tracks, [])) == 1
    tracker.update([], 1.5, SURE)
    assert missed(tracker.tracks, []) == []


def test_nobody_is_looked_for_on_first_sight():
    tracker = Tracker()
    tracker.update([somebody(HERE)], 0.0, TrackingOptions(min_hits=3))
    assert missed(tracker.tracks, []) == []


def test_networks_that_name_no_region_leave_it_to_the_detector():
    tracker = Tracker()
    tracker.update([somebody(None)], 0.0, SURE)
    assert missed(tracker.tracks, []) == []
