"""
One way to run a graph, whatever library runs it.

A session is opened from a card and is called with named arrays; it gives named arrays back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BackendUnavailableError
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.choice import chosen
from mesh_pose_ros.runtime.onnx_session import OnnxSession
from mesh_pose_ros.runtime.openvino_session import OpenVinoSession
from mesh_pose_ros.runtime.tensorrt_session import TensorRtSession

Tensors = Mapping[str, NDArray[np.generic]]


class Session(Protocol):
    """A network that can be called."""

    backend: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __call__(self, **tensors: NDArray[np.generic]) -> dict[str, NDArray[np.generic]]:
        """Run the graph on a batch; every array has the batch axis first."""
        ...


class StopwatchSession:
    """
    A session that knows how long it ran.

    :ivar seconds: spent in the graph since its owner last set it to zero
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.backend = session.backend
        self.inputs, self.outputs = session.inputs, session.outputs
        self.seconds = 0.0

    def __call__(self, **tensors: NDArray[np.generic]) -> dict[str, NDArray[np.generic]]:
        """Run the graph on a batch."""
        start = perf_counter()
        found = self._session(**tensors)
        self.seconds += perf_counter() - start
        return found


BACKENDS: dict[str, Callable[..., Session]] = {  # each is called with card and threads
    'onnxruntime': OnnxSession,
    'openvino': OpenVinoSession,
    'tensorrt': TensorRtSession,
}
PRECISIONS = ('fp32', 'fp16')
FP16_TOO = ('tensorrt',)  # backends that also take a precision
BEST, OTHERS = 'tensorrt', ('onnxruntime', 'openvino')  # what 'auto' tries, see `choice`


def open_session(
    card: ModelCard, backend: str = 'auto', threads: int = 0, precision: str = 'fp32'
) -> Session:
    """
    Load a card's graph into a backend.

    :param backend: a key of `BACKENDS`, or 'auto' for the best that works here; the log says
        which that is and why
    :param threads: CPU threads for one call, 0 for the library's choice
    :param precision: one of `PRECISIONS`; 'auto' takes it as a wish
    :raises BackendUnavailableError: no such backend, or it cannot run here
    :raises ModelError: the graph cannot be loaded or disagrees with its card
    """
    if precision not in PRECISIONS:
        raise BackendUnavailableError(
            f'precision {precision!r} is unknown; choose one of {", ".join(PRECISIONS)}'
        )
    if backend == 'auto':
        return _best_session(card, threads, precision)
    if backend not in BACKENDS:
        raise BackendUnavailableError(
            f'backend {backend!r} is unknown; choose auto or one of {", ".join(BACKENDS)}'
        )
    if backend in FP16_TOO:
        return BACKENDS[backend](card, threads, precision)
    if precision != 'fp32':
        raise BackendUnavailableError(
            f'backend {backend} computes in fp32; {precision} needs {" or ".join(FP16_TOO)}'
        )
    return BACKENDS[backend](card, threads)


def _best_session(card: ModelCard, threads: int, precision: str) -> Session:
    def opener(name: str) -> Callable[[], Session]:
        wanted = precision if name in FP16_TOO else 'fp32'
        return lambda: open_session(card, name, threads, wanted)

    return chosen(card, {name: opener(name) for name in (BEST, *OTHERS)}, BEST, OTHERS)
