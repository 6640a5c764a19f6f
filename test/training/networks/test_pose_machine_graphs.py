"""Written graphs are the network, keep to the rules and go on from what they remember."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from exported import assert_exports

from mesh_pose_ros.pipeline.correction import CorrectionNetwork, CorrectionOptions, Corrector
from mesh_pose_ros.skeletons import H36M16
from training.networks.pose_machine import PoseMachine, PoseMachineSettings
from training.networks.pose_machine_graphs import (
    ClipGraph,
    NewestGraph,
    PictureGraph,
    correction_arrays,
)

SMALL = PoseMachineSettings(side=72, stages=((4,), (6,), (8,), (8, 6)), hidden=16)


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(0)
    return PoseMachine(SMALL).eval()


@pytest.fixture
def pictures(draw):
    return torch.randint(0, 256, (3, 4, 72, 72, 3), generator=draw).to(torch.uint8)


@pytest.mark.slow
@pytest.mark.parametrize(('carries_back', 'rows'), [(False, 2), (True, 4)])
def test_pictures_are_seen_outside_torch_too(
    network, pictures, draw, tmp_path, carries_back, rows
):
    inputs = {'image': pictures[:, 0], 'memory': torch.rand(3, rows, 16, generator=draw)}
    assert_exports(PictureGraph(network, carries_back), inputs, tmp_path)


@pytest.mark.slow
def test_clips_are_seen_outside_torch_too(network, pictures, draw, tmp_path):
    inputs = {
        'image': pictures,
        'continues': torch.tensor([[0.0, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 1]]),
        'memory': torch.rand(3, 4, 16, generator=draw),
    }
    assert_exports(ClipGraph(network), inputs, tmp_path)


@torch.no_grad()
def test_picture_by_picture_gives_the_newest_pose_of_each_clip(network, pictures):
    graph, memory = PictureGraph(network), torch.zeros(3, 2, 16)
    for seen in range(1, 5):
        joints3d, joints2d, coarse, memory = graph(pictures[:, seen - 1], memory)
        flags = torch.tensor([[0.0, 1, 1, 1]]).expand(3, -1)[:, :seen]
        clip = ClipGraph(network)(pictures[:, :seen], flags, torch.zeros(3, 4, 16))
        for ours, theirs in zip((joints3d, joints2d, coarse), clip):
            np.testing.assert_allclose(ours, theirs[:, -1], atol=1e-4)


@pytest.mark.slow
def test_the_newest_of_a_clip_is_seen_outside_torch_too(network, pictures, draw, tmp_path):
    memory = torch.rand(3, 3, 16, generator=draw)
    memory[0, :2] = 0  # began later
    assert_exports(NewestGraph(network, 4), {'image': pictures[:, 0], 'memory': memory}, tmp_path)


@torch.no_grad()
def test_the_newest_pictures_are_a_clip_from_nothing(network, pictures):
    graph, memory = NewestGraph(network, 3), torch.zeros(3, 2, 16)
    for newest in range(4):
        *told, memory = graph(pictures[:, newest], memory)
        clip = pictures[:, max(newest - 2, 0) : newest + 1]
        flags = torch.tensor([[0.0, 1, 1]]).expand(3, -1)[:, : clip.shape[1]]
        for ours, theirs in zip(told, ClipGraph(network)(clip, flags, torch.zeros(3, 4, 16))):
            np.testing.assert_allclose(ours, theirs[:, -1], atol=1e-4)


@torch.no_grad()
def test_carrying_the_layer_back_is_a_clip_of_one_picture(network, pictures):
    graph, memory = PictureGraph(network, carries_back=True), torch.zeros(3, 4, 16)
    others = memory
    for picture, following in pairwise(pictures.unbind(1)):
        *_, memory = graph(picture, memory)
        *_, others = ClipGraph(network)(picture[:, None], torch.ones(3, 1), others)
        ours = graph(following, memory)[0]
        theirs = ClipGraph(network)(following[:, None], torch.ones(3, 1), others)[0]
        np.testing.assert_allclose(ours, theirs[:, 0], atol=1e-5)


@torch.no_grad()
def test_the_runtime_refines_as_the_network_does(network, draw):
    runtime = CorrectionNetwork.from_arrays(correction_arrays(network.projector))
    coarse = torch.rand(3, 48, generator=draw)
    refined, joints2d = network.projector(coarse)
    corrector = Corrector(runtime, H36M16.parents, CorrectionOptions(steps=0))
    found = corrector(coarse.numpy(), np.zeros((3, 16, 2)), np.zeros((3, 16), bool))
    np.testing.assert_allclose(found.pose, refined, atol=1e-5)
    np.testing.assert_allclose(found.joints2d, joints2d, atol=1e-5)
    np.testing.assert_allclose(runtime.metres(found.pose), network.metres(refined), atol=1e-5)
