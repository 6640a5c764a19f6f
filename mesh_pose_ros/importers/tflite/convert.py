"""Write a TFLite network into an ONNX graph, with a batch axis of any length."""

from __future__ import annotations

from collections.abc import Sequence

from mesh_pose_ros.importers.onnx_graph import OnnxGraph
from mesh_pose_ros.importers.tflite.operators import Step, Value, write
from mesh_pose_ros.importers.tflite.reader import Network, Operator


def add_network(
    graph: OnnxGraph, network: Network, image: str, outputs: Sequence[int]
) -> list[str]:
    """
    Add what is needed of a network to a graph.

    :param image: name of the network's input in the graph, NCHW float32, (N, C, H, W)
    :param outputs: which of the network's outputs to compute, by their place in its list;
        branches that lead to none of them are left out
    :return: names of these outputs; those with four dimensions are NCHW
    :raises ModelError: the network has an operator that is not known
    """
    wanted = [network.outputs[place] for place in outputs]
    values = {network.inputs[0]: Value(image, network.shapes[network.inputs[0]])}
    for operator in _leading_to(wanted, network):
        values[operator.outputs[0]] = write(Step(operator, network, graph, values))
    return [values[number].name for number in wanted]


def _leading_to(wanted: Sequence[int], network: Network) -> list[Operator]:
    """Return the operators on the way to some tensors, in the order of the file."""
    needed = set(wanted)
    kept = []
    for operator in reversed(network.operators):
        if needed & set(operator.outputs):
            needed |= set(operator.inputs)
            kept.append(operator)
    return kept[::-1]
