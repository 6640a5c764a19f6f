"""Forms of a rotation go into each other and back, at zero and at half a turn as well."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

from mesh_pose_ros.geometry import rotations as rot

coordinate = st.floats(-1, 1).map(lambda v: 0.0 if abs(v) < 1e-12 else v)
directions = (
    st.tuples(coordinate, coordinate, coordinate)
    .map(np.array)
    .filter(lambda v: np.linalg.norm(v) > 1e-3)
)
axes = directions.map(lambda v: v / np.linalg.norm(v))
angles = st.one_of(
    st.floats(0, np.pi),
    st.sampled_from([0.0, 1e-12, 1e-8, 1e-4, np.pi - 1e-4, np.pi - 1e-8, np.pi]),
)
axis_angles = st.builds(lambda axis, angle: axis * angle, axes, angles)
shares = st.floats(0, 1)
PARENTS = (-1, 0, 0, 1, 2, 3, 3)


@given(axis_angles)
@settings(max_examples=300)
def test_axis_angles_are_those_of_scipy(vector):
    oracle = Rotation.from_rotvec(vector)
    matrix = rot.axis_angle_to_matrix(vector)
    np.testing.assert_allclose(matrix, oracle.as_matrix(), atol=1e-12)
    quaternion = rot.axis_angle_to_quaternion_xyzw(vector)
    np.testing.assert_allclose(quaternion, oracle.as_quat(), atol=1e-12)
    np.testing.assert_allclose(rot.quaternion_xyzw_to_matrix(quaternion), matrix, atol=1e-12)


@given(axis_angles)
@settings(max_examples=300)
def test_there_and_back_is_the_same_rotation(vector):
    matrix = rot.axis_angle_to_matrix(vector)
    for form, back in (
        (rot.matrix_to_axis_angle, rot.axis_angle_to_matrix),
        (rot.matrix_to_quaternion_xyzw, rot.quaternion_xyzw_to_matrix),
        (rot.matrix_to_sixd, rot.sixd_to_matrix),
    ):
        np.testing.assert_allclose(back(form(matrix)), matrix, atol=1e-9)


@given(axes, st.one_of(st.floats(0, np.pi - 1e-6), st.sampled_from([0.0, 1e-9])))
def test_an_axis_angle_below_half_a_turn_comes_back_itself(axis, angle):
    vector = axis * angle
    back = rot.matrix_to_axis_angle(rot.axis_angle_to_matrix(vector))
    np.testing.assert_allclose(back, vector, atol=1e-8)


@given(axis_angles)
def test_a_quaternion_and_its_negative_are_one_rotation(vector):
    quaternion = rot.axis_angle_to_quaternion_xyzw(vector)
    np.testing.assert_allclose(
        rot.quaternion_xyzw_to_matrix(-3 * quaternion),
        rot.quaternion_xyzw_to_matrix(quaternion),
        atol=1e-12,
    )
    assert np.linalg.norm(rot.quaternion_xyzw_to_axis_angle(-quaternion)) <= np.pi + 1e-12


@given(st.lists(st.floats(-2, 2), min_size=6, max_size=6).map(np.array))
def test_any_six_numbers_make_a_rotation(sixd):
    if np.linalg.norm(np.cross(sixd[:3], sixd[3:])) < 1e-3:
        return
    matrix = rot.sixd_to_matrix(sixd)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(matrix) == pytest.approx(1)


@given(directions, directions)
@example(np.array([0, 1.0, 0]), np.array([0, -2.0, 0]))
@example(np.array([1.0, 2, 3]), np.array([-1.0, -2, -3 + 1e-9]))
@settings(max_examples=300)
def test_the_minimal_rotation_reaches_its_target_and_no_more(source, target):
    matrix = rot.minimal_rotation(source, target)
    unit = source / np.linalg.norm(source), target / np.linalg.norm(target)
    np.testing.assert_allclose(matrix @ unit[0], unit[1], atol=1e-7)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(matrix) == pytest.approx(1)
    between = np.arctan2(np.linalg.norm(np.cross(*unit)), unit[0] @ unit[1])
    assert rot.angle_of(matrix) == pytest.approx(between, abs=1e-6)


@given(axis_angles, axis_angles, shares)
@settings(max_examples=200)
def test_slerp_turns_at_constant_speed(first, second, share):
    start, end = map(rot.axis_angle_to_quaternion_xyzw, (first, second))
    whole = rot.angle_of(
        rot.quaternion_xyzw_to_matrix(start).T @ rot.quaternion_xyzw_to_matrix(end)
    )
    if whole > np.pi - 1e-3:
        return  # both ways round are the shortest
    oracle = Slerp([0, 1], Rotation.from_quat([start, end]))(share).as_matrix()
    found = rot.quaternion_xyzw_to_matrix(rot.slerp(start, end, share))
    np.testing.assert_allclose(found, oracle, atol=1e-7)


def test_slerp_of_a_batch_takes_a_share_each():
    start, end = (rot.axis_angle_to_quaternion_xyzw(random(5)) for _ in range(2))
    found = rot.slerp(start, end, [0, 0.25, 0.5, 0.75, 1])
    assert found.shape == (5, 4)
    np.testing.assert_allclose(found[0], start[0])
    np.testing.assert_allclose(np.abs(found[4] @ end[4]), 1)


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(*shape, 3))


def test_batches_like_it_loops():
    vectors = random(4, 5)
    matrices = rot.axis_angle_to_matrix(vectors)
    assert matrices.shape == (4, 5, 3, 3)
    loop = [[rot.axis_angle_to_matrix(v) for v in row] for row in vectors]
    np.testing.assert_allclose(matrices, loop)
    loop = [[rot.matrix_to_quaternion_xyzw(m) for m in row] for row in matrices]
    np.testing.assert_allclose(rot.matrix_to_quaternion_xyzw(matrices), loop)
    ahead = rot.minimal_rotation(vectors, [0.0, 0.0, 1.0])
    assert ahead.shape == (4, 5, 3, 3)
    assert rot.matrix_to_axis_angle(matrices[:0]).shape == (0, 5, 3)


def test_chained_rotations_come_apart_again():
    relative = rot.axis_angle_to_matrix(random(3, 7))
    chained = rot.relative_to_global(relative, PARENTS)
    np.testing.assert_allclose(
        chained[1, 5], relative[1, 0] @ relative[1, 1] @ relative[1, 3] @ relative[1, 5]
    )
    np.testing.assert_allclose(rot.global_to_relative(chained, PARENTS), relative, atol=1e-12)


def test_a_tree_need_not_list_parents_first():
    relative = rot.axis_angle_to_matrix(random(3))
    chained = rot.relative_to_global(relative, (2, 0, -1))
    np.testing.assert_allclose(chained[1], relative[2] @ relative[0] @ relative[1])


def test_single_precision_stays_single():
    relative = rot.axis_angle_to_matrix(random(7)).astype(np.float32)
    assert rot.relative_to_global(relative, PARENTS).dtype == np.float32
    assert rot.global_to_relative(relative, PARENTS).dtype == np.float32


def test_refuses_a_ring_of_parents():
    with pytest.raises(ValueError, match='ring'):
        rot.relative_to_global(np.eye(3)[None].repeat(3, 0), (1, 2, 0))
