"""ONNX Runtime on the CPU: the backend that works everywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BackendUnavailableError, ModelError
from mesh_pose_ros.runtime.agreement import TensorInfo, check_agreement
from mesh_pose_ros.runtime.card import ModelCard

ERROR = 3  # onnxruntime's severity: its warnings are about the graph's taste


class OnnxSession:
    """A graph in ONNX Runtime. See `mesh_pose_ros.runtime.session.Session`."""

    backend = 'onnxruntime'

    def __init__(self, card: ModelCard, threads: int = 0) -> None:
        try:
            import onnxruntime as ort
        except ImportError as err:
            raise BackendUnavailableError(
                'ONNX Runtime is not installed: pip install onnxruntime'
            ) from err
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = ERROR
        # idle threads that spin would steal the core from the node's own work
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        try:
            self._session = ort.InferenceSession(
                str(card.path), options, providers=['CPUExecutionProvider']
            )
        except Exception as err:  # onnxruntime's own exception classes are private
            raise ModelError(
                f'{card.path}: ONNX Runtime cannot load the graph, copy or make it again: {err}'
            ) from err
        inputs = {i.name: _info(i) for i in self._session.get_inputs()}
        outputs = {o.name: _info(o) for o in self._session.get_outputs()}
        check_agreement(card, inputs, outputs)
        self.inputs = tuple(inputs)
        self.outputs = tuple(name for name in outputs if name in card.outputs)

    def __call__(self, **tensors: NDArray[np.generic]) -> dict[str, NDArray[np.generic]]:
        """Run the graph on a batch; only outputs the card names are computed."""
        feed = {name: tensors[name] for name in self.inputs}
        return dict(zip(self.outputs, self._session.run(self.outputs, feed), strict=True))


def _info(node) -> TensorInfo:  # type: ignore[no-untyped-def]  # onnxruntime's NodeArg
    kind = node.type.removeprefix('tensor(').removesuffix(')')
    return TensorInfo(node.shape, {'float': 'float32', 'double': 'float64'}.get(kind, kind))
