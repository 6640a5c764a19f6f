"""A TFLite file is read as float32 constants and operators that compute something."""

import numpy as np
import pytest

pytest.importorskip('tflite', reason='tflite is not installed: pip install tflite onnx')

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.importers.mediapipe import DETECTOR_FILE, POSE_FILE
from mesh_pose_ros.importers.tflite.reader import UNPACKING, read_network


@pytest.mark.parametrize('file', [DETECTOR_FILE, POSE_FILE])
def test_weights_are_unpacked(tflite_files, file):
    network = read_network(tflite_files[file])
    assert not any(operator.kind in UNPACKING for operator in network.operators)
    assert not any(array.dtype == np.float16 for array in network.constants.values())
    for number, array in network.constants.items():
        assert array.shape == network.shapes[number]


def test_every_convolution_finds_its_weights_among_the_constants(tflite_files):
    network = read_network(tflite_files[DETECTOR_FILE])
    for operator in network.operators:
        if operator.kind.endswith('CONV_2D'):
            assert set(operator.inputs[1:]) <= set(network.constants)


@pytest.mark.parametrize('data', [b'', b'PK\x03\x04 a wheel, not a network', b'\0' * 64])
def test_refuses_what_is_not_tflite(data):
    with pytest.raises(ModelError, match='not a TFLite file'):
        read_network(data)
