"""People keep their numbers, and nobody gets somebody else's."""

from dataclasses import replace

import numpy as np
import pytest
from toy_people import camera_with, seen_by

from mesh_pose_ros.people import TrackState
from mesh_pose_ros.pipeline.tracking import Tracker, TrackingOptions
from mesh_pose_ros.skeletons import Skeleton

CAMERA = camera_with('pinhole')
FRAME = 1 / 15


def at(*roots):
    return [seen_by(CAMERA, np.array(root, float)) for root in roots]


def ids(people):
    return [person.track_id for person in people]


def walk(tracker, paths, frames, start=0.0, **options):
    """Paths are functions of time to a root, None where unseen; gives ids per frame."""
    seen = []
    for i in range(frames):
        stamp = start + i * FRAME
        roots = [root for path in paths if (root := path(i * FRAME)) is not None]
        seen.append(tracker.update(at(*roots), stamp, TrackingOptions(**options)))
    return seen


def test_people_keep_their_numbers_while_walking():
    paths = [lambda t: (-1 + t, 0, 4), lambda t: (1 - 0.5 * t, 0, 5)]
    seen = walk(Tracker(), paths, 20)
    assert {tuple(ids(people)) for people in seen} == {(1, 2)}


def test_the_order_of_the_people_does_not_matter():
    tracker = Tracker()
    tracker.update(at((-1, 0, 4), (1, 0, 4)), 0.0)
    assert ids(tracker.update(at((1, 0, 4), (-1, 0, 4)), FRAME)) == [2, 1]


def test_people_who_cross_keep_their_numbers():
    # one walks behind the other; in the image they meet in the middle
    paths = [lambda t: (-1 + t, 0, 3.5), lambda t: (1.2 - t, 0, 5)]
    seen = walk(Tracker(), paths, 35)
    assert {tuple(ids(people)) for people in seen} == {(1, 2)}


def test_a_track_becomes_certain_after_some_images():
    seen = walk(Tracker(), [lambda t: (0, 0, 4)], 4, min_hits=3)
    states = [people[0].state for people in seen]
    assert states == [TrackState.TENTATIVE] * 2 + [TrackState.TRACKED] * 2
    assert [people[0].age for people in seen] == pytest.approx(np.arange(4) * FRAME)


def test_somebody_hidden_for_a_while_is_known_again():
    tracker = Tracker()
    hidden = lambda t: None if 0.5 < t < 1.2 else (-0.5 + 0.5 * t, 0, 4)  # noqa: E731
    seen = walk(tracker, [hidden], 30)
    assert {i for people in seen for i in ids(people)} == {1}
    assert seen[-1][0].state == TrackState.TRACKED


def test_the_unseen_are_occluded_then_lost_then_gone():
    tracker, options = Tracker(), TrackingOptions(max_age_s=0.5, min_hits=1)
    tracker.update(at((0, 0, 4)), 0.0, options)
    states = []
    for stamp in (0.2, 0.5, 0.6, 0.7):
        assert tracker.update([], stamp, options) == []
        states.append([track.state for track in tracker.tracks])
    assert states == [[TrackState.OCCLUDED], [TrackState.OCCLUDED], [TrackState.LOST], []]


def test_a_false_alarm_is_forgotten_at_once():
    tracker = Tracker()
    tracker.update(at((0, 0, 4)), 0.0)
    tracker.update([], FRAME)
    tracker.update([], 2 * FRAME)
    assert tracker.tracks == ()


def test_a_number_is_never_given_twice():
    tracker, taken = Tracker(), set()
    for i in range(5):
        (person,) = tracker.update(at((0, 0, 4)), 10.0 * i)
        assert person.track_id not in taken
        taken.add(person.track_id)
        if i == 2:
            tracker.reset()


def test_time_that_goes_back_starts_anew():
    tracker = Tracker()
    walk(tracker, [lambda t: (0, 0, 4)], 5, start=100.0)
    (person,) = tracker.update(at((0, 0, 4)), 3.0)
    assert person.track_id == 2
    assert person.state == TrackState.TENTATIVE
    assert person.age == 0.0


def test_images_out_of_order_do_not_end_tracks():
    tracker = Tracker()
    walk(tracker, [lambda t: (0, 0, 4)], 5, start=100.0)
    late, next_one = (tracker.update(at((0, 0, 4)), stamp)[0] for stamp in (100.0, 100.5))
    assert (late.track_id, next_one.track_id) == (1, 1)
    assert late.state == next_one.state == TrackState.TRACKED
    assert late.age > 0
    assert next_one.age == pytest.approx(0.5)


def test_somebody_elsewhere_is_somebody_else():
    tracker = Tracker()
    tracker.update(at((-1.5, 0, 4)), 0.0)
    assert ids(tracker.update(at((1.5, 0, 4)), FRAME)) == [2]


def test_a_runner_in_few_images_is_known_by_the_place():
    # at 5 Hz the boxes no longer overlap enough
    tracker, options = Tracker(), TrackingOptions(iou=0.6)
    found = [
        ids(tracker.update(at((-1.5 + 0.3 * i, 0, 3)), 0.2 * i, options))[0] for i in range(9)
    ]
    assert set(found) == {1}


def test_velocity_follows_the_walk():
    seen = walk(Tracker(), [lambda t: (-1 + 1.2 * t, 0, 4 + 0.5 * t)], 25)
    np.testing.assert_allclose(seen[0][0].velocity, 0)
    np.testing.assert_allclose(seen[-1][0].velocity, (1.2, 0, 0.5), atol=0.05)


def test_switched_off_people_are_numbered_in_each_image():
    tracker, options = Tracker(), TrackingOptions(enabled=False)
    for count in (2, 1, 3):
        people = at(*[(x - 1.0, 0, 4) for x in range(count)])
        assert ids(tracker.update(people, 0.0, options)) == list(range(1, count + 1))


@pytest.mark.parametrize('enabled', [True, False])
def test_numbers_begin_where_somebody_elses_end(enabled):
    tracker, options = Tracker(), TrackingOptions(enabled=enabled, first_id=1001)
    assert ids(tracker.update(at((-1, 0, 4), (1, 0, 4)), 0.0, options)) == [1001, 1002]


def test_numbers_that_were_given_are_not_given_again_when_they_begin_lower():
    tracker = Tracker()
    tracker.update(at((0, 0, 4)), 0.0, TrackingOptions(first_id=1001))
    tracker.reset()
    assert ids(tracker.update(at((0, 0, 4)), 1.0)) == [1002]


def test_the_pelvis_is_between_the_hips():
    pose = at((1, 2, 5))[0].pose
    np.testing.assert_allclose(pose.pelvis, (1, 2, 5))
    headless, hipless = pose.joints3d.copy(), pose.joints3d.copy()
    headless[:5] = np.nan
    hipless[11] = np.nan
    np.testing.assert_allclose(replace(pose, joints3d=headless).pelvis, (1, 2, 5))
    assert np.isnan(replace(pose, joints3d=hipless).pelvis).all()
    face = Skeleton('face', pose.skeleton.names[:5], (-1, 0, 0, 0, 0))
    some = replace(pose, skeleton=face, joints3d=headless[3:8])
    np.testing.assert_allclose(some.pelvis, headless[5:8].mean(axis=0))


def test_the_same_images_give_the_same_tracks():
    paths = [lambda t: (-1 + t, 0, 4), lambda t: None if 0.4 < t < 1 else (1 - t, 0, 5)]
    first, second = (walk(Tracker(), paths, 25) for _ in range(2))
    assert [ids(people) for people in first] == [ids(people) for people in second]
