"""SMPL-X by its arrays alone gives the numbers of the package that its authors publish."""

import numpy as np
import pytest
import torch
from exported import assert_exports
from parity import parity_case, stand_ins
from torch import nn

from training.networks.rotations import rotation_from_axis_angle
from training.networks.smplx_layer import SmplxLayer, SmplxPose, outline_row


@pytest.fixture(scope='module')
def arrays():
    return stand_ins().smplx('neutral')


@pytest.fixture(scope='module')
def smplx(arrays):
    return SmplxLayer(arrays)


def some_pose(count, draw):
    shapes = ((3,), (21, 3), (3,), (15, 3), (15, 3))
    return SmplxPose(*(0.3 * torch.randn(count, *s, generator=draw) for s in shapes))


def test_gives_the_authors_surface_and_joints(smplx):
    case = {k: torch.from_numpy(v) for k, v in parity_case('hand4whole/case.npz').items()}
    root, jaw = case['smplx_root_pose'], case['smplx_jaw_pose']
    body, left, right = (
        case[f'smplx_{part}_pose'].unflatten(1, (-1, 3)) for part in ('body', 'lhand', 'rhand')
    )
    found = smplx(SmplxPose(root, body, jaw, left, right), case['smplx_shape'], case['smplx_expr'])
    placed = found.vertices + case['cam_trans'].unsqueeze(1)
    np.testing.assert_allclose(placed, case['smplx_mesh_cam'], rtol=0, atol=2e-5)
    np.testing.assert_allclose(found.joints, case['smplx_joints'], rtol=0, atol=1.4e-5)


@pytest.mark.parametrize(
    ('degrees', 'row'),
    [
        (0, 0),
        (12.4, 12),
        (39.2, 39),
        (80, 39),  # as far as the table goes
        (-1, 40),
        (-12.4, 51),
        (-39, 78),
        (-80, 78),
    ],
)
def test_the_outline_follows_the_head(degrees, row):
    yaw = np.deg2rad(degrees)
    turn = rotation_from_axis_angle(torch.tensor([[0.0, -yaw, 0.0]], dtype=torch.float32))
    assert outline_row(turn).item() == row


def test_full_files_keep_expressions_behind_all_shapes(arrays, smplx, draw):
    columns = arrays['shapedirs']
    full = np.zeros((*columns.shape[:2], 400))
    full[..., :10], full[..., 300:310] = columns[..., :10], columns[..., 10:]
    other = SmplxLayer({**arrays, 'shapedirs': full})
    told = (some_pose(2, draw), *torch.randn(2, 2, 10, generator=draw))
    np.testing.assert_array_equal(other(*told).vertices, smplx(*told).vertices)


class Flat(nn.Module):
    outputs = ('vertices', 'joints', 'rotations')

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, root, body, jaw, left, right, betas, expression):
        found = self.layer(SmplxPose(root, body, jaw, left, right), betas, expression)
        return found.vertices, found.joints, found.rotations


@pytest.mark.slow
def test_runs_outside_torch(arrays, tmp_path, draw):
    # without the corrections for bends, 500 columns that make the export long
    smplx = SmplxLayer({**arrays, 'posedirs': np.zeros((10475, 3, 0))})
    pose = some_pose(3, draw)
    inputs = {
        **{name: getattr(pose, name) for name in ('root', 'body', 'jaw')},
        'left': pose.left_hand,
        'right': pose.right_hand,
        'betas': torch.randn(3, 10, generator=draw),
        'expression': torch.randn(3, 10, generator=draw),
    }
    assert_exports(Flat(smplx), inputs, tmp_path)
