"""One person found twice is one person; two who stand close are two."""

import numpy as np
from toy_people import camera_with, seen_by

from mesh_pose_ros.pipeline.duplicates import without_duplicates

CAMERA = camera_with('pinhole')


def at(x, score):
    return seen_by(CAMERA, np.array([x, 0, 4.0])).with_(score=score)


def test_the_more_certain_of_two_sights_stays():
    people = [at(1.0, 0.9), at(0.0, 0.6), at(0.02, 0.8)]
    assert [person.score for person in without_duplicates(people)] == [0.9, 0.8]


def test_people_side_by_side_stay():
    assert len(without_duplicates([at(0.0, 0.9), at(0.4, 0.8), at(0.8, 0.7)])) == 3


def test_nobody_stays_nobody():
    assert without_duplicates([]) == []
