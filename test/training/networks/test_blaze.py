"""BlazePose's trunk: it is MediaPipe's when it starts from MediaPipe's weights."""

import numpy as np
import onnx
import pytest
import torch

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.runtime.models import find_card
from mesh_pose_ros.runtime.session import open_session
from mesh_pose_ros.skeletons import joint_mixer
from training.data.joint_sets import BODY30
from training.networks.blaze import BlazeSettings, BlazeTrunk, convolutions_of
from training.networks.crop_net import CropNet, CropNetSettings
from training.networks.first_weights import start_from

HIPS = tuple(BODY30.index(f'{side}_hip') for side in ('left', 'right'))
SIDE = 256


@pytest.fixture(scope='module')
def imported():
    try:
        return find_card('mediapipe_pose')
    except ModelError:
        pytest.skip('no imported model; make it with `mesh_pose models import mediapipe`')


@pytest.fixture(scope='module')
def started(imported):
    settings = CropNetSettings(SIDE, 'regress', BlazeSettings())
    network = CropNet(len(BODY30), HIPS, settings)
    start_from(network, imported.path, joint_mixer(imported.skeleton, BODY30.names))
    return network.eval()


@pytest.fixture(scope='module')
def crops():
    """Smooth pictures; no network is at home in noise."""
    draw = torch.Generator().manual_seed(3)
    coarse = 255 * torch.rand(2, 3, 8, 8, generator=draw)
    return torch.nn.functional.interpolate(coarse, SIDE, mode='bicubic').clamp(0, 255).round()


@torch.no_grad()
def test_begins_with_the_metres_of_the_model_it_starts_from(started, imported, crops):
    session = open_session(imported, threads=1)
    theirs = session(image=crops.permute(0, 2, 3, 1).contiguous().byte().numpy())['joints3d']
    wanted = joint_mixer(imported.skeleton, BODY30.names) @ theirs
    wanted = wanted - wanted[:, HIPS].mean(1, keepdims=True)
    np.testing.assert_allclose(started(crops).joints3d, wanted, atol=1e-4)


@pytest.mark.parametrize(('stride', 'resting'), [(0, 0), (8, 3), (16, 4)])
def test_all_learns_but_what_is_frozen(stride, resting, crops):
    trunk = BlazeTrunk(BlazeSettings(frozen=stride))
    features = trunk(crops[:1])
    (features.summary.sum() + features.fine.square().mean()).backward()
    learnt = [
        {p.grad is not None and bool(p.grad.abs().max() > 0) for p in part.parameters()}
        for part in (*trunk.way_down(), trunk.stride32, trunk.across8)
    ]
    assert learnt[:resting] == [{False}] * resting
    assert all(True in part for part in learnt[resting:])


def test_cannot_be_frozen_anywhere():
    with pytest.raises(ValueError, match='frozen to stride 4'):
        BlazeSettings(frozen=4)


def test_gives_features_of_the_sizes_it_tells(crops):
    settings = BlazeSettings()
    with torch.no_grad():
        features = BlazeTrunk(settings)(crops)
    fine, middle, coarse = settings.channels
    assert features.fine.shape == (2, fine, SIDE // 8, SIDE // 8)
    assert features.middle.shape == (2, middle, SIDE // 16, SIDE // 16)
    assert features.coarse.shape == (2, coarse, SIDE // 32, SIDE // 32)
    assert features.summary.shape == (2, settings.summary)


def test_weights_of_another_network_are_refused(tmp_path):
    weight = onnx.numpy_helper.from_array(np.zeros((4, 3, 3, 3), np.float32), 'w')
    bias = onnx.numpy_helper.from_array(np.zeros(4, np.float32), 'b')
    node = onnx.helper.make_node('Conv', ['x', 'w', 'b'], ['y'])
    graph = onnx.helper.make_graph([node], 'other', [], [], [weight, bias])
    onnx.save_model(onnx.helper.make_model(graph), tmp_path / 'other.onnx')
    with pytest.raises(ValueError, match='BlazePose'):
        BlazeTrunk().start_from(convolutions_of(tmp_path / 'other.onnx'))
