"""Errors mean what their names say."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from training.metrics import aligned_error, angle_error, mean_error


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(3, 20, 3))


def test_mean_error_is_in_millimetres(points):
    np.testing.assert_allclose(mean_error(points + np.array([0, 0.03, 0.04]), points), 50)


def test_aligned_error_forgives_place_turn_and_size(points):
    turn = Rotation.random(random_state=1).as_matrix()
    np.testing.assert_allclose(aligned_error(1.3 * points @ turn + 2, points), 0, atol=1e-9)
    assert (aligned_error(points * [-1, 1, 1], points) > 100).all()  # a mirror is no turn


def test_angle_error_is_the_angle():
    turns = Rotation.from_rotvec([[0.2, 0, 0], [0, -0.4, 0]]).as_matrix()[None]
    np.testing.assert_allclose(angle_error(turns, np.eye(3)), np.degrees(0.3))
