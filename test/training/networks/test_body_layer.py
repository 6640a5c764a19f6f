"""Laws of skinning, whatever the body."""

import numpy as np
import pytest
import torch

from mesh_pose_ros.geometry.body_model import BodyModel
from training.data.lifter_samples import random_rotations
from training.networks.body_layer import BodyLayer
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


@pytest.fixture(scope='module')
def corrected(body):
    """The open body with directions that correct it for bent joints, which it has not got."""
    some = np.linspace(0, len(body['weights']) - 1, 200).astype(int)
    draw = np.random.default_rng(0)
    arrays = {name: body[name] for name in ('kintree_table', 'J_regressor')}
    arrays |= {name: body[name][some] for name in ('v_template', 'shapedirs', 'weights')}
    arrays['J_regressor'] = draw.dirichlet(np.ones(200), size=24)
    arrays['posedirs'] = draw.normal(scale=0.01, size=(200, 3, 23 * 9))
    arrays['f'] = np.array([[0, 1, 2]])
    return arrays


def test_bends_correct_the_surface_as_in_the_runtime(corrected, people, tmp_path):
    rotations, betas = people
    np.savez(tmp_path / 'body.npz', **corrected)
    known = BodyModel.load(tmp_path / 'body.npz').shaped(betas.numpy())
    wanted = known.posed(rotations.numpy(), relative=False)
    vertices, joints = BodyLayer(corrected)(rotations, betas)
    np.testing.assert_allclose(vertices, wanted.vertices, atol=1e-5)
    np.testing.assert_allclose(joints, wanted.joints, atol=1e-5)


def test_points_of_a_corrected_body_are_corrected_too(corrected, people):
    rotations, betas = people
    layer, regressor = BodyLayer(corrected), torch.rand(5, 200) / 200
    found = layer.points(regressor)(rotations, layer.joints(rotations, betas)[1], betas)
    np.testing.assert_allclose(found, regressor @ layer(rotations, betas)[0], atol=1e-5)


def test_sparse_arrays_are_read_too(corrected):
    sparse = pytest.importorskip('scipy.sparse')
    thin = corrected | {'J_regressor': sparse.csc_matrix(corrected['J_regressor'])}
    np.testing.assert_array_equal(BodyLayer(thin).rest_joints, BodyLayer(corrected).rest_joints)
