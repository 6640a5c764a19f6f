"""
See with the part of a network that does not learn the fast way.

PyTorch takes three times as long on a CPU as ONNX Runtime for a mobile network's way down. Where
that part is frozen nothing but its output is needed, so training runs it there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import torch
from torch import Tensor, nn

from training.graph_file import write_graph
from training.networks.blaze import BlazeTrunk
from training.networks.crop_net import CropNet, Sight


def seer(network: CropNet) -> Callable[[Tensor], Sight]:
    """Return the network, or something that gives the same faster on a CPU."""
    trunk = network.trunk
    if not isinstance(trunk, BlazeTrunk) or not trunk.frozen:
        return network
    down: Callable[[Tensor], tuple[Tensor, ...]] | None = None

    def see(image: Tensor) -> Sight:
        nonlocal down
        if image.device.type != 'cpu':
            return network(image)
        down = down or _by_onnx_runtime(trunk, image.shape[-1])
        return network.read(trunk.up(*down(image)))

    return see


class _Down(nn.Module):
    outputs = ('eighth', 'sixteenth')

    def __init__(self, trunk: BlazeTrunk) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        return self.trunk.down(image)


def _by_onnx_runtime(trunk: BlazeTrunk, side: int) -> Callable[[Tensor], tuple[Tensor, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'down.onnx'
        write_graph(_Down(trunk), {'image': torch.zeros(2, 3, side, side)}, path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(str(path), options)

    def down(image: Tensor) -> tuple[Tensor, ...]:
        found = session.run(None, {'image': image.contiguous().numpy()})
        return tuple(map(torch.from_numpy, found))

    return down
