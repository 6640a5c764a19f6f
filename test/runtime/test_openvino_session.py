"""OpenVINO says what ONNX Runtime says."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mesh_pose_ros.errors import BackendUnavailableError, ModelError
from mesh_pose_ros.runtime.card import read_card
from mesh_pose_ros.runtime.session import open_session

MODELS = Path(__file__).parents[2] / 'models'
SHARE = 1e-3  # of an output's range


def example(card, count):
    generator = np.random.default_rng(3)
    if card.image is None:
        joints = len(card.skeleton)
        return {
            'joints3d': generator.normal(0, 0.4, (count, joints, 3)).astype(np.float32),
            'confidence': np.ones((count, joints), np.float32),
        }
    size = (count, card.image.height, card.image.width, 3)
    return {'image': generator.integers(0, 256, size, dtype=np.uint8)}


@pytest.mark.parametrize('path', sorted(MODELS.glob('*.yaml')), ids=lambda path: path.stem)
@pytest.mark.parametrize('count', [1, 3])
def test_it_says_what_onnx_runtime_says(path, count):
    card = read_card(path)
    feed = example(card, count)
    told, wanted = (open_session(card, name, 1)(**feed) for name in ('openvino', 'onnxruntime'))
    assert set(told) == set(wanted)
    for name, found in told.items():
        extent = max(np.ptp(wanted[name]), np.abs(wanted[name]).max())
        assert np.abs(found - wanted[name]).max() <= SHARE * extent, name


def test_what_was_returned_stays(card):
    session = open_session(card, 'openvino', 1)
    first = session(image=np.zeros((1, 64, 64, 3), np.uint8))
    kept = {name: values.copy() for name, values in first.items()}
    session(image=np.full((2, 64, 64, 3), 255, np.uint8))
    for name, values in first.items():
        np.testing.assert_array_equal(values, kept[name])


def test_where_it_is_missing_the_remedy_is_told(card, monkeypatch):
    monkeypatch.setitem(sys.modules, 'openvino', None)
    with pytest.raises(BackendUnavailableError, match='pip install openvino'):
        open_session(card, 'openvino')


def test_a_file_that_is_no_graph_is_refused(card):
    card.path.write_bytes(card.path.read_bytes()[:200])
    with pytest.raises(ModelError, match=r'statue\.onnx: OpenVINO cannot load'):
        open_session(card, 'openvino')


def test_a_card_that_disagrees_with_its_graph_is_refused(card):
    outputs = {'joints2d': '', 'joints3d': '', 'aura': ''}
    with pytest.raises(ModelError, match='aura'):
        open_session(replace(card, outputs=outputs), 'openvino')
