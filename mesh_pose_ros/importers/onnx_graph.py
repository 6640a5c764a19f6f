"""
An ONNX graph under construction: call `OnnxGraph.add` for each step, then `OnnxGraph.model`.

Values are named by the graph; numbers and arrays among the inputs become constants.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17  # TensorRT 10 on JetPack 6 reads 9 to 20; reductions take their axes as below
IR_VERSION = 8  # what came with opset 17, so that runtimes of that age load the file
BATCH = 'N'  # the symbolic first axis of every input and output

TYPES = {'uint8': TensorProto.UINT8, 'float32': TensorProto.FLOAT}


class OnnxGraph:
    """
    Nodes and constants collected one after the other.

    :param name: of the graph; shown by viewers
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, dtype: str, *shape: int) -> str:
        """Declare an input of the graph; ``shape`` is without the batch axis."""
        self._inputs.append(helper.make_tensor_value_info(name, TYPES[dtype], [BATCH, *shape]))
        return name

    def output(self, name: str, value: str, *shape: int) -> None:
        """Give a float32 value out under a name; ``shape`` is without the batch axis."""
        self._nodes.append(helper.make_node('Identity', [value], [name]))
        self._outputs.append(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [BATCH, *shape])
        )

    def add(self, operator: str, *inputs: str | ArrayLike, **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        output = f'{operator.lower()}_{len(self._nodes)}'
        self._nodes.append(helper.make_node(operator, names, [output], name=output, **attributes))
        return output

    def constant(self, value: ArrayLike) -> str:
        """Store an array; floats become float32, other numbers int64."""
        array: NDArray[Any] = np.asarray(value)
        dtype = np.float32 if array.dtype.kind == 'f' else np.int64
        name = f'constant_{len(self._constants)}'
        contents = np.ascontiguousarray(array, dtype=dtype).reshape(array.shape)
        self._constants.append(numpy_helper.from_array(contents, name))
        return name

    def slice(self, value: str, axis: int, start: int, stop: int) -> str:
        """Take the part of a value with ``start <= index < stop`` along one axis."""
        return self.add('Slice', value, [start], [stop], [axis])

    def model(self, description: str) -> onnx.ModelProto:
        """Return the finished model, checked."""
        graph = helper.make_graph(
            self._nodes, self._name, self._inputs, self._outputs, self._constants
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid('', OPSET)],
            ir_version=IR_VERSION,
            producer_name='mesh_pose_ros',
            doc_string=description,
        )
        onnx.checker.check_model(model, full_check=True)
        return model
