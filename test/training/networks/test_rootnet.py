"""RootNet's numbers are its authors', and it runs outside torch."""

import numpy as np
import pytest
import torch
from exported import assert_exports
from parity import agree, official_state, parity_case, parity_file

from training.checkpoints import fill, unwrapped
from training.networks.rootnet import DEVIATION, MEAN, NAMING, RootGraph, RootNet

TOLERANCES = {'coord': 5e-3, 'gamma': 6e-7, 'xy_logits': 1.6e-4, 'feat_mean': 1.5e-5}


@pytest.fixture(scope='module')
def loaded():
    state = official_state(parity_file('keys/rootnet.txt'), 'rootnet')
    network = RootNet().eval()
    report = fill(network, unwrapped({'epoch': 18, 'network': state}), NAMING)
    return network, report


def test_all_of_a_checkpoint_is_used(loaded):
    _, report = loaded
    assert all(name.endswith('num_batches_tracked') for name in report.skipped)
    assert len(report.loaded) + len(report.skipped) == 340


@torch.no_grad()
def test_gives_the_authors_numbers(loaded):
    network, _ = loaded
    case = parity_case('rootnet/case.npz')
    pixels = (case['img'].astype(np.float32) - np.float32(MEAN)) / np.float32(DEVIATION)
    image = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    root = network(image)
    found = {
        'coord': root.coordinates(torch.from_numpy(case['k_value'])),
        'gamma': root.gamma,
        'xy_logits': root.heat.squeeze(1),
        'feat_mean': network.trunk(image).mean(dim=(2, 3)),
    }
    for name, tolerance in TOLERANCES.items():
        agree(found[name], case[name], tolerance, name)


@pytest.mark.slow
def test_onnx_runtime_agrees_with_torch(loaded, tmp_path, draw):
    images = torch.randint(256, (3, 256, 256, 3), generator=draw, dtype=torch.uint8)
    assert_exports(RootGraph(loaded[0]), {'image': images}, tmp_path)
