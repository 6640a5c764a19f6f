"""Write networks as ONNX files that keep to the rules of the card's contract."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET = 18
LARGE = 256  # numbers; smaller arrays are not worth a cast
HALF_LIMIT = float(np.finfo(np.float16).max)


def write_graph(
    graph: nn.Module, inputs: dict[str, Tensor], path: Path, half_weights: bool = False
) -> None:
    """
    Write a graph with a symbolic batch axis.

    :param graph: has ``outputs``, the names of what it returns
    :param inputs: examples by name, two of each
    :param half_weights: keep weights in float16 and cast them when the graph is loaded: a file of
        half the size that computes in float32 all the same
    """
    batch = torch.export.Dim('batch', min=1, max=4096)
    with _in_use(graph), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        program = torch.onnx.export(
            graph,
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=list(graph.outputs),
            dynamic_shapes=tuple({0: batch} for _ in inputs),
            opset_version=OPSET,
            dynamo=True,
            optimize=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    del model.metadata_props[:]
    for node in model.graph.node:  # stack traces of this machine
        del node.metadata_props[:]
        node.doc_string = ''
    if half_weights:
        halve_weights(model.graph)
    onnx.checker.check_model(model)
    onnx.save_model(model, path)


@contextmanager
def _in_use(graph: nn.Module) -> Iterator[None]:
    """Out of training, and afterwards as it was: parts may learn while others rest."""
    were = [(module, module.training) for module in graph.modules()]
    graph.eval()
    try:
        yield
    finally:
        for module, training in were:
            module.training = training


def halve_weights(graph: onnx.GraphProto) -> None:
    """Keep large arrays of float32 in float16, each with a cast back."""
    casts = []
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.size < LARGE or np.abs(array).max() > HALF_LIMIT:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), f'{name}.half'))
        casts.append(
            helper.make_node('Cast', [tensor.name], [name], f'{name}.cast', to=TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
