"""
A TFLite file as plain values: constants as float32 arrays, operators with their options.

Half precision weights (DEQUANTIZE) and sparse ones (DENSIFY) are expanded while reading, so
what follows sees only operators that compute something.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.importers.tflite.sparsity import Compressed, Dense, Level, expand

DTYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
    tflite.TensorType.UINT8: np.uint8,
}
INDEX_VECTORS = {
    tflite.SparseIndexVector.Int32Vector: tflite.Int32Vector,
    tflite.SparseIndexVector.Uint16Vector: tflite.Uint16Vector,
    tflite.SparseIndexVector.Uint8Vector: tflite.Uint8Vector,
}
UNPACKING = ('DEQUANTIZE', 'DENSIFY')  # operators on constants only
OPERATOR_NAMES = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
OPTION_NAMES = {v: k for k, v in vars(tflite.BuiltinOptions).items() if isinstance(v, int)}


@dataclass(frozen=True)
class Operator:
    """
    One step of a network.

    :param kind: TFLite's name, e.g. 'CONV_2D'
    :param inputs, outputs: tensor numbers, -1 for an optional input that is not given
    :param options: TFLite's names of the options and their numbers, e.g. ``StrideH: 2``
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Network:
    """
    The main graph of a TFLite file.

    :param inputs, outputs: tensor numbers
    :param shapes: of every tensor, as the file gives them (images are NHWC, batch 1)
    :param constants: tensor number -> array
    :param operators: in an order in which they can run
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    constants: Mapping[int, NDArray[np.generic]]
    operators: tuple[Operator, ...]


def read_network(data: bytes) -> Network:
    """
    Read a TFLite file.

    :raises ModelError: not a TFLite file, or weights stored in a way that is not known here
    """
    if data[4:8] != b'TFL3':
        raise ModelError('not a TFLite file: the mark TFL3 is missing')
    model = tflite.Model.GetRootAs(data, 0)
    graph = model.Subgraphs(0)
    tensors = [graph.Tensors(i) for i in range(graph.TensorsLength())]
    constants = {i: a for i, t in enumerate(tensors) if (a := _constant(model, t)) is not None}
    operators = [_operator(model, graph.Operators(i)) for i in range(graph.OperatorsLength())]
    return Network(
        inputs=_numbers(graph.InputsAsNumpy()),
        outputs=_numbers(graph.OutputsAsNumpy()),
        shapes=tuple(_shape(t) for t in tensors),
        constants=_unpacked(constants, operators),
        operators=tuple(o for o in operators if o.kind not in UNPACKING),
    )


def _unpacked(
    constants: dict[int, NDArray[np.generic]], operators: list[Operator]
) -> dict[int, NDArray[np.generic]]:
    """Add the outputs of the operators that only unpack weights."""
    known = dict(constants)
    for operator in operators:
        if operator.kind in UNPACKING:
            if operator.inputs[0] not in known:
                raise ModelError(f'{operator.kind} of something else than a constant')
            known[operator.outputs[0]] = known[operator.inputs[0]]
    return {i: a.astype(np.float32) if a.dtype == np.float16 else a for i, a in known.items()}


def _constant(model: Any, tensor: Any) -> NDArray[np.generic] | None:
    data = model.Buffers(tensor.Buffer()).DataAsNumpy()
    if not isinstance(data, np.ndarray) or not data.size:
        return None
    if tensor.Type() not in DTYPES:
        raise ModelError(f'constant of TFLite type {tensor.Type()}: only floats and int32 known')
    values = np.frombuffer(data.tobytes(), dtype=DTYPES[tensor.Type()])
    if tensor.Sparsity() is None:
        return values.reshape(_shape(tensor))
    return expand(values, _shape(tensor), _levels(tensor))


def _levels(tensor: Any) -> list[Level]:
    sparsity = tensor.Sparsity()
    order = _numbers(sparsity.TraversalOrderAsNumpy())
    if sparsity.BlockMapLength() or order != tuple(range(len(_shape(tensor)))):
        raise ModelError('sparse weights in blocks or in another order than rows are not known')
    return [_level(sparsity.DimMetadata(i)) for i in range(len(order))]


def _level(dimension: Any) -> Level:
    if dimension.Format() == tflite.DimensionType.DENSE:
        return Dense(dimension.DenseSize())
    return Compressed(
        _indices(dimension.ArraySegmentsType(), dimension.ArraySegments()),
        _indices(dimension.ArrayIndicesType(), dimension.ArrayIndices()),
    )


def _indices(kind: int, table: Any) -> NDArray[np.int64]:
    vector = INDEX_VECTORS[kind]()
    vector.Init(table.Bytes, table.Pos)
    return np.asarray(vector.ValuesAsNumpy(), dtype=np.int64)


def _operator(model: Any, operator: Any) -> Operator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    return Operator(
        kind=OPERATOR_NAMES.get(number, f'operator {number}'),
        inputs=_numbers(operator.InputsAsNumpy()),
        outputs=_numbers(operator.OutputsAsNumpy()),
        options=_options(operator),
    )


def _options(operator: Any) -> dict[str, int]:
    """Read every number of an operator's options, whatever they are called."""
    table = operator.BuiltinOptions()
    kind = OPTION_NAMES[operator.BuiltinOptionsType()]
    if table is None or not hasattr(tflite, kind):
        return {}
    options = getattr(tflite, kind)()
    options.Init(table.Bytes, table.Pos)
    fields = [
        k
        for k, v in vars(type(options)).items()
        if k[0].isupper()
        and k != 'Init'
        and not isinstance(v, classmethod)
        and v.__code__.co_argcount == 1
    ]
    return {name: int(value) for name in fields if _is_number(value := getattr(options, name)())}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def _shape(tensor: Any) -> tuple[int, ...]:
    return _numbers(tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()


def _numbers(array: NDArray[np.integer]) -> tuple[int, ...]:
    return tuple(int(value) for value in array)
