"""Written graphs: do they keep to the rules, and do they say outside torch what they say in it."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from training.graph_file import write_graph
from training.graph_rules import broken_rules

SHARE = 1e-3  # of an output's range, that ONNX Runtime and torch may differ by


def assert_exports(graph: nn.Module, inputs: dict[str, Tensor], folder: Path) -> dict[str, float]:
    """
    Write a graph and run it on one and on three examples.

    :param inputs: three examples of each
    :return: largest difference of each output as a share of its range
    """
    assert all(len(values) == 3 for values in inputs.values())
    path = folder / 'graph.onnx'
    write_graph(graph.eval(), {name: values[:2] for name, values in inputs.items()}, path)
    assert_keeps_the_rules(path)
    session = onnxruntime.InferenceSession(path)
    with torch.no_grad():
        wanted = [values.numpy() for values in graph(*inputs.values())]
    shares = dict.fromkeys(graph.outputs, 0.0)
    for count in (1, 3):
        told = session.run(None, {name: v[:count].numpy() for name, v in inputs.items()})
        for name, found, true in zip(graph.outputs, told, wanted, strict=True):
            assert found.shape == (count, *true.shape[1:]), name
            share = np.abs(found - true[:count]).max() / np.ptp(true)
            assert share <= SHARE, f'{name} differs by {share:.1e} of its range'
            shares[name] = max(shares[name], float(share))
    return shares


def assert_keeps_the_rules(path: Path) -> None:
    """Only what TensorRT 10 and 11 compile."""
    assert not broken_rules(onnx.load(path))
