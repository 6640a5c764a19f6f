"""Drawn poses are rotations, repeatable, varied, and bend the way people do."""

import numpy as np
import pytest
import torch

from mesh_pose_ros.skeletons import SMPL24
from training.synthetic.key_poses import KEY_POSES, key_rotations
from training.synthetic.pose_bank import PoseBank
from training.synthetic.poses import (
    OVERSTRETCH,
    PoseSampler,
    mirrored,
    rotation_from_vector,
    to_global,
    within_limits,
)


@pytest.fixture(scope='module')
def poses():
    return PoseSampler().sample(400, torch.Generator().manual_seed(3))


def joints_of(layer, poses):
    joints = layer.joints(to_global(poses), torch.zeros(len(poses), layer.shape_count))[0]
    return {name: joints[:, i].numpy() for i, name in enumerate(SMPL24.names)}


def key_joints(layer, name):
    pose = torch.from_numpy(key_rotations())[[list(KEY_POSES).index(name)]]
    return {joint: place[0] for joint, place in joints_of(layer, pose).items()}


def test_are_rotations(poses):
    product = poses @ poses.transpose(-1, -2)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-4)
    assert torch.linalg.det(poses).min() > 0.99


def test_repeat_with_the_generator():
    first, second = (PoseSampler().sample(5, torch.Generator().manual_seed(1)) for _ in 'ab')
    assert torch.equal(first, second)


def test_vary_from_standing_to_lying(layer, poses):
    at = joints_of(layer, poses)
    upright = at['head'][:, 1] - at['pelvis'][:, 1]
    feet = at['left_ankle'][:, 1] - at['pelvis'][:, 1]
    assert upright.max() > 0.6 > 0.1 > upright.min()
    assert feet.min() < -0.75
    assert (np.abs(feet) < 0.35).mean() > 0.15  # sitting, squatting, lying


def test_mirror_twice_is_nothing(poses):
    np.testing.assert_allclose(mirrored(mirrored(poses)), poses, atol=1e-6)


def test_mirror_swaps_the_sides_in_space(layer, poses):
    plain, swapped = joints_of(layer, poses), joints_of(layer, mirrored(poses))
    np.testing.assert_allclose(swapped['left_wrist'], plain['right_wrist'] * [-1, 1, 1], atol=2e-4)


def test_knees_and_elbows_do_not_bend_backwards(layer):
    backwards = torch.zeros(1, 24, 3)
    for name, vector in {
        'left_knee': (-0.8, 0, 0), 'right_knee': (-0.8, 0, 0),
        'left_elbow': (0, 0.8, 0), 'right_elbow': (0, -0.8, 0),
    }.items():  # fmt: skip
        backwards[0, SMPL24.index(name)] = torch.tensor(vector)
    at = joints_of(layer, within_limits(rotation_from_vector(backwards)))
    reach = np.sin(OVERSTRETCH) * 0.5
    for side in ('left', 'right'):
        assert at[f'{side}_ankle'][0, 2] - at[f'{side}_knee'][0, 2] < reach
        assert at[f'{side}_wrist'][0, 2] - at[f'{side}_elbow'][0, 2] > -reach


def test_limits_leave_bent_joints_alone(poses):
    np.testing.assert_allclose(within_limits(poses), poses, atol=1e-4)


@pytest.mark.parametrize(
    ('name', 'claim'),
    [
        ('hands_up', lambda at: at['left_wrist'][1] > at['head'][1] + 0.2),
        ('sit', lambda at: abs(at['left_knee'][1] - at['left_hip'][1]) < 0.1
            and at['left_knee'][2] > 0.3),
        ('kneel', lambda at: at['left_ankle'][2] < at['left_knee'][2] - 0.3),
        ('bend', lambda at: at['head'][2] > 0.4),
        ('reach_forward', lambda at: at['right_wrist'][2] > 0.4),
        ('arms_crossed', lambda at: at['left_wrist'][0] < 0.08 and at['left_wrist'][2] > 0.1),
        ('hands_behind', lambda at: at['left_wrist'][2] < -0.05),
        ('lie_back', lambda at: abs(at['head'][1] - at['left_ankle'][1]) < 0.2),
        ('all_fours', lambda at: at['left_wrist'][1] < -0.4 and at['left_knee'][1] < -0.3),
        ('squat', lambda at: at['left_knee'][2] > 0.3 and at['left_ankle'][1] > -0.5),
    ],
)  # fmt: skip
def test_key_pose_does_what_its_name_says(layer, name, claim):
    assert claim(key_joints(layer, name))


def test_bank_is_split_by_clips(bank_path):
    bank = PoseBank.load(bank_path)
    kept, held_out = bank.rotations(False), bank.rotations(True)
    assert len(kept) + len(held_out) == len(bank.quaternions)
    assert 0.03 < len(held_out) / len(bank.quaternions) < 0.3
    sampler = PoseSampler(bank, held_out=True)
    frame = sampler.recorded(1, torch.Generator().manual_seed(0))[0, :22]
    assert np.abs(held_out - frame.numpy()).max(axis=(1, 2, 3)).min() < 1e-6


def test_without_a_bank_there_are_no_recordings(draw):
    with pytest.raises(ValueError, match='without a pose bank'):
        PoseSampler().recorded(1, draw)
