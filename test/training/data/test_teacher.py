"""A teacher is believed where it may be, and never against what is marked."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from training.data.crops import PhotoCrops, PhotoMix, PhotoPeople  # noqa: E402
from training.data.joint_sets import BODY30  # noqa: E402
from training.data.teacher import Lesson, taught  # noqa: E402
from training.data.views import Wander  # noqa: E402

NOSE = BODY30.index('nose')


class Knowing:
    """Says the marked joints, off by some pixels, and a nose; or with sides interchanged."""

    def __init__(self, people, off=2.0, crossed=False, confidence=0.9):
        self._people = people
        self._off, self._crossed, self._confidence = off, crossed, confidence
        self._row = -1

    def lesson(self, square, box):
        self._row += 1
        joints = self._people.joints[0] + self._off
        joints[NOSE] = 77
        points = np.random.default_rng(0).normal(size=(30, 3))
        order = BODY30.mirror if self._crossed else slice(None)
        return Lesson(joints[order], points[order], np.full(30, self._confidence))


@pytest.fixture
def people(photos):
    return PhotoPeople.read(photos)


def test_marked_joints_stay_and_others_are_filled_in(people):
    wiser = taught(people, Knowing(people))
    np.testing.assert_array_equal(wiser.joints[people.seen], people.joints[people.seen])
    assert (wiser.trust[people.seen] == 1).all()
    assert wiser.joints[0, NOSE, 0] == 77
    assert 0 < wiser.trust[0, NOSE] < 1
    assert (wiser.trust3d > 0).all()


def test_who_disagrees_with_the_marks_is_not_believed(people):
    wiser = taught(people, Knowing(people, off=80))
    np.testing.assert_array_equal(wiser.trust, people.seen)
    assert not wiser.trust3d.any()


def test_a_trunk_that_is_not_marked_does_not_excuse_a_teacher(people):
    seen = people.seen.copy()
    seen[:, [BODY30.index('left_hip'), BODY30.index('right_hip')]] = False
    marked = np.where(seen[..., None], people.joints, 0)
    hipless = replace(people, seen=seen, joints=marked, trust=seen.astype(np.float32))
    assert taught(hipless, Knowing(people, off=4)).trust3d.all()
    # 17 pixels each way are more than a fifth of a trunk, and less than one of the way to (0, 0)
    assert not taught(hipless, Knowing(people, off=17)).trust3d.any()


def test_sides_that_a_teacher_sees_crossed_are_not_relied_on(people):
    wiser = taught(people, Knowing(people, crossed=True))
    assert people.reliable.any()
    assert not wiser.reliable[people.seen.sum(1) > 8].any()


def test_lessons_are_kept_apart_from_pictures(people, photos, tmp_path):
    wiser = taught(people, Knowing(people))
    wiser.save_lessons(tmp_path / 'lessons.npz')
    again = PhotoPeople.read(photos, lessons=tmp_path / 'lessons.npz')
    np.testing.assert_allclose(again.joints3d, wiser.joints3d, atol=2e-3)
    np.testing.assert_array_equal(again.joints[again.seen], wiser.joints[wiser.seen])


def test_a_taught_pose_rolls_with_the_picture(people, draw):
    wiser = taught(people, Knowing(people))
    mix = PhotoMix(Wander(cut=(0, 0, 0, 0), roll=0.8), mirrored=0)
    batch = PhotoCrops(wiser, 64, mix).batch(8, draw)
    flat = PhotoCrops(wiser, 64).all()
    pair = [BODY30.index('left_wrist'), BODY30.index('right_wrist')]
    for i in range(8):
        same = flat.source == batch.source[i]
        turns = []
        for one in (flat.joints2d[same][0], batch.joints2d[i]), (
            flat.joints3d[same][0], batch.joints3d[i],
        ):  # fmt: skip
            before, after = ((joints[pair[1]] - joints[pair[0]])[:2] for joints in one)
            turns.append(torch.atan2(after[1], after[0]) - torch.atan2(before[1], before[0]))
        assert torch.cos(turns[0] - turns[1]) > 0.999
