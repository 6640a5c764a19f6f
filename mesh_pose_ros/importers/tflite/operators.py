"""
What each TFLite operator is in ONNX.

TFLite keeps images as NHWC, ONNX as NCHW. Every four-dimensional value is therefore held as
NCHW from the first to the last layer, and only a RESHAPE of an image with pixels needs a
Transpose. A PAD waits until somebody reads it: a convolution takes it over for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import tflite
from numpy.typing import NDArray

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.importers.onnx_graph import OnnxGraph
from mesh_pose_ros.importers.tflite.reader import Network, Operator

CHANNELS_FIRST = (0, 3, 1, 2)  # NHWC -> NCHW
CHANNELS_LAST = (0, 2, 3, 1)  # NCHW -> NHWC
AXIS_IN_NCHW = {0: 0, 1: 2, 2: 3, 3: 1}

Pads = tuple[int, int, int, int]  # top, left, bottom, right: the order of ONNX
NO_PADS: Pads = (0, 0, 0, 0)


@dataclass(frozen=True)
class Value:
    """
    A tensor of the TFLite file in the ONNX graph.

    :param name: in the ONNX graph; NCHW if there are four dimensions
    :param shape: as TFLite says it (NHWC), ``pads`` included
    :param pads: zeros that still have to be added round the image
    """

    name: str
    shape: tuple[int, ...]
    pads: Pads = NO_PADS


@dataclass(frozen=True)
class Step:
    """An operator with all that is needed to write it."""

    operator: Operator
    network: Network
    graph: OnnxGraph
    values: dict[int, Value]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output, as TFLite says it."""
        return self.network.shapes[self.operator.outputs[0]]

    def option(self, name: str) -> int:
        """Return an option of the operator."""
        return self.operator.options[name]

    def constant(self, place: int) -> NDArray[np.generic]:
        """Return an input which must be a constant."""
        return self.network.constants[self.operator.inputs[place]]

    def padded(self, place: int = 0) -> Value:
        """Return an input; its pads may still wait."""
        return self.values[self.operator.inputs[place]]

    def plain(self, place: int = 0) -> str:
        """Return the name of an input with its pads written."""
        number = self.operator.inputs[place]
        if number in self.network.constants:
            return self.graph.constant(channels_first(self.network.constants[number]))
        value = self.values[number]
        if value.pads == NO_PADS:
            return value.name
        top, left, bottom, right = value.pads
        return self.graph.add('Pad', value.name, [0, 0, top, left, 0, 0, bottom, right])


def channels_first(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Turn a four-dimensional NHWC array to NCHW; leave others as they are."""
    return array.transpose(CHANNELS_FIRST) if array.ndim == 4 else array


def write(step: Step) -> Value:
    """
    Write one operator into the graph.

    :raises ModelError: the operator is not known here
    """
    kind = step.operator.kind
    if kind not in OPERATORS:
        raise ModelError(f'TFLite operator {kind} is not known, only {", ".join(OPERATORS)}')
    value = OPERATORS[kind](step)
    activation = step.operator.options.get('FusedActivationFunction', 0)
    return replace(value, name=ACTIVATIONS[activation](step.graph, value.name))


def _convolution(step: Step) -> Value:
    weights = step.constant(1).transpose(0, 3, 1, 2)  # TFLite: output, height, width, input
    return _convolve(step, weights, group=1)


def _depthwise_convolution(step: Step) -> Value:
    weights = step.constant(1).transpose(3, 0, 1, 2)  # TFLite: 1, height, width, channel
    return _convolve(step, weights, group=step.padded().shape[3])


def _convolve(step: Step, weights: NDArray[np.generic], group: int) -> Value:
    source = step.padded()
    dilation = (step.option('DilationHFactor'), step.option('DilationWFactor'))
    extent = [(size - 1) * d + 1 for size, d in zip(weights.shape[2:], dilation)]
    name = step.graph.add(
        'Conv',
        source.name,
        weights,
        step.constant(2),
        group=group,
        kernel_shape=weights.shape[2:],
        strides=(step.option('StrideH'), step.option('StrideW')),
        dilations=dilation,
        pads=_sum(source.pads, _same_pads(step, extent)),
    )
    return Value(name, step.shape)


def _same_pads(step: Step, extent: list[int]) -> Pads:
    """Return the zeros that SAME means; where their number is odd, the end gets one more."""
    if step.option('Padding') == tflite.Padding.VALID:
        return NO_PADS
    strides = (step.option('StrideH'), step.option('StrideW'))
    totals = [
        max((-(-size // stride) - 1) * stride + reach - size, 0)
        for size, stride, reach in zip(step.padded().shape[1:3], strides, extent)
    ]
    top, left = (total // 2 for total in totals)
    return top, left, totals[0] - top, totals[1] - left


def _sum(first: Pads, second: Pads) -> Pads:
    top, left, bottom, right = (int(a + b) for a, b in zip(first, second))
    return top, left, bottom, right


def _max_pool(step: Step) -> Value:
    kernel = [step.option('FilterHeight'), step.option('FilterWidth')]
    name = step.graph.add(
        'MaxPool',
        step.plain(),
        kernel_shape=kernel,
        strides=(step.option('StrideH'), step.option('StrideW')),
        pads=_same_pads(step, kernel),
    )
    return Value(name, step.shape)


def _pad(step: Step) -> Value:
    before, after = step.constant(1).T.tolist()
    if before[0] or after[0] or before[3] or after[3]:
        raise ModelError('PAD of the batch or of channels is not known')
    source = step.padded()
    return Value(source.name, step.shape, _sum(source.pads, (*before[1:3], *after[1:3])))


def _add(step: Step) -> Value:
    return Value(step.graph.add('Add', step.plain(0), step.plain(1)), step.shape)


def _logistic(step: Step) -> Value:
    return Value(step.graph.add('Sigmoid', step.plain()), step.shape)


def _concatenate(step: Step) -> Value:
    axis = step.option('Axis') % len(step.shape)
    names = [step.plain(i) for i in range(len(step.operator.inputs))]
    at = AXIS_IN_NCHW[axis] if len(step.shape) == 4 else axis
    return Value(step.graph.add('Concat', *names, axis=at), step.shape)


def _depth_to_space(step: Step) -> Value:
    block = step.option('BlockSize')
    name = step.graph.add('DepthToSpace', step.plain(), blocksize=block, mode='DCR')
    return Value(name, step.shape)


def _resize_bilinear(step: Step) -> Value:
    scales = [after / before for after, before in zip(step.shape, step.padded().shape)]
    name = step.graph.add(
        'Resize',
        step.plain(),
        np.zeros(0),
        np.array([1.0, 1.0, *scales[1:3]]),
        mode='linear',
        coordinate_transformation_mode=_pixel_rule(step),
    )
    return Value(name, step.shape)


def _pixel_rule(step: Step) -> str:
    if step.option('AlignCorners'):
        return 'align_corners'
    return 'half_pixel' if step.option('HalfPixelCenters') else 'asymmetric'


def _reshape(step: Step) -> Value:
    source = step.padded()
    if len(step.shape) == 4 or step.shape[0] != source.shape[0]:
        raise ModelError(f'RESHAPE to {step.shape}: only flattening of images is known')
    name = step.plain()
    if len(source.shape) == 4 and source.shape[1:3] != (1, 1):
        name = step.graph.add('Transpose', name, perm=CHANNELS_LAST)
    # 0 keeps the batch axis, whatever its length
    return Value(step.graph.add('Reshape', name, [0, *step.shape[1:]]), step.shape)


OPERATORS: dict[str, Callable[[Step], Value]] = {
    'ADD': _add,
    'CONCATENATION': _concatenate,
    'CONV_2D': _convolution,
    'DEPTH_TO_SPACE': _depth_to_space,
    'DEPTHWISE_CONV_2D': _depthwise_convolution,
    'LOGISTIC': _logistic,
    'MAX_POOL_2D': _max_pool,
    'PAD': _pad,
    'RESHAPE': _reshape,
    'RESIZE_BILINEAR': _resize_bilinear,
}
ACTIVATIONS: dict[int, Callable[[OnnxGraph, str], str]] = {
    tflite.ActivationFunctionType.NONE: lambda graph, name: name,
    tflite.ActivationFunctionType.RELU: lambda graph, name: graph.add('Relu', name),
    tflite.ActivationFunctionType.RELU6: lambda graph, name: graph.add('Clip', name, 0.0, 6.0),
}
