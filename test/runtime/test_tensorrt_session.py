"""Our part of running an engine, with stand-ins for the driver and the engine."""

import gc
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from stand_in_tensorrt import MODULE, Counters, Runtime, build_driver
from toy_models import SIDE, export_echo_lift, export_statue

from mesh_pose_ros.errors import BackendUnavailableError, ModelError
from mesh_pose_ros.runtime import cuda, tensorrt_session
from mesh_pose_ros.runtime.cuda import CudaError, device
from mesh_pose_ros.runtime.session import open_session
from mesh_pose_ros.runtime.tensorrt_library import FULL, Library, Target
from mesh_pose_ros.runtime.tensorrt_plans import PlanMaker
from mesh_pose_ros.runtime.tensorrt_session import TensorRtSession


@pytest.fixture(scope='module')
def driver_path(tmp_path_factory):
    return build_driver(tmp_path_factory.mktemp('driver'))


@pytest.fixture
def driver(driver_path, monkeypatch):
    """The driver's counters, from zero."""
    monkeypatch.setattr(cuda, 'DRIVER', str(driver_path))
    device.cache_clear()
    found = Counters(driver_path)
    gc.collect()
    with device().taken():  # what earlier tests left is given back
        pass
    for name in ('launches', 'recordings', 'blocks'):
        found.put(name, 0)
    yield found
    found.put('devices', 1)
    device.cache_clear()


@pytest.fixture
def made(driver, monkeypatch):
    """How each plan was asked for: anew or not."""
    told = []
    library = Library(FULL, MODULE, SimpleNamespace(found=[]))
    monkeypatch.setattr(tensorrt_session, 'library_here', lambda: (library, Target('Stand-in')))

    def plan(self, card, precision, *, anew=False):
        told.append((precision, anew))
        return card.path.read_bytes()

    monkeypatch.setattr(PlanMaker, 'plan', plan)
    return told


def pictures(count, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def assert_same(found, wanted):
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5, err_msg=name)


@pytest.mark.parametrize('count', [0, 1, 3, 16, 17, 40])
def test_any_number_of_people_is_answered(made, card, count):
    session, reference = TensorRtSession(card), open_session(card, 'onnxruntime', 1)
    for seed in range(3):  # the second is a recording
        images = pictures(count, seed)
        assert_same(session(image=images), reference(image=images))


def test_several_inputs_find_their_places(made, tmp_path):
    card = export_echo_lift(tmp_path)
    session, reference = TensorRtSession(card), open_session(card, 'onnxruntime', 1)
    joints = len(card.skeleton)
    generator = np.random.default_rng(1)
    feed = {
        'joints3d': generator.normal(size=(5, joints, 3)).astype(np.float32),
        'confidence': generator.random((5, joints)).astype(np.float32),
    }
    assert session.inputs == reference.inputs
    assert_same(session(**feed), reference(**feed))


def test_what_was_returned_stays(made, card):
    session = TensorRtSession(card)
    first = session(image=np.zeros((2, SIDE, SIDE, 3), np.uint8))
    kept = {name: values.copy() for name, values in first.items()}
    session(image=pictures(2))
    assert_same(first, kept)


def test_each_number_of_people_is_recorded_once(made, card, driver):
    session = TensorRtSession(card)
    assert (driver.recordings, driver.launches) == (1, 0)  # one person, while opening
    for _ in range(3):
        session(image=pictures(1))
        session(image=pictures(2))
    assert (driver.recordings, driver.launches) == (2, 3 + 2)


def test_all_networks_share_one_device(made, card, tmp_path):
    other = export_statue(tmp_path, name='other')
    assert TensorRtSession(card)._device is TensorRtSession(other)._device is device()


def test_memory_goes_with_the_session(made, card, driver):
    session = TensorRtSession(card)
    session(image=pictures(3))
    assert driver.blocks > 0
    del session
    gc.collect()
    with device().taken():
        pass
    assert driver.blocks == 0


def test_an_image_of_another_type_or_size_is_refused(made, card):
    session = TensorRtSession(card)
    with pytest.raises(TypeError):
        session(image=pictures(1).astype(np.float32))
    with pytest.raises(ValueError, match='broadcast'):
        session(image=pictures(1)[:, :-1])


def test_a_plan_that_is_refused_is_built_once_more(made, card, monkeypatch):
    monkeypatch.setattr(Runtime, 'refused', 1)
    TensorRtSession(card, precision='fp16')
    assert made == [('fp16', False), ('fp16', True)]


def test_one_that_is_refused_again_is_an_error(made, card, monkeypatch):
    monkeypatch.setattr(Runtime, 'refused', 2)
    with pytest.raises(BackendUnavailableError, match=r'statue\.onnx: TensorRT cannot load'):
        TensorRtSession(card)


def test_a_card_that_has_changed_since_is_refused(made, card):
    with pytest.raises(ModelError, match='aura'):
        TensorRtSession(replace(card, outputs={'joints2d': '', 'joints3d': '', 'aura': ''}))


def test_the_device_is_told_by_name_and_capability(driver):
    assert (device().name, device().capability) == ('Stand-in', (8, 9))


def test_too_much_memory_is_told(driver):
    with device().taken(), pytest.raises(CudaError, match=r'cuMemAlloc_v2: out of memory \(2\)'):
        device().memory(1 << 41, object())


@pytest.mark.parametrize(('devices', 'reason'), [(0, 'sees no device'), (-1, 'no device')])
def test_a_driver_without_a_device_is_told(driver, devices, reason):
    driver.put('devices', devices)
    device.cache_clear()
    with pytest.raises(CudaError, match=reason):
        device()


def test_a_driver_that_lacks_a_call_is_too_old(driver_path, tmp_path, monkeypatch):
    empty = tmp_path / 'empty.c'
    empty.write_text('int cuInit(unsigned int flags) { return 0; }\n')
    library = tmp_path / 'libempty.so'
    subprocess.run(['cc', '-shared', '-fPIC', '-o', library, empty], check=True)
    monkeypatch.setattr(cuda, 'DRIVER', str(library))
    device.cache_clear()
    with pytest.raises(CudaError, match='too old, it lacks cuDeviceGetCount'):
        device()
