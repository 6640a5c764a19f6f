"""Laws of skinning, whatever the body."""

import numpy as np
import pytest
import torch

from training.data.lifter_samples import random_rotations
from training.synthetic.poses import PoseSampler, to_global


@pytest.fixture(scope='module')
def people(layer):
    generator = torch.Generator().manual_seed(5)
    rotations = to_global(PoseSampler().sample(4, generator))
    return rotations, torch.randn(4, layer.shape_count, generator=generator)


def resting(count):
    return torch.eye(3).expand(count, 24, 3, 3)


def test_unturned_and_mean_is_the_template(layer):
    vertices, joints = layer(resting(1), torch.zeros(1, layer.shape_count))
    np.testing.assert_allclose(vertices[0], layer.template, atol=1e-6)
    np.testing.assert_allclose(joints[0], layer.rest_joints, atol=1e-6)


def test_turning_all_joints_alike_turns_the_body_about_its_root(layer, people, draw):
    rotations, betas = people
    turn = random_rotations(4, draw)
    vertices, joints = layer(rotations, betas)
    turned, turned_joints = layer(turn[:, None] @ rotations, betas)
    root = joints[:, :1]
    back = turn.transpose(1, 2)
    np.testing.assert_allclose(turned - root, (vertices - root) @ back, atol=1e-5)
    np.testing.assert_allclose(turned_joints - root, (joints - root) @ back, atol=1e-5)


def test_bones_keep_their_length(layer, people):
    rotations, betas = people
    parents = [max(parent, 0) for parent in layer.parents]
    rest = layer.joints_at_rest(betas)
    posed = layer.joints(rotations, betas)[0]
    lengths = [(j - j[:, parents]).norm(dim=-1) for j in (rest, posed)]
    np.testing.assert_allclose(*lengths, atol=1e-5)


def test_batches_like_it_loops(layer, people):
    rotations, betas = people
    together = layer(rotations, betas)[0]
    alone = [layer(r[None], b[None])[0][0] for r, b in zip(rotations, betas, strict=True)]
    np.testing.assert_allclose(together, torch.stack(alone), atol=1e-6)


def test_some_vertices_are_the_same_vertices(layer, people):
    rotations, betas = people
    some = torch.tensor([5, 0, 4711])
    shift = layer.joints(rotations, betas)[1]
    np.testing.assert_allclose(
        layer.skin(rotations, shift, betas, some), layer(rotations, betas)[0][:, some], atol=1e-6
    )


def test_points_are_the_regressed_vertices(layer, people, body):
    rotations, betas = people
    regressor = torch.from_numpy(body['regressor_lift27'])
    shift = layer.joints(rotations, betas)[1]
    found = layer.points(regressor)(rotations, shift, betas)
    np.testing.assert_allclose(found, regressor @ layer(rotations, betas)[0], atol=1e-5)
