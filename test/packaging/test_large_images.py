"""Best-effort camera images cross from one process to another with the package's set-up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='ROS (rclpy) is not installed')
from mesh_pose_ros.ros.large_images import (
    OLD_VARIABLE,
    USER_CHOICES,
    VARIABLE,
    make_room_for_images,
)

HERE = Path(__file__).parent
CHOSEN = {name: '' for name in USER_CHOICES}


def start(script, *arguments, domain):
    environment = os.environ | CHOSEN | {'ROS_DOMAIN_ID': str(domain)}
    command = [sys.executable, HERE / script, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ('width', 'height', 'rate', 'count'),
    [
        (640, 480, 30, 60),  # larger than Fast DDS's own shared memory
        (1920, 1080, 10, 20),
    ],
)
def test_best_effort_images_arrive(width, height, rate, count):
    domain = 20 + os.getpid() % 60
    viewer = start('viewer_process.py', 'image', count, domain=domain)
    camera = start('camera_process.py', 'image', width, height, rate, count, domain=domain)
    arrived = int(viewer.communicate(timeout=90)[0])
    camera.communicate(timeout=30)
    assert arrived >= 0.9 * count


@pytest.mark.parametrize('choice', USER_CHOICES)
def test_a_set_up_of_the_user_stays(choice):
    environment = {choice: 'mine'}
    assert not make_room_for_images(environment)
    assert environment == {choice: 'mine'}


@pytest.mark.parametrize(
    ('distro', 'variable'),
    [('humble', OLD_VARIABLE), ('jazzy', OLD_VARIABLE), ('kilted', VARIABLE)],
)
def test_each_distribution_gets_the_variable_it_reads(distro, variable):
    environment = {'ROS_DISTRO': distro}
    assert make_room_for_images(environment)
    assert Path(environment[variable]).is_file()
    assert len(environment) == 2
