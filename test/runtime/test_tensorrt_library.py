"""Where TensorRT cannot run that is said in a sentence, and Python goes on."""

import logging
import re
import subprocess
import sys

import numpy as np
import pytest
from stand_in_tensorrt import build_driver
from toy_models import SIDE

from mesh_pose_ros.errors import BackendUnavailableError
from mesh_pose_ros.runtime import cuda, tensorrt_library
from mesh_pose_ros.runtime.cuda import device
from mesh_pose_ros.runtime.session import open_session
from mesh_pose_ros.runtime.tensorrt_library import FULL, RTX, library_here, trial

WITHOUT_DRIVER = (
    'import sys\n'
    'from mesh_pose_ros.runtime import cuda\n'
    'cuda.DRIVER = "libcuda_that_is_not_there.so"\n'
    'from mesh_pose_ros.cli import main\n'
    'try:\n'
    '    main()\n'
    'finally:\n'
    '    print("Python lives", "tensorrt" in sys.modules or "tensorrt_rtx" in sys.modules)\n'
)


@pytest.fixture(autouse=True)
def nothing_known():
    """Ask anew what is here."""
    for remembered in (device, trial):
        remembered.cache_clear()
    yield
    for remembered in (device, trial):
        remembered.cache_clear()


@pytest.fixture
def no_driver(monkeypatch):
    monkeypatch.setattr(cuda, 'DRIVER', 'libcuda_that_is_not_there.so')


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """A driver with a device that computes nothing."""
    monkeypatch.setattr(cuda, 'DRIVER', str(build_driver(tmp_path)))


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """Return a function that puts modules in front of all others; those not named are missing."""

    def put(**modules):
        for name in (FULL, RTX):
            monkeypatch.delitem(sys.modules, name, raising=False)
        for name, text in modules.items():
            (tmp_path / f'{name}.py').write_text(text)
        monkeypatch.setattr(tensorrt_library, 'find_spec', lambda name: name in modules or None)
        monkeypatch.setenv('PYTHONPATH', str(tmp_path))
        monkeypatch.syspath_prepend(tmp_path)

    return put


def mesh_pose(*arguments):
    command = [sys.executable, '-c', WITHOUT_DRIVER, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_the_command_line_ends_with_a_sentence_and_python_lives(card):
    done = mesh_pose('models', 'check', card.path, '--backend', 'tensorrt')
    assert done.returncode == 3
    assert done.stdout == 'Python lives False\n'  # and has not touched TensorRT
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith('error: TensorRT cannot run: no NVIDIA driver is here')
    assert sentence.endswith('install the driver or take another backend')


def test_auto_runs_on_the_cpu_and_says_why(card):
    done = mesh_pose('models', 'check', card.path)
    assert done.returncode == 0
    assert 'statue does not run in tensorrt: TensorRT cannot run: no NVIDIA' in done.stderr
    assert re.search('^runs in (onnxruntime|openvino)$', done.stderr, re.MULTILINE)


def test_auto_takes_a_precision_as_a_wish(no_driver, card):
    found = open_session(card, 'auto', 1, 'fp16')
    assert found.backend != 'tensorrt'
    assert found(image=np.zeros((1, SIDE, SIDE, 3), np.uint8))


def test_an_explicit_choice_never_falls_back(no_driver, card):
    with pytest.raises(BackendUnavailableError, match='no NVIDIA driver'):
        open_session(card, 'tensorrt')
    with pytest.raises(BackendUnavailableError, match='onnxruntime computes in fp32'):
        open_session(card, 'onnxruntime', precision='fp16')


def test_an_unknown_precision_is_refused_with_the_known_ones(card):
    with pytest.raises(BackendUnavailableError, match=r'int3.*fp32, fp16'):
        open_session(card, precision='int3')


def test_a_driver_alone_is_not_enough(driver, pretended):
    pretended()
    with pytest.raises(BackendUnavailableError, match='TensorRT is not installed: JetPack'):
        library_here()


@pytest.mark.parametrize('died', ['os.abort()', 'raise OSError("libnvinfer.so.10: no such file")'])
def test_a_tensorrt_that_dies_does_so_alone(driver, pretended, card, caplog, died):
    caplog.set_level(logging.INFO, 'mesh_pose_ros')
    pretended(tensorrt=f'import os\n{died}\n')
    with pytest.raises(BackendUnavailableError, match='tensorrt does not work on Stand-in'):
        open_session(card, 'tensorrt')
    assert open_session(card, 'auto', 1).backend != 'tensorrt'
    assert (
        'statue does not run in tensorrt: tensorrt does not work on Stand-in: a trial ended with'
        in caplog.text
    )


def test_where_one_tensorrt_is_broken_the_other_is_taken(driver, pretended):
    works = (
        '__version__ = "1.7"\n'
        'class Logger:\n    ERROR = 1\n    def __init__(self, level): pass\n'
        'class ILogger:\n    pass\n'
        'class ComputeCapability:\n    SM89 = 1\n'
        'Runtime = Builder = lambda log: log\n'
    )
    pretended(tensorrt='raise RuntimeError("stub")', tensorrt_rtx=works)
    tensorrt_library.library.cache_clear()
    try:
        found, target = library_here()
    finally:
        tensorrt_library.library.cache_clear()
    assert (found.name, found.version) == (RTX, '1.7')
    assert (target.name, target.capabilities) == ('SM89', ('SM89',))
