"""`mesh_pose live` and `mesh_pose replay` hand over to the ROS nodes, which need ROS."""

import os
import signal
import subprocess
import sys
import threading

import pytest

WITHOUT_ROS = """
import sys
sys.modules['rclpy'] = None
from mesh_pose_ros.cli import main
main()
"""


def run(*arguments, code=None):
    command = [sys.executable, *(['-c', code] if code else ['-m', 'mesh_pose_ros.cli'])]
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize('command', ['live', 'replay'])
def test_without_ros_the_remedy_is_told(command):
    done = run(command, code=WITHOUT_ROS)
    assert done.returncode == 3
    assert 'source /opt/ros' in done.stderr.replace('\n', ' ')


def test_without_ros_everything_else_works():
    assert run('--help', code=WITHOUT_ROS).returncode == 0
    assert run('models', 'list', code=WITHOUT_ROS).returncode == 0


def test_live_gives_the_parameters_file_to_the_node(tmp_path):
    pytest.importorskip('rclpy')
    params = tmp_path / 'params.yaml'
    params.write_text('/**:\n  ros__parameters:\n    model.name: no_such_model_anywhere\n')
    done = run('live', '--params-file', params)
    assert done.returncode == 1
    assert 'no_such_model_anywhere' in done.stdout + done.stderr


def test_what_is_said_by_hand_goes_over_the_parameters_file(tmp_path):
    pytest.importorskip('rclpy')
    params = tmp_path / 'params.yaml'
    params.write_text('/**:\n  ros__parameters:\n    model.name: of_the_file\n')
    by_hand = ('--ros-args', '-p', 'model.name:=by_hand')
    done = run('live', '--params-file', params, '--', *by_hand)
    assert 'by_hand' in done.stdout + done.stderr
    assert 'of_the_file' not in done.stdout + done.stderr


def test_live_runs_the_node_under_the_given_names_until_it_is_interrupted(toy_models):
    pytest.importorskip('rclpy')
    names = ('--image', '/eye/image', '--camera-info', '/eye/info', '--namespace', '/robot')
    model = ('--', '--ros-args', '-p', f'model.name:={toy_models}/toy_pose.yaml')
    command = [sys.executable, '-m', 'mesh_pose_ros.cli', 'live', *names, *model]
    environment = os.environ | {'ROS_DOMAIN_ID': str(80 + os.getpid() % 20)}
    node = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    alarm = threading.Timer(40, node.kill)  # a silent node ends the loop below
    alarm.start()
    try:
        heard = next(line for line in node.stderr if 'CameraInfo on' in line)
        assert '/eye/info' in heard
        assert 'robot.mesh_pose' in heard
        node.send_signal(signal.SIGINT)
        # an interrupt inside exec(), by which rosbags compiles a type on first use, makes CPython
        # end as if killed by the signal, even though it was caught
        assert node.wait(20) in (0, -signal.SIGINT)
    finally:
        alarm.cancel()
        node.kill()


def test_a_missing_parameters_file_is_exit_2(tmp_path):
    assert run('live', '--params-file', tmp_path / 'gone.yaml').returncode == 2
