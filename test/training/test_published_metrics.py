"""Errors are those that the authors' own evaluations give."""

import numpy as np
import pytest
from parity import parity_case, stand_ins

from mesh_pose_ros.geometry.alignment import aligned
from training.published_metrics import (
    FINGERS,
    H36M14,
    SCAN_TO_CAMERA,
    WholeBodyParts,
    acceleration_errors,
    joint_errors,
    lixels_in_camera,
    mesh_errors,
    root_errors,
    root_in_camera,
    whole_body_errors,
)

CLOSE = 1e-3  # millimetres; the authors compute in float32 here and there
CLOSE_METRES = CLOSE / 1000


@pytest.fixture(scope='module')
def case():
    return parity_case('common/metrics_case.npz')


@pytest.fixture(scope='module')
def lixel_mesh(case):
    return lixels_in_camera(
        case['mesh_coord_img'],
        case['bb2img_trans'],
        case['focal'],
        case['princpt'],
        case['root_joint_depth_mm'] / 1000,
    )


@pytest.fixture(scope='module')
def h36m_joints(case, lixel_mesh):
    """Of all meshes, and those that were measured."""
    regressor = stand_ins().h36m_regressor()
    return {
        'lixel': regressor @ lixel_mesh,
        'param': regressor @ case['smpl_mesh'],
        'mesh': regressor @ case['smpl_mesh_target'],
        'measured': case['joint_cam_mm'] / 1000,
    }


@pytest.fixture(scope='module')
def smpl_regressor():
    return stand_ins().smpl()['J_regressor'].toarray()


@pytest.fixture(scope='module')
def parts():
    extras = stand_ins().smplx_extras()
    return WholeBodyParts(
        joints=stand_ins().smplx()['J_regressor'].astype(np.float32),
        body=extras['j14'],
        hands=np.stack([extras['left_hand'], extras['right_hand']]),
        face=extras['face'],
    )


def assert_published(found, case, prefix, suffix=''):
    for name, errors in found.items():
        key = f'{prefix}_{name}{suffix}'
        np.testing.assert_allclose(errors, case[key], atol=CLOSE, rtol=0, err_msg=key)


@pytest.mark.parametrize(('protocol', 'truth'), [('h36m', 'measured'), ('pw3d', 'mesh')])
@pytest.mark.parametrize('mesh', ['lixel', 'param'])
def test_i2l_meshnet_is_judged_as_published(case, h36m_joints, protocol, truth, mesh):
    found = joint_errors(h36m_joints[mesh], h36m_joints[truth])
    assert_published(found, case, f'i2l_{protocol}', f'_{mesh}')


@pytest.mark.parametrize(('protocol', 'truth'), [('h36m', 'measured'), ('pw3d', 'mesh')])
def test_pose2mesh_is_judged_as_published(case, h36m_joints, smpl_regressor, protocol, truth):
    joints = joint_errors(h36m_joints['param'], h36m_joints[truth])
    meshes = mesh_errors(case['smpl_mesh'], case['smpl_mesh_target'], smpl_regressor)
    assert_published(joints | meshes, case, f'p2m_{protocol}')


def test_lixels_come_to_lie_where_the_authors_put_them(case, lixel_mesh, smpl_regressor):
    every10 = lixel_mesh[:, ::10]
    np.testing.assert_allclose(
        every10, case['i2l_lixel_mesh_cam_m_every10'], atol=CLOSE_METRES, rtol=0
    )
    joints = smpl_regressor @ lixel_mesh
    np.testing.assert_allclose(joints, case['i2l_lixel_joint_cam_m'], atol=CLOSE_METRES, rtol=0)


@pytest.mark.parametrize('protocol', ['ehf', 'agora'])
def test_whole_bodies_are_judged_as_published(case, parts, protocol):
    truth = case['smplx_mesh_target'].astype(float)
    if protocol == 'ehf':
        truth = truth @ SCAN_TO_CAMERA.T
    found = whole_body_errors(case['smplx_mesh'], truth, parts)
    if protocol == 'agora':  # which has no joints of SMPL-X
        found = {name: errors for name, errors in found.items() if 'mpjpe' not in name}
    assert_published(found, case, protocol)
    assert len(found) == sum(key.startswith(protocol) for key in case)


def test_accelerations_are_judged_as_published(case):
    joints = [case[f'accel_{who}_mm'] / 1000 for who in ('pred', 'target')]
    found = acceleration_errors(*joints)
    np.testing.assert_allclose(found, case['accel_error_all'], atol=CLOSE, rtol=0)
    seen = acceleration_errors(*joints, case['accel_visible'])
    np.testing.assert_allclose(seen, case['accel_error_visible'], atol=CLOSE, rtol=0)


def test_rootnet_is_judged_as_published(case):
    place, depth = case['rootnet_pred'][:, :2], case['rootnet_pred'][:, 2] / 1000
    found = root_in_camera(place, case['rootnet_bbox'], case['focal'], case['princpt'], depth)
    np.testing.assert_allclose(1000 * found, case['rootnet_root_cam_mm'], atol=CLOSE, rtol=0)
    errors = root_errors(found, case['rootnet_target_mm'] / 1000)
    wanted = dict(zip(('mrpe', 'mrpe_x', 'mrpe_y', 'mrpe_z'), case['rootnet_mrpe_xyz']))
    assert errors == pytest.approx(wanted, abs=CLOSE)


def test_alignment_is_the_published_one():
    case = parity_case('common/preproc_case.npz')
    found = aligned(case['align_A'], case['align_B'])
    np.testing.assert_allclose(found, case['align_A2'], atol=1e-10, rtol=0)


@pytest.fixture
def some():
    rng = np.random.default_rng(5)
    return rng.normal(size=(2, 17, 3)), rng.normal(size=(2, 17, 3))


def test_joints_that_do_not_count_may_be_anywhere_but_the_root(some):
    found, truth = some
    moved = found.copy()
    moved[:, [7, 9]] += 5  # torso and nose
    for name, errors in joint_errors(found, truth).items():
        np.testing.assert_array_equal(joint_errors(moved, truth)[name], errors)
    moved[:, 0] += 5
    assert (joint_errors(moved, truth)['mpjpe'] > joint_errors(found, truth)['mpjpe']).all()
    assert len(H36M14) == 14


def test_where_a_person_stands_is_no_error(some):
    found, _ = some
    away = found + np.array([1, -2, 30])
    regressor = np.eye(17)[:3]
    for errors in (joint_errors(found, away), mesh_errors(found, away, regressor)):
        assert all(np.allclose(e, 0, atol=1e-9) for e in errors.values())


def test_a_steady_motion_is_no_acceleration(some):
    found, _ = some
    walk = found[:1] + np.arange(6)[:, None, None] * [0.1, 0, 0.2]
    np.testing.assert_allclose(acceleration_errors(walk, np.zeros_like(walk)), 0, atol=1e-9)
    jump = walk.copy()
    jump[3] += [0, 0.001, 0]
    np.testing.assert_allclose(acceleration_errors(jump, walk), [0, 1, 2, 1], atol=1e-9)
    seen = np.arange(6) != 3
    np.testing.assert_allclose(acceleration_errors(jump, walk, seen), [0], atol=1e-9)


def test_the_middle_cell_is_the_principal_ray_at_the_roots_depth():
    whole = np.array([[[2.5, 0, 0], [0, 2.5, 0]]])  # crop of a picture of 640 x 640
    found = lixels_in_camera(
        np.full((1, 1, 3), 32.0), whole, [[500, 500]], [[320, 320]], [4.0]
    )  # fmt: skip
    np.testing.assert_allclose(found, [[[0, 0, 4]]], atol=1e-12)
    root = root_in_camera([[32, 32]], [[0, 0, 640, 640]], [[500, 500]], [[320, 320]], [4.0])
    np.testing.assert_allclose(root, [[0, 0, 4]], atol=1e-12)


def test_both_hands_have_all_fingers():
    assert [len(set(hand)) for hand in FINGERS] == [15, 15]
    assert not set(FINGERS[0]) & set(FINGERS[1])
