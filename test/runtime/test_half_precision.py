"""The float16 graph says what the float32 one says, and keeps places exact."""

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.pipeline.frame_graph import with_crops_inside
from mesh_pose_ros.runtime.card import read_card
from mesh_pose_ros.runtime.half_precision import WEIGHTY, in_half_precision

MODELS = Path(__file__).parents[2] / 'models'
# ONNX Runtime computes much of float16 in float32, so a GPU is off by more; shares of the range
SHARE = 0.05


def session_of(graph):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options)


def types_in(graph):
    """Element type of every tensor between nodes, and of weights."""
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(graph), data_prop=True)
    values = [*model.graph.value_info, *model.graph.output, *model.graph.input]
    found = {value.name: value.type.tensor_type.elem_type for value in values}
    return model.graph, found | {t.name: t.data_type for t in model.graph.initializer}


def weighty_in(graph):
    arrays = {tensor.name for tensor in graph.initializer}
    return [n for n in graph.node if n.op_type in WEIGHTY and not arrays.isdisjoint(n.input)]


@pytest.fixture(scope='module', params=['own_pose', 'own_detector', 'open_body_lift'])
def shipped(request):
    card = read_card(MODELS / f'{request.param}.yaml')
    return card, in_half_precision(card)


def example(card):
    generator = np.random.default_rng(3)
    if card.image is None:
        joints = len(card.skeleton)
        return {
            'joints3d': generator.normal(0, 0.3, (2, joints, 3)).astype(np.float32),
            'confidence': np.ones((2, joints), np.float32),
        }
    _, frame = cv2.VideoCapture(str(MODELS.parent / 'demo' / 'people.mp4')).read()
    size = (card.image.width, card.image.height)
    parts = (frame, frame[:, 200:440])
    return {'image': np.stack([cv2.resize(part, size)[..., ::-1] for part in parts])}


def test_it_says_what_float32_says(shipped):
    card, graph = shipped
    feed, names = example(card), list(card.outputs)
    told, wanted = (session_of(g).run(names, feed) for g in (graph, card.path.read_bytes()))
    for name, found, true in zip(names, told, wanted, strict=True):
        assert found.dtype == true.dtype
        if name == 'scores':  # of two neighbours that float16 finds equal, none is silenced
            silent = (found == 0) != (true == 0)
            assert silent.mean() < 0.01
            for row, cell in zip(*np.nonzero(silent)):
                one, other = (found, true) if found[row, cell] else (true, found)
                assert np.abs(other[row] - one[row, cell]).min() < 2e-3, 'no neighbour is like it'
            found, true = found[~silent], true[~silent]
        extent = max(np.ptp(true), np.abs(true).max())
        assert np.abs(found - true).max() <= SHARE * extent, name
        assert not np.array_equal(found, true), name  # it is another graph


def test_weights_are_halved_and_nothing_else_is_lost(shipped):
    _, graph = shipped
    nodes, kinds = types_in(graph)
    numbers = sum(math.prod(t.dims) for t in nodes.initializer)
    assert len(graph) < 0.62 * numbers * np.dtype(np.float32).itemsize
    weighty = weighty_in(nodes)
    assert weighty
    assert {kinds[name] for node in weighty for name in node.input[:2] if name in kinds} == {
        TensorProto.FLOAT16
    }


def test_what_follows_the_weights_stays_exact(shipped):
    _, graph = shipped
    nodes, kinds = types_in(graph)
    last = max(i for i, node in enumerate(nodes.node) if node in weighty_in(nodes))
    after = [node for node in nodes.node[last + 1 :] if node.op_type != 'Cast']
    assert TensorProto.FLOAT16 not in {kinds.get(name) for node in after for name in node.output}


def test_where_to_look_stays_exact(tmp_path):
    card = with_crops_inside(read_card(MODELS / 'own_pose.yaml'), (640, 480), tmp_path)
    nodes, kinds = types_in(in_half_precision(card))
    looks = [node for node in nodes.node if node.op_type == 'GridSample']
    assert looks
    assert {kinds[name] for node in looks for name in node.input} == {TensorProto.FLOAT}


def test_a_file_that_is_no_graph_is_refused(card):
    card.path.write_bytes(b'no graph')
    with pytest.raises(ModelError, match=r'statue\.onnx: is no ONNX graph'):
        in_half_precision(card)


def test_a_missing_file_is_refused(card, tmp_path):
    with pytest.raises(ModelError, match=r'gone\.onnx'):
        in_half_precision(replace(card, path=tmp_path / 'gone.onnx'))
