"""Errors mean what their names say."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mesh_pose_ros.skeletons import COCO17
from training.metrics import (
    FALSE,
    IGNORED,
    aligned_error,
    angle_error,
    average_precision,
    matched_boxes,
    mean_error,
    near_joints,
    object_keypoint_similarity,
    swapped_joints,
    torso_lengths,
)


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(3, 20, 3))


def test_mean_error_is_in_millimetres(points):
    np.testing.assert_allclose(mean_error(points + np.array([0, 0.03, 0.04]), points), 50)


def test_aligned_error_forgives_place_turn_and_size(points):
    turn = Rotation.random(random_state=1).as_matrix()
    np.testing.assert_allclose(aligned_error(1.3 * points @ turn + 2, points), 0, atol=1e-9)
    assert (aligned_error(points * [-1, 1, 1], points) > 100).all()  # a mirror is no turn


def test_angle_error_is_the_angle():
    turns = Rotation.from_rotvec([[0.2, 0, 0], [0, -0.4, 0]]).as_matrix()[None]
    np.testing.assert_allclose(angle_error(turns, np.eye(3)), np.degrees(0.3))


PERSON, OTHER, CROWD = [0, 0, 10, 20], [100, 0, 110, 20], [200, 0, 300, 100]


def test_one_box_a_person_is_right_and_the_best_one_it_is():
    boxes = [PERSON, [0, 0, 10, 19], OTHER]
    found = matched_boxes(boxes, [0.5, 0.9, 0.7], [PERSON, OTHER], [])
    assert found.tolist() == [FALSE, 0, 1]


def test_boxes_in_a_crowd_are_forgiven():
    boxes = [[210, 10, 220, 40], [290, 90, 330, 150]]  # inside; mostly outside
    assert matched_boxes(boxes, [0.9, 0.8], [], [CROWD]).tolist() == [IGNORED, FALSE]


def test_no_boxes_match_nothing():
    assert matched_boxes([], [], [PERSON], []).shape == (0,)


@pytest.mark.parametrize(
    ('right', 'people', 'wanted'),
    [
        ([True, True], 2, 1.0),
        ([True, True], 4, 0.5),  # half of them never found
        ([True, False, True], 2, 0.5 + 0.5 * 2 / 3),
        ([False, True], 1, 0.5),
        ([], 3, 0.0),
    ],
)
def test_average_precision_of_small_cases(right, people, wanted):
    scores = np.linspace(1, 0.1, len(right))
    assert average_precision(scores, right, people) == pytest.approx(wanted)
    shuffled = np.random.default_rng(0).permutation(len(right))
    again = average_precision(scores[shuffled], np.array(right, bool)[shuffled], people)
    assert again == pytest.approx(wanted)


@pytest.fixture
def marked():
    joints = np.random.default_rng(3).uniform(0, 200, (4, 17, 2))
    return joints, np.ones((4, 17), bool)


def test_the_torso_is_measured_by_what_is_marked(marked):
    joints, seen = marked
    seen[1, COCO17.index('left_hip')] = False
    seen[2, COCO17.places_of(['left_hip', 'right_hip'])] = False
    lengths = torso_lengths(joints, seen)
    left, right = COCO17.places_of(['left_shoulder', 'right_hip'])
    assert lengths[1] == pytest.approx(np.linalg.norm(joints[1, left] - joints[1, right]))
    assert np.isnan(lengths[2])
    np.testing.assert_allclose(torso_lengths(3 * joints, seen), 3 * lengths)


def test_true_joints_are_near_and_alike(marked):
    joints, seen = marked
    assert near_joints(joints, joints, np.ones(4)).all()
    np.testing.assert_allclose(object_keypoint_similarity(joints, joints, seen, np.ones(4)), 1)
    far = object_keypoint_similarity(joints + 1e4, joints, seen, np.ones(4))
    np.testing.assert_allclose(far, 0, atol=1e-9)


def test_likeness_depends_on_size_not_on_scale(marked):
    joints, seen = marked
    moved, area = joints + 5, np.full(4, 3000.0)
    alike = object_keypoint_similarity(moved, joints, seen, area)
    np.testing.assert_allclose(
        object_keypoint_similarity(2 * moved, 2 * joints, seen, 4 * area), alike
    )
    assert (object_keypoint_similarity(moved, joints, seen, 2 * area) > alike).all()


def test_unmarked_joints_count_for_nothing(marked):
    joints, seen = marked
    seen[:, 8] = False
    wild = joints.copy()
    wild[:, 8] += 1e5
    np.testing.assert_allclose(object_keypoint_similarity(wild, joints, seen, np.ones(4)), 1)


def test_a_mirrored_person_has_all_sides_swapped(marked):
    joints, seen = marked
    swapped = swapped_joints(joints[:, COCO17.mirror], joints, seen, np.full(4, 1e-3))
    assert swapped[:, COCO17.index('nose')].sum() == 0
    assert swapped[:, 1:].all()
    assert not swapped_joints(joints, joints, seen, np.full(4, 1e-3)).any()
