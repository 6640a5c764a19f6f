"""Joint sets name each joint once, and know left from right."""

import numpy as np
import pytest

from mesh_pose_ros.skeletons import MANO21, ROOT, SKELETONS, SMPL24, SMPLX55, SMPLX65, SMPLX137

HAND = 20
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
