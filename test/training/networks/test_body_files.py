"""Body models from files: the package that SMPL's authors publish, and ours, bend them alike."""

import numpy as np
import pytest
import torch
from parity import stand_ins

from training.body_models import read_body_model
from training.networks.body_layer import BodyLayer
from training.networks.rotations import global_from_relative, rotation_from_axis_angle
from training.networks.smplx_layer import SmplxLayer, SmplxPose

smplx = pytest.importorskip('smplx', reason='smplx is not installed (extra body-models)')
NEAR = 2e-5  # metres, on stand-ins that are as large as people


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('body_models')
    stand_ins().write(folder)
    return folder


def some_turns(count, bones, draw):
    """Axis-angles (N, B, 3), one without any turn."""
    turns = 0.5 * torch.randn(count, bones, 3, generator=draw)
    turns[0] = 0
    return turns


def posed_by_us(file, turns, betas):
    layer = BodyLayer(read_body_model(file))
    rotations = global_from_relative(rotation_from_axis_angle(turns), layer.parents)
    return layer(rotations, betas)


@pytest.mark.parametrize('gender', ['neutral', 'male', 'female'])
def test_smpl(folder, gender, draw):
    file = folder / 'smpl' / f'SMPL_{gender.upper()}.pkl'
    turns, betas = some_turns(3, 24, draw), torch.randn(3, 10, generator=draw)
    theirs = smplx.SMPL(str(file), batch_size=3)(
        betas=betas, global_orient=turns[:, 0], body_pose=turns[:, 1:].flatten(1)
    )
    vertices, joints = posed_by_us(file, turns, betas)
    np.testing.assert_allclose(theirs.vertices.detach(), vertices, rtol=0, atol=NEAR)
    np.testing.assert_allclose(theirs.joints.detach()[:, :24], joints, rtol=0, atol=NEAR)


def test_mano(folder, draw):
    file = folder / 'mano' / 'MANO_RIGHT.pkl'
    turns, betas = some_turns(3, 16, draw), torch.randn(3, 10, generator=draw)
    theirs = smplx.MANO(str(file), batch_size=3, use_pca=False, flat_hand_mean=True)(
        betas=betas, global_orient=turns[:, 0], hand_pose=turns[:, 1:].flatten(1)
    )
    vertices, joints = posed_by_us(file, turns, betas)
    np.testing.assert_allclose(theirs.vertices.detach(), vertices, rtol=0, atol=NEAR)
    np.testing.assert_allclose(theirs.joints.detach()[:, :16], joints, rtol=0, atol=NEAR)


@pytest.mark.parametrize('gender', ['neutral', 'male', 'female'])
def test_smplx(folder, gender, draw):
    file = folder / 'smplx' / f'SMPLX_{gender.upper()}.npz'
    root, body, jaw, left, right = some_turns(3, 53, draw).split([1, 21, 1, 15, 15], dim=1)
    betas, expression = torch.randn(2, 3, 10, generator=draw)
    model = smplx.SMPLX(
        str(file), batch_size=3, use_pca=False, use_face_contour=True, num_expression_coeffs=10
    )
    theirs = model(
        betas=betas,
        expression=expression,
        global_orient=root[:, 0],
        body_pose=body.flatten(1),
        jaw_pose=jaw[:, 0],
        left_hand_pose=left.flatten(1),
        right_hand_pose=right.flatten(1),
    )
    layer = SmplxLayer(read_body_model(file))
    pose = SmplxPose(root[:, 0], body, jaw[:, 0], left, right)
    ours = layer(pose, betas, expression)
    np.testing.assert_allclose(theirs.vertices.detach(), ours.vertices, rtol=0, atol=NEAR)
    np.testing.assert_allclose(theirs.joints.detach(), ours.joints, rtol=0, atol=NEAR)
