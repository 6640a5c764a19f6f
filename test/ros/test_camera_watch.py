"""The newest usable CameraInfo counts; a guess only where the user allows one."""

import numpy as np
import pytest

from mesh_pose_ros.errors import BadCameraError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.cameras import camera_info
from mesh_pose_ros.messages.types import decode, encode
from mesh_pose_ros.ros.camera_watch import GRACE, CameraMissingError, CameraWatch
from mesh_pose_ros.ros.diagnostics import ERROR, OK, WARN

SIZE = (64, 48)


def info(fov=60.0, stamp=0, **changes):
    msg = camera_info(Camera.from_fov(fov, SIZE), stamp, 'eye')
    for name, value in changes.items():
        object.__setattr__(msg, name, value)
    return decode(encode(msg), 'sensor_msgs/CameraInfo')


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def watch(clock):
    return CameraWatch('/eye/camera_info', clock=clock)


def test_a_calibration_is_used_and_kept(watch):
    assert watch.update(info())
    camera = watch.camera_for(SIZE)
    assert camera.focal == pytest.approx(Camera.from_fov(60, SIZE).focal)
    assert watch.camera_for(SIZE) is camera
    assert watch.finding()[0] == OK


def test_only_a_change_counts_as_news(watch):
    watch.update(info())
    assert not watch.update(info(stamp=99))
    assert watch.update(info(fov=70))
    assert watch.camera_for(SIZE).focal == pytest.approx(Camera.from_fov(70, SIZE).focal)
    assert not watch.update(info(fov=71)), 'a lens that focuses'
    assert watch.camera_for(SIZE).focal == pytest.approx(Camera.from_fov(71, SIZE).focal)
    assert watch.update(info(width=65))


def test_nothing_came_is_said_with_the_topic(watch):
    with pytest.raises(CameraMissingError, match='/eye/camera_info'):
        watch.camera_for(SIZE)
    level, text = watch.finding()
    assert level == WARN
    assert '/eye/camera_info' in text


def test_a_guess_waits_a_moment_for_a_calibration(watch, clock):
    with pytest.raises(CameraMissingError):
        watch.camera_for(SIZE, fallback_hfov_deg=60)
    clock.now += GRACE
    assert watch.camera_for(SIZE, fallback_hfov_deg=60).guessed
    assert watch.finding(60)[0] == WARN
    watch.update(info())
    assert not watch.camera_for(SIZE, fallback_hfov_deg=60).guessed


def test_zeros_are_an_error_and_a_guess_takes_their_place_at_once(watch):
    watch.update(info(k=np.zeros(9)))
    assert watch.finding()[0] == ERROR
    with pytest.raises(BadCameraError, match='all K = 0'):
        watch.camera_for(SIZE)
    assert watch.camera_for(SIZE, fallback_hfov_deg=60).guessed


def test_a_guess_follows_the_size_of_the_image(watch):
    watch.update(info(k=np.zeros(9)))
    assert watch.camera_for((32, 24), fallback_hfov_deg=60).size == (32, 24)
    assert watch.camera_for(SIZE, fallback_hfov_deg=60).size == SIZE


def test_a_calibration_for_another_size_is_an_error(watch):
    watch.update(info())
    with pytest.raises(BadCameraError, match='image is 32x24'):
        watch.camera_for((32, 24))
    assert watch.finding()[0] == ERROR
    assert watch.camera_for(SIZE).size == SIZE
    assert watch.finding()[0] == OK
