"""ONNX Runtime on the CPU: the backend that works everywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BackendUnavailableError, ModelError
from mesh_pose_ros.runtime.card import ModelCard


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
        options.log_severity_level = 3
        # idle threads that spin would steal the core from the node's own work
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        try:
            self._session = ort.InferenceSession(
                str(card.path), options, providers=['CPUExecutionProvider']
            )
        except Exception as err:  # onnxruntime's own exception classes are private
            raise ModelError(f'{card.path}: ONNX Runtime cannot load the graph: {err}') from err
        self.inputs = tuple(i.name for i in self._session.get_inputs())
        self.outputs = tuple(o.name for o in self._session.get_outputs())
        _check_against(card, self._session)

    def __call__(self, **tensors: NDArray[np.generic]) -> dict[str, NDArray[np.generic]]:
        """Run the graph on a batch."""
        values = self._session.run(None, {name: tensors[name] for name in self.inputs})
        return dict(zip(self.outputs, values, strict=True))


def _check_against(card: ModelCard, session) -> None:  # type: ignore[no-untyped-def]
    """Raise `ModelError` where graph and card tell different stories."""
    missing = sorted(set(card.outputs) - {o.name for o in session.get_outputs()})
    if missing:
        raise ModelError(
            f'{card.path}: the card promises outputs {missing} that the graph does not have'
        )
    shapes = {i.name: i.shape for i in session.get_inputs()}
    if card.image:
        if 'image' not in shapes:
            raise ModelError(f"{card.path}: the card describes an input 'image', graph has none")
        size = [card.image.height, card.image.width]
        axes = slice(1, 3) if card.image.layout == 'nhwc' else slice(2, 4)
        if any(isinstance(g, int) and g != c for g, c in zip(shapes['image'][axes], size)):
            raise ModelError(
                f'{card.path}: the card says images of {size}, the graph takes {shapes["image"]}'
            )
    outputs = {o.name: o.shape for o in session.get_outputs()}
    for name in ('joints2d', 'joints3d', 'confidence'):
        found = outputs.get(name, [None, None])[1] if name in card.outputs else None
        if card.skeleton and isinstance(found, int) and found != len(card.skeleton):
            raise ModelError(
                f'{card.path}: {name} has {found} joints, the card\'s skeleton '
                f'{card.skeleton.name} has {len(card.skeleton)}'
            )
