"""Weights in half the room: a smaller file of the same network."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto
from torch import nn

from training.graph_file import write_graph


class Small(nn.Module):
    outputs = ('maps',)

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 4, 3))

    def forward(self, image):
        return self.body(image)


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('graphs')
    image = {'image': torch.zeros(2, 3, 24, 24)}
    for name, half in (('whole', False), ('half', True)):
        write_graph(Small(), image, folder / f'{name}.onnx', half_weights=half)
    return folder


def test_the_file_is_half_as_large(files):
    whole, half = ((files / f'{n}.onnx').stat().st_size for n in ('whole', 'half'))
    weights = 2 * sum(p.numel() for p in Small().parameters() if p.dim() > 1)
    assert whole - half == pytest.approx(weights, abs=1000)


def test_it_computes_in_float32_with_rounded_weights(files):
    rounded = Small()
    with torch.no_grad():
        for weight in rounded.parameters():
            if weight.dim() > 1:
                weight.copy_(weight.half().float())
        image = torch.randn(3, 3, 24, 24)
        wanted = rounded(image)
    session = onnxruntime.InferenceSession(files / 'half.onnx')
    (found,) = session.run(None, {'image': image.numpy()})
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert found.dtype == np.float32


def test_too_large_and_small_arrays_stay(tmp_path):
    large = Small()
    with torch.no_grad():
        large.body[0].weight[0, 0, 0, 0] = 1e5
    write_graph(large, {'image': torch.zeros(2, 3, 24, 24)}, tmp_path / 'g.onnx', True)
    arrays = onnx.load(tmp_path / 'g.onnx').graph.initializer
    halves = [t for t in arrays if t.data_type == TensorProto.FLOAT16]
    assert [tuple(t.dims) for t in halves] == [(4, 32, 3, 3)]


def test_what_learns_goes_on_learning(tmp_path):
    network = Small()
    network.body[0].eval()
    before = [module.training for module in network.modules()]
    write_graph(network, {'image': torch.zeros(2, 3, 24, 24)}, tmp_path / 'g.onnx')
    assert [module.training for module in network.modules()] == before
    assert set(before) == {True, False}
