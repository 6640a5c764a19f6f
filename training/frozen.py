"""
See with the part of a network that does not learn the fast way.

PyTorch takes three times as long on a CPU as ONNX Runtime for a mobile network's way down. Where
that part is frozen nothing but its output is needed, so training runs it there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeGuard

import onnxruntime
import torch
from torch import Tensor, nn

from training.graph_file import write_graph
from training.networks.blaze import BlazeTrunk
from training.networks.crop_net import CropNet, Sight

Seen = tuple[Tensor, ...]


class Eyes:
    """
    A network in two halves: `look`, which does not learn, and `understand`, which may.

    What a look finds can be understood again later, see `training.echo`. Of a network that
    learns everywhere the first half is nothing, and a look finds the image itself.
    """

    def __init__(self, network: CropNet) -> None:
        self._network = network
        self._by_onnx_runtime: Callable[[Tensor], Seen] | None = None

    def __call__(self, image: Tensor) -> Sight:
        """See (N, 3, S, S), 0..255, as the network does."""
        return self.understand(self.look(image))

    def look(self, image: Tensor) -> Seen:
        """What the frozen half finds in (N, 3, S, S), 0..255; N is first everywhere."""
        trunk = self._network.trunk
        if not _is_split(trunk):
            return (image,)
        if image.device.type != 'cpu':
            return trunk.down(image)
        self._by_onnx_runtime = self._by_onnx_runtime or _session(trunk, image.shape[-1])
        return self._by_onnx_runtime(image)

    def understand(self, seen: Seen) -> Sight:
        """What the other half makes of it."""
        trunk = self._network.trunk
        if not _is_split(trunk):
            return self._network(*seen)
        return self._network.read(trunk.up(*seen))


def _is_split(trunk: nn.Module) -> TypeGuard[BlazeTrunk]:
    return isinstance(trunk, BlazeTrunk) and trunk.frozen > 0


class _Down(nn.Module):
    def __init__(self, trunk: BlazeTrunk) -> None:
        super().__init__()
        self.trunk = trunk
        self.outputs = ('eighth', 'sixteenth')[: 1 + (trunk.frozen == 16)]

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return self.trunk.down(image)


def _session(trunk: BlazeTrunk, side: int) -> Callable[[Tensor], Seen]:
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
