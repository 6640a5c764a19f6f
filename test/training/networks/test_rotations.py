"""Rotations in torch are those of the runtime's geometry."""

import numpy as np
import pytest
import torch
from exported import assert_exports

from mesh_pose_ros.geometry import rotations as known
from training.networks.rotations import (
    axis_angle_from_rotation,
    global_from_relative,
    rotation_from_axis_angle,
    rotation_from_pairs,
)


@pytest.fixture
def vectors(draw):
    """Axis-angles of all lengths up to pi, along axes and between them."""
    vectors = torch.cat([torch.randn(300, 3, generator=draw), torch.eye(3), -torch.eye(3)])
    lengths = torch.linspace(0, 3.1, len(vectors)).unsqueeze(1)
    return vectors / vectors.norm(dim=1, keepdim=True) * lengths


def test_axis_angles_turn_as_the_runtime_turns(vectors):
    np.testing.assert_allclose(
        rotation_from_axis_angle(vectors), known.axis_angle_to_matrix(vectors), atol=1e-6
    )


def test_rotations_give_back_their_axis_angles(vectors):
    found = axis_angle_from_rotation(rotation_from_axis_angle(vectors))
    np.testing.assert_allclose(found, vectors, atol=1e-5)


@pytest.mark.parametrize('axis', range(3))
def test_half_a_turn_about_an_axis_is_one(axis):
    vector = torch.zeros(1, 3)
    vector[0, axis] = torch.pi
    found = axis_angle_from_rotation(rotation_from_axis_angle(vector))
    np.testing.assert_allclose(found.abs(), vector, atol=1e-5)


def test_no_turn_at_all_can_be_learned_from():
    vector = torch.zeros(2, 3, requires_grad=True)
    axis_angle_from_rotation(rotation_from_axis_angle(vector) + 1e-3).sum().backward()
    assert torch.isfinite(vector.grad).all()


def test_pairs_are_the_first_two_columns_row_by_row(vectors):
    rotations = rotation_from_axis_angle(vectors)
    six = 3 * rotations[..., :2].flatten(1)
    np.testing.assert_allclose(rotation_from_pairs(six), rotations, atol=1e-6)


def test_relative_rotations_become_global_as_in_the_runtime(vectors):
    relative, parents = (
        rotation_from_axis_angle(vectors[:300]).unflatten(0, (-1, 5)),
        (-1, 0, 1, 1, 0),
    )
    np.testing.assert_allclose(
        global_from_relative(relative, parents),
        known.relative_to_global(relative.numpy(), parents),
        atol=1e-6,
    )


class Turns(torch.nn.Module):
    outputs = ('rotations',)

    def forward(self, vectors):
        return (rotation_from_axis_angle(vectors),)


def test_no_turn_at_all_is_none_outside_torch_too(tmp_path):
    vectors = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1e-9, 0.0], [0.3, -1.2, 0.5]])
    assert_exports(Turns(), {'vectors': vectors}, tmp_path)
