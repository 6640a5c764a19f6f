"""
A graph in float16, made from its float32 file.

Inputs and outputs stay as they are. So do numbers that are places, for float16 has three digits:
what computes where to look into an image, and what comes after the last layer with weights, where
maps become pixels and metres.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from typing import TYPE_CHECKING

from mesh_pose_ros.errors import BackendUnavailableError, ModelError
from mesh_pose_ros.runtime.card import ModelCard

if TYPE_CHECKING:
    import onnx

WEIGHTY = {'Conv', 'ConvTranspose', 'Gemm', 'MatMul'}  # with an array of the file
LOOKING = 'GridSample'


def in_half_precision(card: ModelCard) -> bytes:
    """
    Make the float16 graph of a model.

    :raises BackendUnavailableError: what makes it is not installed
    :raises ModelError: the graph cannot be read
    """
    try:
        import onnx
        from onnxruntime.transformers.float16 import convert_float_to_float16
    except ImportError as err:
        raise BackendUnavailableError(
            f"float16 needs the packages onnx and onnxruntime ({err}): pip install 'onnx>=1.16'"
        ) from err
    try:
        model = onnx.load(card.path)
    except Exception as err:  # protobuf's and onnx's own kinds
        raise ModelError(f'{card.path}: is no ONNX graph, copy or make it again: {err}') from err
    _widen(model.graph)
    for node in model.graph.node:
        node.name = node.name or node.output[0]
    exact = sorted(places(model.graph))
    with warnings.catch_warnings():  # weights too small for float16 become the smallest ones
        warnings.simplefilter('ignore')
        half = convert_float_to_float16(model, keep_io_types=True, node_block_list=exact)
    del half.graph.value_info[:]  # which still tell the old types
    return bytes(half.SerializeToString())


def _widen(graph: onnx.GraphProto) -> None:
    """Keep in float32 again what is kept in float16 and cast when the graph is loaded."""
    from onnx import TensorProto, numpy_helper

    halves = {t.name: t for t in graph.initializer if t.data_type == TensorProto.FLOAT16}
    kept = []
    for node in graph.node:
        if node.op_type == 'Cast' and node.input[0] in halves:
            wide = numpy_helper.to_array(halves[node.input[0]]).astype('float32')
            graph.initializer.append(numpy_helper.from_array(wide, node.output[0]))
        else:
            kept.append(node)
    if len(kept) == len(graph.node):
        return
    used = {name for node in kept for name in node.input}
    arrays = [t for t in graph.initializer if t.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(kept)
    graph.initializer.extend(arrays)


def places(graph: onnx.GraphProto) -> set[str]:
    """Names of the nodes that must stay in float32."""
    return _after_the_weights(graph) | _before_looking(graph)


def _after_the_weights(graph: onnx.GraphProto) -> set[str]:
    users = defaultdict(list)
    arrays = {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        for name in node.input:
            users[name].append(node)
    found: set[str] = set()
    for node in reversed(graph.node):
        following = [user for name in node.output for user in users[name]]
        weighty = node.op_type in WEIGHTY and not arrays.isdisjoint(node.input)
        if not weighty and all(user.name in found for user in following):
            found.add(node.name)
    return found


def _before_looking(graph: onnx.GraphProto) -> set[str]:
    makers = {name: node for node in graph.node for name in node.output}
    waiting = [node for node in graph.node if node.op_type == LOOKING]
    found: set[str] = set()
    while waiting:
        node = waiting.pop()
        if node.name not in found:
            found.add(node.name)
            waiting += [makers[name] for name in node.input if name in makers]
    return found
