"""MediaPipe's files and the graphs made of them, fetched once and kept in the user's cache."""

import os
from pathlib import Path

import pytest

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.runtime.models import cache_folder

SHARED = Path(os.environ.get('MESH_POSE_SHARED', Path(__file__).parents[3] / 'shared'))


@pytest.fixture(scope='session')
def tflite_files():
    """Contents of the networks' files by the names they have in the wheel."""
    pytest.importorskip('tflite', reason='tflite is not installed: pip install tflite onnx')
    from mesh_pose_ros.importers import mediapipe, wheels

    folder = cache_folder().parent / 'mediapipe_tflite'
    kept = {name: folder / Path(name).name for name in mediapipe.SHA256}
    if not all(path.is_file() for path in kept.values()):
        try:
            files = wheels.download(mediapipe.REQUIREMENT, tuple(kept))
        except ModelError as err:
            pytest.skip(f'no MediaPipe wheel: {err}')
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            kept[name].write_bytes(data)
    return {name: path.read_bytes() for name, path in kept.items()}


@pytest.fixture(scope='session')
def graphs(tflite_files, tmp_path_factory):
    """Detector and landmark graph as files."""
    from mesh_pose_ros.importers import mediapipe, pose_graphs

    folder = tmp_path_factory.mktemp('graphs')
    made = {
        'detector': pose_graphs.detector_graph(tflite_files[mediapipe.DETECTOR_FILE]),
        'pose': pose_graphs.pose_graph(tflite_files[mediapipe.POSE_FILE]),
    }
    for name, model in made.items():
        (folder / f'{name}.onnx').write_bytes(model.SerializeToString())
    return {name: folder / f'{name}.onnx' for name in made}


@pytest.fixture(scope='session')
def person():
    """A photograph of one person who stands in the open, (H, W, 3) RGB."""
    import cv2

    path = SHARED / 'data' / 'real_photos' / 'images' / 'lsp_im0001.jpg'
    candidates = [path, *sorted(path.parent.glob('lsp_*.jpg'))]
    found = next((c for c in candidates if c.is_file()), None)
    if found is None:
        pytest.skip(f'no photographs: {path.parent} (set MESH_POSE_SHARED)')
    return cv2.imread(str(found))[..., ::-1].copy()
