"""NVIDIA's parser and builder take our graphs; nothing is run, that needs a GPU."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from nvidia import assert_compiles, need_compiler
from toy_models import SIDE, Graph, export_statue, stored

from mesh_pose_ros.errors import BackendUnavailableError, ModelError
from mesh_pose_ros.pipeline.frame_graph import with_crops_inside
from mesh_pose_ros.runtime.card import ImageInput, read_card, write_card
from mesh_pose_ros.runtime.tensorrt_build import Batches, batches_of, compiled
from mesh_pose_ros.runtime.tensorrt_library import library_for
from mesh_pose_ros.runtime.tensorrt_plans import PRECISIONS

MODELS = Path(__file__).parents[2] / 'models'
CARDS = sorted(MODELS.glob('*.yaml'))


@pytest.fixture
def tensorrt():
    """Library and target, in this process: for graphs of a few nodes."""
    need_compiler()
    return library_for(('SM89',))


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))


def build(tensorrt, card, progress=lambda phase, share: None):
    return compiled(tensorrt[0], card.path.read_bytes(), card, tensorrt[1], progress)


def test_there_are_models_to_build():
    assert {path.stem for path in CARDS} == {path.stem for path in MODELS.glob('*.onnx')} != set()


@pytest.mark.parametrize('precision', PRECISIONS)
@pytest.mark.parametrize('path', CARDS, ids=lambda path: path.stem)
def test_what_is_shipped_compiles(path, precision):
    assert_compiles(path, precision)


@pytest.mark.parametrize('precision', PRECISIONS)
def test_a_network_that_cuts_its_crops_compiles(tmp_path, precision):
    card = with_crops_inside(read_card(MODELS / 'own_pose.yaml'), (640, 480), tmp_path)
    write_card(card, card.path.with_suffix('.yaml'))
    assert_compiles(card.path.with_suffix('.yaml'), precision)


def test_a_forbidden_operator_is_refused_and_its_node_named(tensorrt, tmp_path):
    graph = Graph()
    value = graph('Det', 'turns')
    graph.nodes[-1].name = 'how_large'
    graph.give('gamma', value)
    graph.save(
        tmp_path / 'det.onnx',
        {'turns': (onnx.TensorProto.FLOAT, ['n', 2, 3, 3])},
        {'gamma': ['n', 2]},
    )
    card = stored(tmp_path, 'det', 'root', outputs={'gamma': 'm'})
    with pytest.raises(ModelError, match=r'det\.onnx: TensorRT cannot.*how_large \(Det\)'):
        build(tensorrt, card)


def test_a_file_that_is_no_graph_is_refused(tensorrt, card):
    card.path.write_bytes(card.path.read_bytes()[:200])
    with pytest.raises(ModelError, match=r'statue\.onnx: TensorRT cannot compile'):
        build(tensorrt, card)


def test_a_card_that_disagrees_with_its_graph_is_refused(tensorrt, card):
    outputs = {'joints2d': '', 'joints3d': '', 'aura': ''}
    with pytest.raises(ModelError, match='aura'):
        build(tensorrt, replace(card, outputs=outputs))


def test_outputs_the_card_does_not_name_are_not_computed(tensorrt, tmp_path):
    card = export_statue(tmp_path, vertices=True)
    fewer = replace(card, outputs={'joints2d': '', 'joints3d': ''}, topology=None)
    assert len(build(tensorrt, fewer)) < len(build(tensorrt, card))


def test_progress_rises_to_the_whole(tensorrt, card):
    told = []
    build(tensorrt, card, lambda phase, share: told.append((phase, share)))
    shares = np.array([share for _, share in told])
    assert all(phase for phase, _ in told)
    assert (np.diff(shares) >= 0).all()
    assert shares[0] < 0.5
    assert shares[-1] == pytest.approx(1)


def test_ctrl_c_ends_a_build(tensorrt, card):
    def interrupt(phase, share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tensorrt, card, interrupt)
    assert build(tensorrt, card)  # and the library goes on


def test_detectors_see_one_image_and_others_many_people(card):
    assert batches_of(replace(card, kind='detector')).most == 1
    assert batches_of(card).most >= 10  # as many as the pipeline keeps
    assert batches_of(replace(card, options={'batches': [2, 80]})) == Batches(2, 80)


@pytest.mark.parametrize('told', [[0, 4], [8, 4], [1, 2, 3], 5, ['a', 'b']])
def test_batches_that_cannot_be_are_refused(card, told):
    with pytest.raises(ModelError, match='option batches'):
        batches_of(replace(card, options={'batches': told}))


def test_targets_that_are_not_built_for_are_refused_with_those_that_are():
    need_compiler()
    with pytest.raises(BackendUnavailableError, match=r'SM87, only for .*SM89.*full TensorRT'):
        library_for(('SM87',))


def test_a_graph_is_asked_for_as_many_people_as_its_card_says(tensorrt, tmp_path):
    graph = Graph()
    pixels = graph('Cast', 'image', to=onnx.TensorProto.FLOAT)
    alone = graph('Reshape', pixels, np.array([1, SIDE * SIDE * 3]))
    graph.give('gamma', graph('ReduceMean', alone, np.array([1]), keepdims=1))
    image = (onnx.TensorProto.UINT8, ['n', SIDE, SIDE, 3])
    graph.save(tmp_path / 'alone.onnx', {'image': image}, {'gamma': ['m', 1]})
    fields = {'image': ImageInput(SIDE, SIDE), 'outputs': {'gamma': 'm'}}
    card = stored(tmp_path, 'alone', 'root', options={'batches': [1, 1]}, **fields)
    assert build(tensorrt, card)
    with pytest.raises(ModelError, match='profile 0 violate shape constraints'):
        build(tensorrt, replace(card, options={}))
