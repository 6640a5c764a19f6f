"""Write networks as ONNX files that keep to the rules of the card's contract."""

from __future__ import annotations

import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

OPSET = 18


def write_graph(graph: nn.Module, inputs: dict[str, Tensor], path: Path) -> None:
    """
    Write a graph with a symbolic batch axis.

    :param graph: has ``outputs``, the names of what it returns
    :param inputs: examples by name, two of each
    """
    batch = torch.export.Dim('batch', min=1, max=4096)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        program = torch.onnx.export(
            graph.eval(),
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
    onnx.checker.check_model(model)
    onnx.save_model(model, path)
