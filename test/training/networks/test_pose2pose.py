"""Pose2Pose takes the authors' checkpoints and does what their layers, one by one, would do."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from exported import assert_exports
from parity import official_state, stand_ins
from pose2pose_files import official_shapes
from torch.nn import functional

from training.checkpoints import fill, unwrapped
from training.networks.body_layer import BodyLayer
from training.networks.i2l_graph import HAND_POINTS
from training.networks.pose2pose import BODY, HAND, NAMING, Pose2Pose
from training.networks.pose2pose_graph import (
    HAND_SPAN,
    Pose2PoseBodyGraph,
    Pose2PoseGraph,
    in_units,
)

PARTS = {'body': BODY, 'hand': HAND}


@pytest.fixture(params=PARTS)
def light(request):
    """A network with a light trunk, and its arrays by their official names."""
    settings = replace(PARTS[request.param], depth=18)
    state = official_state(official_shapes(settings, 512), 'hand4whole')
    for name in ('position_net.conv.0.weight', 'rotation_net.root_pose_out.0.weight'):
        state[name] *= 4  # places differ
    network = Pose2Pose(settings).eval()
    wrapped = {'epoch': 6, 'network': {f'module.{name}': a for name, a in state.items()}}
    report = fill(network, unwrapped(wrapped), NAMING)
    return network, state, report


def layer_by_layer(state, features, settings):
    """Heads as the authors' code runs them: places, root, pose, shape, camera."""

    def layer(name, x, run=functional.linear):
        return run(x, state[f'{name}.weight'], state[f'{name}.bias'])

    maps = layer('position_net.conv.0', features, functional.conv2d)
    height, width = maps.shape[2:]
    chance = maps.view(len(maps), settings.joints, -1).softmax(2)
    z, y, x = torch.meshgrid(*(torch.arange(n) for n in (8, height, width)), indexing='ij')
    cells = torch.stack([x, y, z], dim=-1).reshape(-1, 3).to(chance)
    places = chance @ cells
    norm = [state[f'rotation_net.conv.1.{p}'] for p in ('running_mean', 'running_var')]
    scale = [state[f'rotation_net.conv.1.{p}'] for p in ('weight', 'bias')]
    narrow = layer('rotation_net.conv.0', features, functional.conv2d)
    narrow = functional.batch_norm(narrow, *norm, *scale).relu()
    grid = places[..., :2] / torch.tensor([width - 1, height - 1]) * 2 - 1
    seen = functional.grid_sample(narrow, grid.unsqueeze(1), align_corners=True)
    known = torch.cat([seen.squeeze(2).transpose(1, 2), places], dim=2).flatten(1)
    pooled = features.mean(dim=(2, 3))
    return (
        places,
        layer('rotation_net.root_pose_out.0', known),
        layer('rotation_net.pose_out.0', known),
        layer('rotation_net.shape_out.0', pooled),
        layer('rotation_net.cam_out.0', pooled),
    )


@torch.no_grad()
def test_does_what_the_layers_one_by_one_do(light, draw):
    network, state, report = light
    settings = network.settings
    assert len(report.loaded) == len([n for n in state if 'num_batches' not in n])
    # Doubles: what float32 rounds off differs between processors.
    image = torch.rand(2, 3, settings.height, settings.width, generator=draw).double()
    network.double()
    state = {name: array.double() for name, array in state.items()}
    found = network(image)
    told = layer_by_layer(state, network.trunk(image), settings)
    places, root, pose, betas, camera = told
    np.testing.assert_allclose(found.places, places, atol=1e-9)
    np.testing.assert_allclose(found.six, torch.cat([root, pose], dim=1), atol=1e-9)
    np.testing.assert_allclose(found.betas, betas, atol=1e-9)
    area = settings.height * settings.width
    distance = (5000**2 * settings.span**2 / area) ** 0.5 * torch.sigmoid(camera[:, 2])
    np.testing.assert_allclose(found.translation[:, 2], distance, rtol=1e-6)
    np.testing.assert_allclose(found.translation[:, :2], camera[:, :2], atol=1e-6)
    assert places.std(dim=1).min() > 0.01


@pytest.mark.parametrize(('part', 'bones'), [('body', 24), ('hand', 16)])
def test_poses_have_all_bones_of_the_body_model(part, bones, draw):
    settings = replace(PARTS[part], depth=18)
    network = Pose2Pose(settings).eval()
    image = torch.rand(1, 3, settings.height, settings.width, generator=draw)
    assert network(image).pose.shape == (1, bones, 3)


@pytest.mark.parametrize('part', PARTS)
def test_an_official_checkpoint_fits(part):
    settings = PARTS[part]
    network = Pose2Pose(settings)
    shapes = official_shapes(settings, 2048)
    older = {f'{part}_{name}': torch.zeros(shape) for name, shape in shapes.items()}
    for arrays in ({n.removeprefix(f'{part}_'): a for n, a in older.items()}, older):
        fill(network, arrays, NAMING)


def test_the_middle_of_the_cells_is_the_root():
    found = in_units(torch.tensor([[[0.0, 2, 4], [5, 7, 0]]]), 32, 2.0)
    np.testing.assert_allclose(found, [[[0, 64, 0], [160, 224, -1]]])


@pytest.mark.slow
def test_onnx_runtime_agrees_with_torch(light, tmp_path, draw):
    network, settings = light[0], light[0].settings
    size = (3, settings.height, settings.width, 3)
    images = torch.randint(256, size, generator=draw, dtype=torch.uint8)
    graph = Pose2PoseGraph(network)
    if settings.joints == HAND.joints:
        arrays = stand_ins().mano()
        mean = torch.from_numpy(arrays['hands_mean']).float()
        regressor = HAND_POINTS.regressor(
            torch.from_numpy(arrays['J_regressor'].toarray()).float()
        )
        graph = Pose2PoseBodyGraph(network, BodyLayer(arrays), regressor, HAND_SPAN, mean)
    assert_exports(graph, {'image': images}, tmp_path)
