"""The demo really runs: three processes over DDS, then pictures of what was recorded."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import cv2
import numpy as np
import pytest

from mesh_pose_ros.bag.pictures import moments
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.cameras import write_camera_yaml

FRAMES = 12
SIZE = (160, 120)


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / 'grey.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, SIZE)
    for k in range(FRAMES):
        writer.write(np.full((SIZE[1], SIZE[0], 3), 60 + 5 * k, np.uint8))
    writer.release()
    write_camera_yaml(Camera.from_fov(60, SIZE), path.with_suffix('.yaml'))
    return path


def run(*args):
    command = [sys.executable, '-m', 'mesh_pose_ros.ros.demo', *map(str, args)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=120)
    finally:
        with suppress(ProcessLookupError):  # whoever is left of the session
            os.killpg(process.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def test_it_records_and_draws_people(clip, toy_models, tmp_path):
    out = tmp_path / 'out'
    done = run('--clip', clip, '--out', out, '--model', toy_models / 'toy_pose.yaml')
    assert done.returncode == 0, done.stdout + done.stderr
    assert f'images in {FRAMES}' in done.stdout
    assert all(word in done.stdout for word in ('p50', 'p95', 'detect', 'crop', 'total'))
    found = list(moments(out / 'people.mcap'))
    assert len(found) >= FRAMES // 2
    assert any(moment.people for moment in found)
    for name in ('overlay.mp4', 'overlay.png', 'scene.png'):
        assert (out / name).stat().st_size > 0


def test_a_node_that_cannot_start_ends_the_demo(clip, tmp_path):
    done = run('--clip', clip, '--out', tmp_path / 'out', '--model', 'no_such_model')
    assert done.returncode == 1
    assert 'no_such_model' in done.stdout + done.stderr
    assert 'node ended with 1' in done.stderr
