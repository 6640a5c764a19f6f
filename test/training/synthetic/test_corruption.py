"""Joints are spoilt as said, and the truth is left alone where it should be."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from training.data.joint_sets import LIFT27
from training.synthetic.corruption import (
    EXTREMITIES,
    HIPS,
    IN_VIEW,
    LIKE_REAL,
    MIRROR,
    blazepose_habit,
    corrupted,
)

COUNT = 500


@pytest.fixture
def people(draw):
    joints = 0.4 * torch.randn(COUNT, 27, 3, generator=draw)
    return joints, torch.eye(3).expand(COUNT, 24, 3, 3)


def test_clean_people_keep_their_joints(people, draw):
    found, _ = corrupted(*people, replace(LIKE_REAL, clean=1.0), draw)
    assert torch.equal(found, people[0])


def test_errors_are_centimetres_and_largest_in_depth(people, draw):
    settings = replace(LIKE_REAL, clean=0.0, hidden=0.0, blazepose=0.0)
    error = corrupted(*people, settings, draw)[0] - people[0]
    x, y, z = error.square().mean(dim=(0, 1)).sqrt()
    assert 0.01 < x < 0.06
    assert abs(x - y) < 0.01
    assert z > 1.3 * x


def test_hips_are_always_there_and_sets_go_together(people, draw):
    confidence = corrupted(*people, replace(IN_VIEW, dropped=0.0), draw)[1]
    assert (confidence[:, HIPS] > 0).all()
    ends = confidence[:, EXTREMITIES] > 0
    assert (ends.all(dim=1) | ~ends.any(dim=1)).all()
    assert 0.05 < (~ends.any(dim=1)).float().mean() < 0.3


def test_low_confidence_means_large_errors(people, draw):
    settings = replace(LIKE_REAL, clean=0.0, hidden=0.5)
    found, confidence = corrupted(*people, settings, draw)
    error = (found - people[0]).norm(dim=-1)
    doubted = (confidence > 0) & (confidence < 0.3)
    assert error[doubted].mean() > 1.5 * error[confidence > 0.9].mean()


def test_habit_is_the_same_on_both_sides():
    habit = blazepose_habit().numpy()
    np.testing.assert_allclose(habit[MIRROR] * [-1, 1, 1], habit, atol=1e-9)
    length = habit[LIFT27.index('left_foot_index')] - habit[LIFT27.index('left_heel')]
    assert length[2] < -0.1  # feet are short


def test_legs_out_of_view_go_together(people, draw):
    settings = replace(IN_VIEW, dropped=0.0, without_extremities=0.0, without_legs=0.5)
    knees = [LIFT27.index(f'{side}_knee') for side in ('left', 'right')]
    ankles = [LIFT27.index(f'{side}_ankle') for side in ('left', 'right')]
    seen = corrupted(*people, settings, draw)[1][:, knees + ankles] > 0
    assert (seen.all(dim=1) | ~seen.any(dim=1)).all()
    assert 0.2 < seen.any(dim=1).float().mean() < 0.9
