"""What holds for a lifter with any weights."""

import numpy as np
import pytest
import torch

from training.networks.lifter import LifterSettings
from training.recipes.lifter import LifterRecipe

SMALL = LifterSettings(hidden=32, frame_hidden=16, corrections=2)


@pytest.fixture(scope='module')
def lifter(body_path):
    network = LifterRecipe(body=body_path, network=SMALL).build()
    torch.manual_seed(1)
    for correction in (network.first, network.again):  # else they do nothing yet
        torch.nn.init.normal_(correction.last.weight, std=0.05)
    return network.eval()


@pytest.fixture
def joints(draw):
    return 0.4 * torch.randn(3, 27, 3, generator=draw), torch.ones(3, 27)


@torch.no_grad()
def test_gives_rotations_and_a_body_that_fits_them(lifter, joints):
    lifted = lifter(*joints)[-1]
    vertices = lifter.vertices(lifted)
    identity = lifted.rotations @ lifted.rotations.transpose(-1, -2)
    np.testing.assert_allclose(identity, np.broadcast_to(np.eye(3), identity.shape), atol=1e-4)
    bent, bent_joints = lifter.body(lifted.rotations, lifted.betas)
    root = (lifted.joints - bent_joints)[:, :1]
    np.testing.assert_allclose(vertices, bent + root, atol=1e-4)
    np.testing.assert_allclose(lifted.joints, bent_joints + root, atol=1e-4)


@torch.no_grad()
def test_points_lie_on_the_surface_it_returns(lifter, joints, body):
    lifted = lifter(*joints)[-1]
    regressor = torch.from_numpy(body['regressor_lift27'])
    np.testing.assert_allclose(lifted.points, regressor @ lifter.vertices(lifted), atol=1e-4)


@torch.no_grad()
def test_does_not_look_at_unknown_joints(lifter, joints):
    places, confidence = joints
    confidence[:, 3:9] = 0
    moved = places.clone()
    moved[:, 3:9] += 7
    assert torch.equal(lifter(places, confidence)[-1].joints, lifter(moved, confidence)[-1].joints)


@torch.no_grad()
def test_batches_like_it_loops(lifter, joints):
    together = lifter(*joints)[-1].joints
    alone = torch.cat([lifter(j[None], c[None])[-1].joints for j, c in zip(*joints, strict=True)])
    np.testing.assert_allclose(together, alone, atol=1e-5)
