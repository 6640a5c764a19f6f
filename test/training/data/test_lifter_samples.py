"""Samples are people before a camera, with the truth in the frame the lifter answers in."""

import numpy as np
import pytest
import torch

from mesh_pose_ros.skeletons import BLAZEPOSE33, COCO17
from training.data.joint_sets import LIFT27
from training.data.lifter_samples import LifterSamples, random_rotations
from training.synthetic.poses import PoseSampler


@pytest.fixture(scope='module')
def samples(body_path):
    return LifterSamples(body_path, PoseSampler(), corruption=None)


def test_joint_set_starts_with_coco_and_speaks_blazepose():
    assert LIFT27.names[:17] == COCO17.names
    assert set(LIFT27.names) <= set(BLAZEPOSE33.names)


def test_true_joints_lie_on_the_true_surface(samples, body, draw):
    batch = samples.batch(5, draw)
    vertices = samples.layer(batch.rotations, batch.betas)[0] - batch.origin[:, None]
    points = torch.from_numpy(body['regressor_lift27']) @ vertices
    np.testing.assert_allclose(points, batch.joints, atol=1e-4)
    hips = batch.joints[:, [LIFT27.index('left_hip'), LIFT27.index('right_hip')]].mean(dim=1)
    np.testing.assert_allclose(hips, 0, atol=1e-5)


def test_standing_people_are_upright_for_the_camera(samples, draw):
    standing = torch.eye(3).expand(300, 24, 3, 3)
    joints = samples.seen(standing, draw).joints
    head_above = joints[:, LIFT27.index('nose'), 1] < -0.3  # y points down
    assert 0.8 < head_above.float().mean() < 1
    left = joints[:, LIFT27.index('left_wrist'), 0] > 0
    assert 0.3 < left.float().mean() < 0.7  # from the front and from behind


def test_the_same_generator_state_gives_the_same_batch(body_path):
    samples = LifterSamples(body_path, PoseSampler())
    a, b = (samples.batch(4, torch.Generator().manual_seed(2)) for _ in 'ab')
    assert torch.equal(a.joints, b.joints)
    assert torch.equal(a.betas, b.betas)


def test_held_out_bodies_are_others(body_path, draw):
    kept, other = (LifterSamples(body_path, PoseSampler(), None, held) for held in (False, True))
    assert not set(map(tuple, kept._people.tolist())) & set(map(tuple, other._people.tolist()))


def test_random_rotations_are_rotations(draw):
    turns = random_rotations(100, draw)
    np.testing.assert_allclose(
        turns @ turns.transpose(1, 2), np.broadcast_to(np.eye(3), (100, 3, 3)), atol=1e-5
    )
    np.testing.assert_allclose(torch.linalg.det(turns), 1, atol=1e-5)
