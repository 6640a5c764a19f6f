"""Toy networks ready to run."""

import pytest
from toy_models import export_statue

from mesh_pose_ros.runtime.session import open_session


@pytest.fixture
def opened():
    """Open a card in ONNX Runtime."""
    return lambda card: open_session(card, 'onnxruntime', threads=1)


@pytest.fixture
def statue(tmp_path):
    return export_statue(tmp_path)
