"""Operators that are not known are named, and SAME pads as TensorFlow does."""

import numpy as np
import pytest

pytest.importorskip('tflite', reason='tflite is not installed: pip install tflite onnx')

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.importers.onnx_graph import OnnxGraph
from mesh_pose_ros.importers.tflite.convert import add_network
from mesh_pose_ros.importers.tflite.reader import Network, Operator

POOL = {'FilterHeight': 2, 'FilterWidth': 2, 'StrideH': 2, 'StrideW': 2}


def network_of(*operators, shapes, constants=None):
    return Network((0,), (len(shapes) - 1,), shapes, constants or {}, operators)


def run(network, image):
    ort = pytest.importorskip('onnxruntime')
    graph = OnnxGraph('test')
    channels, height, width = image.shape[1:]
    name = graph.input('image', 'float32', channels, height, width)
    (out,) = add_network(graph, network, name, outputs=(0,))
    shape = network.shapes[-1]
    sizes = shape[1:] if len(shape) != 4 else (shape[3], *shape[1:3])
    graph.output('out', out, *sizes)
    session = ort.InferenceSession(graph.model('test').SerializeToString())
    return session.run(None, {'image': image})[0]


def convolution(stride, padding):
    options = {'StrideH': stride, 'StrideW': stride, 'Padding': padding,
               'DilationHFactor': 1, 'DilationWFactor': 1}  # fmt: skip
    return Operator('CONV_2D', (0, 1, 2), (3,), options)


@pytest.mark.parametrize(
    ('size', 'stride', 'first'),
    [
        (4, 1, 4),  # one zero at each side
        (4, 2, 9),  # an odd number of zeros: the one goes to the end
        (5, 2, 4),  # an even one again
    ],
)
def test_same_puts_the_odd_zero_at_the_end(size, stride, first):
    out = -(-size // stride)
    ones = {1: np.ones((1, 3, 3, 1), np.float32), 2: np.zeros(1, np.float32)}
    shapes = ((1, size, size, 1), (1, 3, 3, 1), (1,), (1, out, out, 1))
    network = network_of(convolution(stride, padding=0), shapes=shapes, constants=ones)
    result = run(network, np.ones((1, 1, size, size), np.float32))
    assert result.shape == (1, 1, out, out)
    assert result[0, 0, 0, 0] == first


@pytest.mark.parametrize('kind', ['CONV_2D', 'MAX_POOL_2D'])
def test_a_pad_is_seen_by_whoever_reads_it(kind):
    shapes = [(1, 4, 4, 1), (4, 2), (1, 6, 6, 1)]
    pads = np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)
    pad = Operator('PAD', (0, 1), (2,), {})
    if kind == 'CONV_2D':
        constants = {1: pads, 3: np.ones((1, 1, 1, 1), np.float32), 4: np.zeros(1, np.float32)}
        options = convolution(1, padding=1).options
        reader = Operator(kind, (2, 3, 4), (5,), options)
        shapes += [(1, 1, 1, 1), (1,), (1, 6, 6, 1)]
    else:
        constants = {1: pads}
        reader = Operator(kind, (2,), (3,), {**POOL, 'Padding': 1})
        shapes += [(1, 3, 3, 1)]
    network = network_of(pad, reader, shapes=tuple(shapes), constants=constants)
    result = run(network, np.ones((2, 1, 4, 4), np.float32))
    assert result.shape == (2, 1, *shapes[-1][1:3])
    assert result.sum() == 2 * (16 if kind == 'CONV_2D' else 9)


def test_names_an_operator_that_is_not_known():
    network = network_of(Operator('GATHER_ND', (0,), (1,), {}), shapes=((1, 2), (1, 2)))
    with pytest.raises(ModelError, match='GATHER_ND'):
        add_network(OnnxGraph('test'), network, 'image', outputs=(0,))


def test_leaves_out_what_leads_nowhere():
    lost = Operator('GATHER_ND', (0,), (2,), {})
    kept = Operator('LOGISTIC', (0,), (1,), {})
    network = Network((0,), (1,), ((1, 1, 1, 1),) * 3, {}, (lost, kept))
    assert run(network, np.zeros((1, 1, 1, 1), np.float32)) == pytest.approx(0.5)
