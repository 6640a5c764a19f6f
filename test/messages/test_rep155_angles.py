"""The angles of three hinges in a row give back the rotation that they were taken from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix
from mesh_pose_ros.messages.rep155_angles import (
    HIGH,
    LOW,
    head_angles,
    hip_angles,
    limb_frame,
    shoulder_angles,
    turn,
)

ANGLE = st.floats(-np.pi, np.pi)
EXACT = {'rtol': 0, 'atol': 1e-9}
rotations = arrays.arrays(float, 3, elements=ANGLE).map(axis_angle_to_matrix)
sides = st.sampled_from([1, -1])


def shoulder(side, yaw, pitch, roll):
    return turn(2, -side * yaw) @ turn(0, side * pitch) @ turn(2, side * roll)


def hip(side, yaw, pitch, roll):
    return turn(2, -yaw) @ turn(0, side * pitch) @ turn(1, -roll)


def head(roll, yaw, pitch):
    return turn(0, roll) @ turn(2, yaw) @ turn(1, -pitch)


@given(rotations, sides)
def test_every_rotation_comes_back(rotation, side):
    np.testing.assert_allclose(shoulder(side, *shoulder_angles(rotation, side)), rotation, **EXACT)
    np.testing.assert_allclose(hip(side, *hip_angles(rotation, side)), rotation, **EXACT)
    np.testing.assert_allclose(head(*head_angles(rotation)), rotation, **EXACT)


@given(ANGLE, ANGLE, ANGLE, sides)
def test_so_do_those_that_leave_an_angle_free(free, before, other, side):
    for pitch in (0.0, np.pi):  # an arm straight down or up
        rotation = shoulder(side, free, pitch, other)
        np.testing.assert_allclose(
            shoulder(side, *shoulder_angles(rotation, side, before)), rotation, **EXACT
        )
    for aside in (-np.pi / 2, np.pi / 2):
        rotation = hip(side, free, aside, other)
        np.testing.assert_allclose(
            hip(side, *hip_angles(rotation, side, before)), rotation, **EXACT
        )
        rotation = head(free, aside, other)
        np.testing.assert_allclose(head(*head_angles(rotation, before)), rotation, **EXACT)


@given(st.floats(-1.0, 1.5), sides)
def test_an_arm_that_hangs_keeps_the_yaw_it_had(before, side):
    assert shoulder_angles(np.eye(3), side, before) == pytest.approx((before, 0.0, before))


@given(
    st.floats(LOW[0], HIGH[0]), st.floats(0.01, 3.1) | st.floats(LOW[1], -0.01),
    st.floats(LOW[2], HIGH[2]), sides,
)  # fmt: skip
def test_what_a_shoulder_can_do_is_said_within_its_limits(yaw, pitch, roll, side):
    angles = np.array(shoulder_angles(shoulder(side, yaw, pitch, roll), side))
    assert (angles > LOW - 1e-9).all()
    assert (angles < HIGH + 1e-9).all()


AXES = np.array([[0, 0, -1], [1, 0, 0], [0, 1, 0]], float)  # down, forward, left


@pytest.mark.parametrize('bends', [1, -1])
@given(bend=st.floats(0.1, 2.5))
def test_a_hinge_lies_across_the_bend(bends, bend):
    lower = turn(1, -bends * bend) @ AXES[0]
    frame, angle = limb_frame(AXES[0], lower, AXES[1], bends)
    assert angle == pytest.approx(bends * bend)
    np.testing.assert_allclose(frame, np.eye(3), atol=1e-12)


@pytest.mark.parametrize('bends', [1, -1])
def test_a_strong_bend_beats_the_twist_and_a_straight_limb_follows_it(bends):
    lower = turn(0, 1.0) @ AXES[0]  # to the left
    frame, angle = limb_frame(AXES[0], lower, AXES[1], bends)
    assert bends * angle == pytest.approx(1.0, abs=1e-4)
    np.testing.assert_allclose(frame[:, 0], bends * AXES[2], atol=5e-3)
    frame, angle = limb_frame(AXES[0], AXES[0], AXES[2], bends)
    assert angle == pytest.approx(0.0)
    np.testing.assert_allclose(frame[:, 0], AXES[2], atol=1e-12)


@pytest.mark.parametrize('bends', [1, -1])
def test_a_knee_or_elbow_pressed_through_a_little_does_not_turn_round(bends):
    lower = turn(1, bends * 0.1) @ AXES[0]
    frame, angle = limb_frame(AXES[0], lower, AXES[1], bends)
    assert angle == pytest.approx(-bends * 0.1)
    np.testing.assert_allclose(frame, np.eye(3), atol=1e-12)


def test_a_limb_without_any_hint_of_its_twist_has_a_frame_too():
    frame, angle = limb_frame(AXES[1], AXES[1], AXES[1], 1)
    assert angle == pytest.approx(0.0)
    np.testing.assert_allclose(frame.T @ frame, np.eye(3), atol=1e-12)
