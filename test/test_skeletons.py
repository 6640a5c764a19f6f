"""Joint sets name each joint once, and know left from right."""

from pathlib import Path

import numpy as np
import pytest

from mesh_pose_ros.geometry.body_model import BodyModel
from mesh_pose_ros.skeletons import (
    BETWEEN,
    BLAZEPOSE33,
    H36M17,
    MANO21,
    ROOT,
    SKELETONS,
    SMPL24,
    SMPLX55,
    SMPLX65,
    SMPLX137,
    Skeleton,
    guessing_mixer,
    joint_mixer,
)
from training.synthetic.key_poses import key_rotations

HAND = 20
OPEN_BODY = Path(__file__).parents[1] / 'models' / 'open_body.npz'
OFF = 0.05  # metres
TRUNK_OFF = 0.15  # the open body's spine is jointed lower than SMPL's
TRUNK = ('torso', 'spine1', 'spine2', 'spine3', 'left_collar', 'right_collar')
# pairs of the published order that swap sides, beside the hands
SWAPPED = (
    *((1, 2), (3, 4), (5, 6), (8, 9), (10, 11), (12, 13), (14, 17), (15, 18), (16, 19), (20, 21)),
    *((22, 23), (67, 68), (69, 78), (70, 77), (71, 76), (72, 75), (73, 74), (83, 87), (84, 86)),
    *((88, 97), (89, 96), (90, 95), (91, 94), (92, 99), (93, 98), (100, 106), (101, 105)),
    *((102, 104), (107, 111), (108, 110), (112, 116), (113, 115), (117, 119)),
    *((120 + i, 136 - i) for i in range(8)),
    *((25 + i, 45 + i) for i in range(HAND)),
)


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=list(SKELETONS))
def test_mirroring_twice_changes_nothing(skeleton):
    mirror = skeleton.mirror
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(skeleton)))


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=list(SKELETONS))
def test_every_joint_hangs_from_a_root(skeleton):
    for joint in range(len(skeleton)):
        steps = 0
        while joint != ROOT:
            joint, steps = skeleton.parents[joint], steps + 1
            assert steps <= len(skeleton), 'goes round in a circle'


def test_the_whole_body_swaps_sides_as_published():
    wanted = np.arange(137)
    for left, right in SWAPPED:
        wanted[left], wanted[right] = right, left
    np.testing.assert_array_equal(SMPLX137.mirror, wanted)


def test_places_and_bones_of_a_body_share_their_names():
    assert SMPLX65.names == SMPLX137.names[:65]
    assert SMPLX55.names[:22] == SMPL24.names[:22]
    fingers = {name for name in SMPLX55.names[25:]}
    assert fingers < set(SMPLX65.names)


@pytest.mark.parametrize(('side', 'start'), [('left', 25), ('right', 45)])
def test_the_whole_bodys_hands_are_manos(side, start):
    names = SMPLX137.names[start : start + HAND]
    assert names == tuple(f'{side}_{name}' for name in MANO21.names[1:])


def test_bones_of_smplx_have_the_parents_of_its_file():
    body = (ROOT, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 15, 15, 15)
    hands = [wrist if i % 3 == 0 else first + i - 1 for wrist, first in ((20, 25), (21, 40))
             for i in range(15)]  # fmt: skip
    assert SMPLX55.parents == (*body, *hands)


def test_joints_between_others_are_near_those_of_a_body():
    body = BodyModel.load(OPEN_BODY)
    posed = body.shaped().posed(key_rotations())
    true = dict(zip(SMPL24.names, posed.joints.swapaxes(0, 1), strict=True))
    for name in ('h36m17', 'lift27'):
        names = body.regressors[name].names
        true |= dict(zip(names, posed.points(name).swapaxes(0, 1), strict=True))
    seen = Skeleton('seen', body.regressors['lift27'].names, (ROOT,) * 27)
    joints = np.stack([true[name] for name in seen.names], axis=1)
    guesses = (guessing_mixer(seen, tuple(BETWEEN)) @ joints).swapaxes(0, 1)
    for name, guess in zip(BETWEEN, guesses, strict=True):
        error = np.linalg.norm(guess - true[name], axis=-1).mean()
        assert error < (TRUNK_OFF if name in TRUNK else OFF), (name, error)


@pytest.mark.parametrize('skeleton', [H36M17, SMPL24], ids=['h36m17', 'smpl24'])
def test_guesses_are_for_joints_that_a_network_lacks(skeleton):
    np.testing.assert_array_equal(guessing_mixer(skeleton, skeleton.names), np.eye(len(skeleton)))
    sums = guessing_mixer(BLAZEPOSE33, skeleton.names).sum(axis=1)
    np.testing.assert_allclose(sums, 1)
    lacking = np.flatnonzero(joint_mixer(BLAZEPOSE33, skeleton.names).sum(axis=1) == 0)
    assert {skeleton.names[joint] for joint in lacking} <= set(BETWEEN)
