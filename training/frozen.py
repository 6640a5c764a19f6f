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
from training.networks.crop_net import CropNet, Sight, around

Seen = tuple[Tensor, ...]


class Eyes:
    """
    A network in two halves: `look`, which does not learn, and `understand`, which may.

    What a look finds can be understood again later, see `training.echo`. Of a network that
    learns everywhere the first half is nothing, and a look finds the image itself.
    """

    def __init__(self, network: CropNet) -> None:
        self._network = network
        self._half = _first_half(network)
        self._by_onnx_runtime: Callable[[Tensor], Seen] | None = None

    def __call__(self, image: Tensor, intrinsics: Tensor | None = None) -> Sight:
        """See (N, 3, S, S), 0..255, as the network does."""
        return self.understand(self.look(image), intrinsics)

    def look(self, image: Tensor) -> Seen:
        """What the frozen half finds in (N, 3, S, S), 0..255; N is first everywhere."""
        if self._half is None:
            return (image,)
        if image.device.type != 'cpu':
            return self._half(image)
        self._by_onnx_runtime = self._by_onnx_runtime or _session(self._half, image.shape[-1])
        return self._by_onnx_runtime(image)

    def understand(self, seen: Seen, intrinsics: Tensor | None = None) -> Sight:
        """What the other half makes of it; of crops' cameras, see `CropNet`."""
        network, trunk = self._network, self._network.trunk
        if network.settled:
            *guess, shown = seen
            no_heat = shown.new_zeros(*shown.shape[:2], 0, 0)
            return network.corrected(Sight(no_heat, *guess), shown, intrinsics)
        if _is_split(trunk):
            return network.read(trunk.up(*seen), intrinsics)
        return network(*seen, intrinsics)


def _is_split(trunk: nn.Module) -> TypeGuard[BlazeTrunk]:
    return isinstance(trunk, BlazeTrunk) and trunk.frozen > 0


class _Down(nn.Module):
    """The way down of a trunk."""

    def __init__(self, trunk: BlazeTrunk) -> None:
        super().__init__()
        self.trunk = trunk
        self.outputs = ('eighth', 'sixteenth')[: 1 + (trunk.frozen == 16)]

    def forward(self, image: Tensor) -> Seen:
        return self.trunk.down(image)


class _Guess(nn.Module):
    """All but the correction: a `Sight` but its heat, and what is `around` the joints."""

    outputs = ('peaks', 'joints2d', 'joints3d', 'confidence', 'score', 'around')

    def __init__(self, network: CropNet) -> None:
        super().__init__()
        self.network = network

    @torch.no_grad()
    def forward(self, image: Tensor) -> Seen:
        features = self.network.trunk(image)
        guess, chance = self.network.guess(features)
        parts = [getattr(guess, name) for name in self.outputs[:-1]]
        return (*parts, around(features, chance))


def _first_half(network: CropNet) -> _Down | _Guess | None:
    if network.settled:
        return _Guess(network)
    return _Down(network.trunk) if _is_split(network.trunk) else None


def _session(half: _Down | _Guess, side: int) -> Callable[[Tensor], Seen]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'half.onnx'
        write_graph(half, {'image': torch.zeros(2, 3, side, side)}, path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(str(path), options)

    def first_half(image: Tensor) -> Seen:
        found = session.run(None, {'image': image.contiguous().numpy()})
        return tuple(map(torch.from_numpy, found))

    return first_half
