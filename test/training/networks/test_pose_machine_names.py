"""The authors' files fill the network, whole or the refining part alone; others are refused."""

import re

import numpy as np
import pytest
import torch

from training.checkpoints import CheckpointError, fill
from training.networks.pose_machine import PoseMachine, PoseMachineSettings, PoseProjector
from training.networks.pose_machine_names import (
    NAMING,
    PICKLED,
    PROJECTOR_NAMING,
    projector_arrays,
)

SMALL = PoseMachineSettings(
    side=72,
    stages=((4, 4), (6, 6), (8, 8, 8, 8), (8, 8, 6, 6, 6, 6, 6)),
    hidden=16,
)
LAYERS = (
    'conv1_1', 'conv1_2', 'conv2_1', 'conv2_2', 'conv3_1', 'conv3_2', 'conv3_3', 'conv3_4',
    'conv4_1', 'conv4_2', 'conv4_3_CPM', 'conv4_4_CPM', 'conv4_5_CPM', 'conv4_6_CPM',
    'conv4_7_CPM', 'special_conv_1', 'special_conv_2', 'fa_conv_1', 'fa_conv_2', 'fc',
    'fc-final_16', *PICKLED,
)  # fmt: skip
NAMES = [f'{layer}.{i}' for layer in LAYERS for i in range(2)] + [
    f'{layer}.{i}' for layer in ('lstm1', 'lstm2') for i in range(3)
]


@pytest.fixture
def network():
    return PoseMachine(SMALL)


@pytest.fixture
def arrays(network, draw):
    state = network.state_dict()
    return {name: torch.rand(state[NAMING.ours(name)].shape, generator=draw) for name in NAMES}


@pytest.fixture
def pickled(draw):
    projector = PoseProjector(SMALL)
    state = projector.state_dict()
    names = [PROJECTOR_NAMING.ours(f'{layer}.{i}') for layer in PICKLED for i in (0, 1)]
    return [torch.rand(state[name].shape, generator=draw).numpy().T for name in names]


def test_every_array_of_the_network_has_an_authors_name(network, arrays):
    report = fill(network, arrays, NAMING)
    assert sorted(report.loaded) == sorted(network.state_dict())
    assert not report.missing


def test_an_older_models_second_round_is_passed_over(network, arrays):
    arrays['project_media.0'] = torch.zeros(16, 32)
    assert fill(network, arrays, NAMING).skipped == ('project_media.0',)


def test_a_network_without_the_projector_is_refused(network, arrays):
    partial = {name: a for name, a in arrays.items() if not re.match('change|project', name)}
    with pytest.raises(CheckpointError, match=r'12 of its arrays are missing: projector\.first'):
        fill(network, partial, NAMING, 'bilstm.caffemodel')


def test_the_pickle_is_the_caffe_models_projector(network, pickled, draw):
    projector = PoseProjector(SMALL)
    fill(projector, projector_arrays(pickled), PROJECTOR_NAMING)
    pose = torch.rand(2, 48, generator=draw)
    hidden = np.maximum(pose.numpy() @ pickled[0] + pickled[1], 0)
    wanted = hidden @ pickled[2] + pickled[3]
    with torch.no_grad():
        np.testing.assert_allclose(projector(pose)[0], wanted, atol=1e-4)


@pytest.mark.parametrize('kept', [slice(0), slice(11), slice(1, None)])
def test_another_list_of_arrays_is_refused(pickled, kept):
    with pytest.raises(CheckpointError, match='a weight and a bias of each of change_tmp'):
        projector_arrays(pickled[kept])
