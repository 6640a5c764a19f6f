"""Checkpoints of any wrapping fill a network, wrong ones say what does not fit."""

import pickle

import pytest
import torch
from torch import nn

from training.checkpoints import CheckpointError, Naming, fill, read_arrays

NAMING = Naming(
    renames=[(r'^backbone\.', 'trunk.')],
    unused=('*.num_batches_tracked', 'human_model.*'),
)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


@pytest.fixture
def theirs():
    """What the authors would have saved."""
    torch.manual_seed(1)
    state = {f'backbone.{k[6:]}': torch.randn(v.shape) if v.is_floating_point() else v
             for k, v in Network().state_dict().items()}  # fmt: skip
    return {**state, 'human_model.faces': torch.zeros(5, 3)}


@pytest.mark.parametrize(
    'wrapped',
    [
        lambda state: state,
        lambda state: {'network': state, 'epoch': 8},
        lambda state: {'model_state_dict': {f'module.{k}': v for k, v in state.items()}},
    ],
    ids=['bare', 'with an epoch', 'of DataParallel'],
)
def test_a_file_fills_a_network_however_it_is_wrapped(wrapped, theirs, tmp_path):
    torch.save(wrapped(theirs), tmp_path / 'snapshot.pth.tar')
    network = Network()
    report = fill(network, read_arrays(tmp_path / 'snapshot.pth.tar'), NAMING)
    assert torch.equal(network.trunk[0].weight, theirs['backbone.0.weight'])
    assert torch.equal(network.trunk[1].running_var, theirs['backbone.1.running_var'])
    assert len(report.loaded) == 6
    assert set(report.skipped) == {'human_model.faces', 'backbone.1.num_batches_tracked'}
    assert report.missing == ('trunk.1.num_batches_tracked',)
    assert '6 arrays loaded' in str(report)


def test_another_networks_file_names_the_keys_and_changes_nothing(theirs):
    network = Network()
    before = network.trunk[1].weight.clone()
    theirs['head.weight'] = theirs.pop('backbone.0.weight')
    with pytest.raises(CheckpointError, match=r'a\.pth.*head\.weight.*trunk\.0\.weight'):
        fill(network, theirs, NAMING, 'a.pth')
    assert torch.equal(network.trunk[1].weight, before)


def test_another_shape_is_named(theirs):
    theirs['backbone.0.bias'] = torch.zeros(7)
    with pytest.raises(CheckpointError, match=r'backbone\.0\.bias \(7,\), not \(4,\)'):
        fill(Network(), theirs, NAMING, 'a.pth')


class Trap:
    def __reduce__(self):
        return (pytest.fail, ('code of a checkpoint was run',))


@pytest.mark.parametrize('content', [b'', b'not a checkpoint', pickle.dumps(Trap())])
def test_what_is_no_checkpoint_is_refused_and_runs_no_code(content, tmp_path):
    (tmp_path / 'a.pth').write_bytes(content)
    with pytest.raises(CheckpointError, match=r'a\.pth'):
        read_arrays(tmp_path / 'a.pth')


def test_a_missing_file_is_called_missing(tmp_path):
    with pytest.raises(CheckpointError, match='no such file'):
        read_arrays(tmp_path / 'b.pth')


def test_a_file_without_arrays_is_refused(tmp_path):
    torch.save({'epoch': 3}, tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match='no arrays'):
        read_arrays(tmp_path / 'a.pth')
