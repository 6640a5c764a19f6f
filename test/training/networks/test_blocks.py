"""Rotations from six numbers, and networks that start by doing nothing."""

import numpy as np
import torch

from training.data.lifter_samples import random_rotations
from training.networks.blocks import ResidualMlp, rotation_from_6d, rotation_to_6d


def test_six_numbers_hold_a_rotation(draw):
    rotations = random_rotations(50, draw)
    np.testing.assert_allclose(rotation_from_6d(rotation_to_6d(rotations)), rotations, atol=1e-5)


def test_any_six_numbers_give_a_rotation(draw):
    found = rotation_from_6d(torch.randn(50, 6, generator=draw))
    np.testing.assert_allclose(
        found @ found.transpose(1, 2), np.broadcast_to(np.eye(3), (50, 3, 3)), atol=1e-4
    )
    np.testing.assert_allclose(torch.linalg.det(found), 1, atol=1e-4)


def test_correction_starts_at_zero(draw):
    network = ResidualMlp(7, 16, 5, pairs=2, zero_out=True)
    assert not network(torch.randn(3, 7, generator=draw)).any()
