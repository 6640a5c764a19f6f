"""A Pose Machine gives the authors' numbers, and its memory is what lets it go on."""

import dataclasses

import numpy as np
import pytest
import torch
from parity import agree, parity_case
from pose_machine_files import CONVOLUTIONS, PRODUCTS, arrays

from training.checkpoints import Naming, fill
from training.networks.pose_machine import PoseMachine, PoseMachineSettings
from training.networks.pose_machine_names import NAMING
from training.networks.pose_machine_ranges import RANGES

SMALL = PoseMachineSettings(
    side=72,
    stages=((4, 4), (6, 6), (8, 8, 8, 8), (8, 8, 6, 6, 6, 6, 6)),
    hidden=16,
)
CLIPS = ('reset0', 'mid')


@pytest.fixture(scope='module')
def case():
    return parity_case('pose_machines/caffe_port.npz')


@pytest.fixture(scope='module')
def published():
    """The network of published size, filled by the rule of the reference case."""
    network = PoseMachine().eval()
    fill(network, some({*CONVOLUTIONS, *PRODUCTS, 'lstm1', 'lstm2'}), NAMING)
    return network


@pytest.fixture(scope='module')
def blind():
    """The published network from where its memory begins; what sees is small and not filled."""
    network = PoseMachine(dataclasses.replace(SMALL, hidden=1024)).eval()
    named = Naming(NAMING.renames, own=('trunk.*', 'transformer.look.*'))
    fill(network, some({*PRODUCTS, 'lstm1', 'lstm2'} - {'fc'}), named)
    return network


@pytest.fixture(scope='module')
def small():
    torch.manual_seed(0)
    return PoseMachine(SMALL).eval()


@pytest.fixture
def pictures(draw):
    return torch.randint(0, 256, (2, 5, 3, 72, 72), generator=draw).float()


def some(names):
    """Arrays of some layers by the rule."""
    return {k: torch.from_numpy(v) for k, v in arrays().items() if k.rpartition('.')[0] in names}


@pytest.mark.slow
@torch.no_grad()
def test_sees_what_the_original_sees(published, case):
    frames = np.random.default_rng(3).integers(0, 256, (5, 368, 368, 3)).astype(np.uint8)
    rgb = torch.from_numpy(frames[..., ::-1].copy()).permute(0, 3, 1, 2).float()
    *convolutions, flat, product = published.transformer.look
    features = torch.nn.Sequential(*convolutions)(published.trunk(rgb))
    np.testing.assert_allclose(features.mean((2, 3)), case['feat_mean'], atol=1e-5)
    agree(product(flat(features)), case['fc'], 3e-5, 'fc')


@pytest.mark.parametrize('clip', CLIPS)
@torch.no_grad()
def test_remembers_as_the_original_remembers(blind, case, clip):
    sights = torch.from_numpy(case['fc'])[None]
    continues = torch.from_numpy(case[f'{clip}_clip'])[None]
    trace = blind.transformer.recall(sights, continues, blind.no_memory(sights))
    refined, joints2d = blind.projector(trace.poses)
    found = {
        'lstm1': trace.onwards,
        'pred3d': trace.poses,
        'change': refined,
        'proj2d': joints2d.flatten(2),
    }
    for name, value in found.items():
        agree(value[0], case[f'{clip}_{name}'], 1e-5, name)


@torch.no_grad()
def test_colours_are_read_as_blue_green_red(small, pictures):
    first = small.trunk.stages[0][0][0]
    seen = []
    handle = first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    small.trunk(pictures[0])
    handle.remove()
    np.testing.assert_allclose(seen[0][:, 2], (pictures[0, :, 0] - 128) / 256)


@torch.no_grad()
def test_a_clip_in_two_parts_is_remembered_on(small, pictures):
    flags = torch.ones(2, 5)
    whole = small(pictures, flags)
    first = small(pictures[:, :3], flags[:, :3])
    second = small(pictures[:, 3:], flags[:, 3:], first.memory)
    np.testing.assert_allclose(second.memory[:, :2], whole.memory[:, :2], atol=1e-6)
    assert not torch.allclose(second.coarse, small(pictures[:, 3:], flags[:, 3:]).coarse)


@torch.no_grad()
def test_a_flag_of_zero_forgets(small, pictures, draw):
    flags = torch.tensor([[0.0, 1, 1, 1, 1]]).expand(2, -1)
    memory = torch.rand(2, 4, 16, generator=draw)
    # the layer back comes to the flag at the newest picture
    np.testing.assert_allclose(
        small(pictures, flags, memory).coarse, small(pictures, flags).coarse, atol=1e-6
    )


@torch.no_grad()
def test_people_do_not_disturb_each_other(small, pictures, draw):
    flags = torch.tensor([[0.0, 1, 1, 1, 1], [1, 1, 0, 1, 1]])
    memory = torch.rand(2, 4, 16, generator=draw)
    together = small(pictures, flags, memory)
    for i in range(2):
        alone = small(pictures[i : i + 1], flags[i : i + 1], memory[i : i + 1])
        for name in ('coarse', 'refined', 'joints2d', 'memory'):
            found, wanted = getattr(together, name)[i], getattr(alone, name)[0]
            np.testing.assert_allclose(found, wanted, atol=1e-5, err_msg=name)


def test_shares_are_of_the_ranges(small):
    ranges = np.array(RANGES) / 1000
    for share in (0.0, 1.0):
        metres = small.metres(torch.full((1, 48), share))
        np.testing.assert_allclose(metres[0], ranges[:, int(share)], atol=1e-6)
