"""The import ends with two sound cards, or with a sentence that says what to do."""

import subprocess
import sys
import zipfile

import numpy as np
import pytest
from nvidia import assert_compiles

pytest.importorskip('tflite', reason='tflite is not installed: pip install tflite onnx')

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.importers import mediapipe
from mesh_pose_ros.importers.mediapipe import import_mediapipe
from mesh_pose_ros.runtime.card import read_card
from mesh_pose_ros.runtime.session import PRECISIONS, open_session


@pytest.fixture(scope='module')
def wheel(tflite_files, tmp_path_factory):
    """A wheel with nothing but the networks in it."""
    path = tmp_path_factory.mktemp('wheel') / 'mediapipe-0.10.14-py3-none-any.whl'
    return pack(path, tflite_files)


def pack(path, files):
    with zipfile.ZipFile(path, 'w') as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture(scope='module')
def imported(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp('models')
    import_mediapipe(folder, wheel=wheel)
    return folder


def test_writes_two_graphs_with_their_cards_and_nothing_else(imported):
    names = {
        f'mediapipe_{part}.{end}' for part in ('detector', 'pose') for end in ('onnx', 'yaml')
    }
    assert {path.name for path in imported.iterdir()} == names


@pytest.mark.parametrize('name', ['mediapipe_detector', 'mediapipe_pose'])
def test_a_card_opens_as_a_session_and_names_licence_and_source(imported, name):
    card = read_card(imported / f'{name}.yaml')
    session = open_session(card, threads=1)
    assert set(session.outputs) == set(card.outputs)
    assert card.licence == 'Apache-2.0'
    assert 'mediapipe==0.10.14' in card.source
    image = np.zeros((2, card.image.height, card.image.width, 3), np.uint8)
    assert all(len(value) == 2 for value in session(image=image).values())


@pytest.mark.parametrize('precision', PRECISIONS)
@pytest.mark.parametrize('name', ['mediapipe_detector', 'mediapipe_pose'])
def test_nvidia_compiles_it(imported, name, precision):
    assert_compiles(imported / f'{name}.yaml', precision)


def test_the_pose_card_names_its_partners(imported):
    card = read_card(imported / 'mediapipe_pose.yaml')
    assert card.partners == {'detector': 'mediapipe_detector', 'lift': 'open_body_lift'}
    assert card.skeleton.name == 'blazepose33'


def test_importing_again_does_nothing(imported):
    before = {path: path.stat().st_mtime_ns for path in imported.iterdir()}
    import_mediapipe(imported, wheel=imported / 'is not needed.whl')
    assert before == {path: path.stat().st_mtime_ns for path in imported.iterdir()}


def test_tells_how_far_it_is(wheel, tmp_path):
    told = []
    import_mediapipe(tmp_path, lambda text, share: told.append((text, share)), wheel)
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert all(text for text, _ in told)


@pytest.mark.parametrize(
    'damage',
    [
        lambda folder: (folder / 'mediapipe_pose.onnx').write_bytes(b'cut short'),
        lambda folder: (folder / 'mediapipe_detector.onnx').unlink(),
        lambda folder: (folder / 'mediapipe_pose.yaml').write_text('name: [not a card'),
    ],
    ids=['graph damaged', 'graph missing', 'card damaged'],
)
def test_repairs_what_is_damaged(wheel, tmp_path, damage):
    import_mediapipe(tmp_path, wheel=wheel)
    damage(tmp_path)
    for card in import_mediapipe(tmp_path, wheel=wheel):
        read_card(card)


def test_replaces_the_import_of_an_older_edition(wheel, tmp_path, monkeypatch):
    monkeypatch.setattr(mediapipe, 'EDITION', 0)
    import_mediapipe(tmp_path, wheel=wheel)
    monkeypatch.undo()
    import_mediapipe(tmp_path, wheel=wheel)
    edition = f'edition {mediapipe.EDITION}'
    assert read_card(tmp_path / 'mediapipe_pose.yaml').source.endswith(edition)


def test_refuses_networks_of_another_release(tflite_files, tmp_path):
    files = {name: data + b'\0' for name, data in tflite_files.items()}
    other = pack(tmp_path / 'other.whl', files)
    with pytest.raises(ModelError, match=r'pose_detection\.tflite.*sha256'):
        import_mediapipe(tmp_path / 'models', wheel=other)
    assert not (tmp_path / 'models').exists()


@pytest.mark.parametrize('content', [None, b'no wheel'])
def test_names_a_wheel_that_cannot_be_read(tmp_path, content):
    path = tmp_path / 'some.whl'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r'some\.whl'):
        import_mediapipe(tmp_path / 'models', wheel=path)


def test_says_what_to_do_without_a_network(tmp_path, monkeypatch):
    monkeypatch.setenv('PIP_CONFIG_FILE', '/dev/null')
    monkeypatch.setenv('PIP_INDEX_URL', 'http://127.0.0.1:9/simple')  # nobody listens there
    monkeypatch.setenv('PIP_RETRIES', '0')
    for name in ('PIP_FIND_LINKS', 'PIP_EXTRA_INDEX_URL'):
        monkeypatch.delenv(name, raising=False)
    if mediapipe.wheels.read_installed('mediapipe', tuple(mediapipe.SHA256)):
        pytest.skip('mediapipe is installed here: nothing would be fetched')
    with pytest.raises(ModelError, match=r'pip cannot fetch mediapipe==0\.10\.14.*pip download'):
        import_mediapipe(tmp_path)


def test_names_a_folder_that_cannot_be_written(wheel, tmp_path):
    (tmp_path / 'file').write_text('in the way')
    with pytest.raises(ModelError, match='cannot be written'):
        import_mediapipe(tmp_path / 'file', wheel=wheel)


def test_says_which_package_is_missing(wheel, tmp_path):
    script = (
        'import sys; from pathlib import Path\n'
        'sys.modules["tflite"] = None\n'
        'from mesh_pose_ros.importers.mediapipe import import_mediapipe\n'
        'import_mediapipe(Path(sys.argv[1]), wheel=Path(sys.argv[2]))\n'
    )
    command = [sys.executable, '-c', script, str(tmp_path / 'models'), str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert 'ModelError' in done.stderr
    assert 'pip install flatbuffers onnx tflite' in done.stderr
