"""Real graphs in a real library; a card that disagrees with its graph is refused at once."""

from dataclasses import replace

import numpy as np
import pytest
from toy_models import SIDE, export_echo_lift, export_statue

from mesh_pose_ros.errors import BackendUnavailableError, ModelError
from mesh_pose_ros.runtime.card import ImageInput
from mesh_pose_ros.runtime.session import BACKENDS, StopwatchSession, open_session
from mesh_pose_ros.runtime.tensorrt_library import library_here
from mesh_pose_ros.skeletons import BLAZEPOSE33


def skip_without_gpu():
    try:
        library_here()
    except BackendUnavailableError as err:
        pytest.skip(str(err))


@pytest.mark.parametrize('backend', ['auto', *BACKENDS])
@pytest.mark.parametrize('count', [1, 3])
def test_a_batch_of_any_size_runs(card, backend, count):
    if backend == 'tensorrt':
        skip_without_gpu()
    session = open_session(card, backend, threads=1)
    found = session(image=np.zeros((count, SIDE, SIDE, 3), np.uint8))
    assert set(found) == set(card.outputs) == set(session.outputs)
    assert found['joints2d'].shape == (count, 17, 2)


def test_outputs_the_card_does_not_name_are_left_out(card):
    outputs = {'joints2d': 'crop_px', 'joints3d': 'm'}
    session = open_session(replace(card, outputs=outputs))
    assert set(session(image=np.zeros((1, SIDE, SIDE, 3), np.uint8))) == set(outputs)


def test_an_unknown_backend_is_refused_with_the_known_ones(card):
    with pytest.raises(BackendUnavailableError, match=r'abacus.*onnxruntime'):
        open_session(card, 'abacus')


def test_a_file_that_is_no_graph_is_refused(card):
    card.path.write_bytes(card.path.read_bytes()[:200])
    with pytest.raises(ModelError, match=r'statue\.onnx: ONNX Runtime cannot load'):
        open_session(card)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'outputs': {'joints2d': '', 'joints3d': '', 'aura': ''}}, "promises outputs .'aura'"),
        ({'outputs': {'joints2d': ''}}, "must give .*'joints3d'"),
        ({'outputs': {}}, 'must say what outputs mean'),
        ({'image': None}, 'must describe its image'),
        ({'image': ImageInput(32, 32)}, r'images of \(32, 32, 3\).*64, 64, 3'),
        ({'image': ImageInput(SIDE, SIDE, layout='nchw')}, r'\(3, 64, 64\)'),
        ({'image': ImageInput(SIDE, SIDE, name='pixels')}, "'pixels', the graph takes .'image'"),
        ({'image': ImageInput(SIDE, SIDE, dtype='float32')}, 'float32.*uint8'),
        ({'skeleton': BLAZEPOSE33}, 'has 17 joints.*blazepose33.*33'),
        ({'skeleton': None}, 'must name its skeleton'),
    ],
)
def test_a_card_that_disagrees_with_its_graph_is_refused(card, changes, message):
    with pytest.raises(ModelError, match=message):
        open_session(replace(card, **changes))


def test_a_mesh_needs_a_topology(tmp_path):
    card = export_statue(tmp_path, vertices=True)
    with pytest.raises(ModelError, match='no topology'):
        open_session(replace(card, topology=None))


def test_an_input_nobody_fills_is_refused(tmp_path):
    card = export_echo_lift(tmp_path)
    assert open_session(card).inputs == ('joints3d', 'confidence')
    mesh = export_statue(tmp_path, vertices=True)
    with pytest.raises(ModelError, match=r"nobody fills the input .'image'"):
        open_session(replace(card, path=mesh.path, outputs={'vertices': 'm'}))


def test_a_stopwatch_adds_up(card):
    session = StopwatchSession(open_session(card))
    image = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    before = session(image=image)
    once = session.seconds
    assert once > 0
    np.testing.assert_array_equal(session(image=image)['joints2d'], before['joints2d'])
    assert session.seconds > once
