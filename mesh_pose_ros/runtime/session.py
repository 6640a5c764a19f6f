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
from mesh_pose_ros.runtime.onnx_session import OnnxSession
from mesh_pose_ros.runtime.openvino_session import OpenVinoSession

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


BACKENDS: dict[str, Callable[[ModelCard, int], Session]] = {
    'onnxruntime': OnnxSession,
    'openvino': OpenVinoSession,
}


def open_session(card: ModelCard, backend: str = 'auto', threads: int = 0) -> Session:
    """
    Load a card's graph into a backend.

    :param backend: a key of `BACKENDS`, or 'auto' for the best that works here
    :param threads: CPU threads for one call, 0 for the library's choice
    :raises BackendUnavailableError: no such backend, or it cannot run here
    :raises ModelError: the graph cannot be loaded or disagrees with its card
    """
    name = 'onnxruntime' if backend == 'auto' else backend
    if name not in BACKENDS:
        raise BackendUnavailableError(
            f'backend {backend!r} is unknown; choose auto or one of {", ".join(BACKENDS)}'
        )
    return BACKENDS[name](card, threads)
