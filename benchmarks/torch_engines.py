"""PyTorch itself as an engine, on the CPU and on a GPU: what the others are compared to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Arrays = dict[str, NDArray[np.generic]]
Run = Callable[..., Any]  # tensors in, tensors out

BEFORE_RECORDING = 3  # runs in which libraries choose kernels and take memory


class Recorded:
    """A network whose kernels one call begins: a CUDA graph for inputs of one shape."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, *given: Tensor) -> Any:
        """Run; outputs are overwritten by the next run."""
        if self._graph is None:
            self._record(given)
        assert self._graph
        for own, values in zip(self._inputs, given, strict=True):
            own.copy_(values)
        self._graph.replay()
        return self._outputs

    def _record(self, given: tuple[Tensor, ...]) -> None:
        self._inputs = [values.clone() for values in given]
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(BEFORE_RECORDING):
                self._network(*self._inputs)
        torch.cuda.current_stream().wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outputs = self._network(*self._inputs)


@dataclass(frozen=True)
class Way:
    """Where PyTorch runs a network, and what is made of the network first."""

    device: str
    make: Callable[[nn.Module], Run]


def as_it_is(network: nn.Module) -> Run:
    """Eager mode."""
    return network


TORCH = {
    'eager': Way('cpu', as_it_is),
    'compiled': Way('cpu', torch.compile),
    'cuda': Way('cuda', as_it_is),
    'cuda_compiled': Way('cuda', torch.compile),
    'cuda_graph': Way('cuda', Recorded),
}


def called(engine: str, network: nn.Module, inputs: Arrays) -> Callable[[], Arrays]:
    """
    Make a network ready.

    :param engine: a key of `TORCH`
    :param network: has ``outputs``, the names of what it returns
    :param inputs: in the network's order
    :return: takes the inputs to the device, runs the network and brings its outputs back
    """
    way = TORCH[engine]
    torch.set_num_threads(1)
    torch.backends.cudnn.allow_tf32 = False  # float32, as that of the other engines
    run = way.make(network.eval().to(way.device))

    def call() -> Arrays:
        with torch.inference_mode():
            given = (torch.from_numpy(values).to(way.device) for values in inputs.values())
            told = run(*given)
            return {n: v.cpu().numpy() for n, v in zip(network.outputs, told, strict=True)}

    return call


def taken_on_gpu() -> float:
    """Memory that is taken on the GPU, by whomever, MB; 0 where PyTorch sees no GPU."""
    if not torch.cuda.is_available():
        return 0.0
    free, total = torch.cuda.mem_get_info()
    return (total - free) / 2**20
