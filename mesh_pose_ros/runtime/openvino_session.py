"""
OpenVINO on the CPU: an optional backend, mostly as fast as ONNX Runtime and often faster.

It computes in float32 here. Its own choice on some processors is bfloat16, whose three digits are
two pixels in a crop; who wants that asks for `precision`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BackendUnavailableError, ModelError
from mesh_pose_ros.runtime.agreement import TensorInfo, check_agreement
from mesh_pose_ros.runtime.card import ModelCard

DEVICE = 'CPU'


class OpenVinoSession:
    """A graph in OpenVINO. See `mesh_pose_ros.runtime.session.Session`."""

    backend = 'openvino'

    def __init__(self, card: ModelCard, threads: int = 0, precision: str = 'f32') -> None:
        try:
            import openvino
        except ImportError as err:
            raise BackendUnavailableError(
                'OpenVINO is not installed: pip install openvino'
            ) from err
        core = openvino.Core()
        settings = {'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_PRECISION_HINT': precision}
        if threads:
            settings['INFERENCE_NUM_THREADS'] = str(threads)
        try:
            model = core.read_model(card.path)
            inputs = {port.any_name: _info(port) for port in model.inputs}
            outputs = {port.any_name: _info(port) for port in model.outputs}
            check_agreement(card, inputs, outputs)
            self._compiled = core.compile_model(model, DEVICE, settings)
        except ModelError:
            raise
        except Exception as err:  # OpenVINO raises RuntimeError and its own kinds
            raise ModelError(
                f'{card.path}: OpenVINO cannot load the graph, copy or make it again: {err}'
            ) from err
        self._request = self._compiled.create_infer_request()
        self.inputs = tuple(inputs)
        self.outputs = tuple(name for name in outputs if name in card.outputs)

    def __call__(self, **tensors: NDArray[np.generic]) -> dict[str, NDArray[np.generic]]:
        """Run the graph on a batch; what is returned is the caller's."""
        feed = {name: np.ascontiguousarray(tensors[name]) for name in self.inputs}
        self._request.infer(feed, share_inputs=True)
        return {name: self._request.get_tensor(name).data.copy() for name in self.outputs}


def _info(port) -> TensorInfo:  # type: ignore[no-untyped-def]  # OpenVINO's Output
    shape = [side.get_length() if side.is_static else None for side in port.partial_shape]
    return TensorInfo(shape, np.dtype(port.element_type.to_dtype()).name)
