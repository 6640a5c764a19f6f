"""What a graph must be so that TensorRT 10 on JetPack and TensorRT 11 compile it."""

from __future__ import annotations

from collections.abc import Iterator

import onnx

NEWEST_OPSET = 20
REFUSED = {
    'NonMaxSuppression', 'NonZero', 'Det', 'AffineGrid', 'ScatterND', 'Loop', 'If', 'Inverse',
}  # fmt: skip


def broken_rules(model: onnx.ModelProto) -> list[str]:
    """Name every rule that a graph breaks, and where; empty if none."""
    return [*_operators(model), *_bytes(model), *_grids(model), *_batches(model)]


def _operators(model: onnx.ModelProto) -> Iterator[str]:
    newest = max(entry.version for entry in model.opset_import)
    if newest > NEWEST_OPSET:
        yield f'opset {newest} is newer than {NEWEST_OPSET}'
    for node in model.graph.node:
        if node.op_type in REFUSED:
            yield f'node {node.name or node.output[0]}: {node.op_type} is not compiled everywhere'


def _bytes(model: onnx.ModelProto) -> Iterator[str]:
    """Bytes must be cast before anything else is done with them."""
    images = {
        value.name
        for value in model.graph.input
        if value.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    }
    for node in model.graph.node:
        if images & set(node.input) and node.op_type not in ('Cast', 'Shape'):
            yield f'node {node.name or node.output[0]}: {node.op_type} of bytes, cast first'


def _grids(model: onnx.ModelProto) -> Iterator[str]:
    grids = [node for node in model.graph.node if node.op_type == 'GridSample']
    if not grids:
        return
    ranks = {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in onnx.shape_inference.infer_shapes(model).graph.value_info
    }
    for node in grids:
        if ranks.get(node.input[0], 4) != 4:
            yield f'node {node.name or node.output[0]}: GridSample in a volume'


def _batches(model: onnx.ModelProto) -> Iterator[str]:
    for tensor in (*model.graph.input, *model.graph.output):
        if not tensor.type.tensor_type.shape.dim[0].dim_param:
            yield f'{tensor.name}: its batch is fixed'
