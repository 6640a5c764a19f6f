"""`colcon build`, the way robots build this package, gives a workspace that serves it."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from message_round_trip import message_round_trip

rclpy = pytest.importorskip('rclpy', reason='ROS (rclpy) is not installed')

SHOW_ENVIRONMENT = 'env python3 -c "import json, os; print(json.dumps(dict(os.environ)))"'


@pytest.fixture(scope='module')
def workspace(sources, ros_environment):
    """Build the workspace once."""
    if shutil.which('colcon', path=ros_environment['PATH']) is None:
        pytest.skip('colcon is not installed (pip install colcon-common-extensions)')
    folder = sources.parents[1]
    built = subprocess.run(
        ['colcon', 'build'], cwd=folder, env=ros_environment, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope='module')
def sourced(workspace, ros_environment):
    """Return the environment that install/setup.bash makes."""
    script = f'. {shlex.quote(str(workspace / "install/setup.bash"))} && {SHOW_ENVIRONMENT}'
    shown = subprocess.run(
        ['bash', '-c', script], env=ros_environment, check=True, capture_output=True, text=True
    )
    return json.loads(shown.stdout)


@pytest.fixture(scope='module')
def installed(workspace):
    return workspace / 'install' / 'mesh_pose_ros'


def test_its_messages_make_a_round_trip(sourced, installed, tmp_path):
    heard = message_round_trip('python3', sourced, tmp_path)
    assert heard['id'] == 'abcde'
    assert Path(heard['package']).is_relative_to(installed)


def test_every_source_of_the_package_is_installed(workspace, installed):
    package = next(installed.rglob('site-packages/mesh_pose_ros'), None) or next(
        installed.rglob('dist-packages/mesh_pose_ros')
    )
    source = workspace / 'src' / 'mesh_pose_ros' / 'mesh_pose_ros'
    wanted = {path.relative_to(source) for path in source.rglob('*.py')}
    assert wanted <= {path.relative_to(package) for path in package.rglob('*.py')}


@pytest.mark.parametrize('folder', ['config', 'demo', 'launch', 'models', 'msg'])
def test_shared_files_are_installed(workspace, installed, folder):
    source = workspace / 'src' / 'mesh_pose_ros' / folder
    if not source.is_dir():
        pytest.skip(f'{folder}/ is not in this checkout')
    wanted = {path.relative_to(source) for path in source.rglob('*') if path.is_file()}
    share = installed / 'share' / 'mesh_pose_ros' / folder
    assert wanted <= {path.relative_to(share) for path in share.rglob('*')}


def test_ament_finds_the_package(sourced, installed):
    asked = 'from ament_index_python import *; print(get_package_prefix("mesh_pose_ros"))'
    answer = subprocess.run(
        ['python3', '-c', asked], env=sourced, check=True, capture_output=True, text=True
    )
    assert answer.stdout.strip() == str(installed)


@pytest.mark.parametrize('name', ['recorder', 'replay'])
def test_executables_of_ros2_run_explain_themselves(sourced, installed, name, tmp_path):
    answer = run([installed / 'lib' / 'mesh_pose_ros' / name, '--help'], sourced, tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert 'usage' in answer.stdout


def test_the_command_line_is_on_the_path(sourced, installed, tmp_path):
    assert shutil.which('mesh_pose', path=sourced['PATH']) == str(installed / 'bin' / 'mesh_pose')
    answer = run(['mesh_pose', '--help'], sourced, tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert 'bag' in answer.stdout


def test_the_node_starts_and_ends_when_asked(sourced, installed, tmp_path):
    domain = 80 + os.getpid() % 20
    program = installed / 'lib' / 'mesh_pose_ros' / 'mesh_pose_node'
    node = subprocess.Popen(
        [program, '--ros-args', '-p', 'autostart:=false'],
        cwd=tmp_path,
        env=sourced | {'ROS_DOMAIN_ID': str(domain)},
    )
    try:
        assert appears('mesh_pose', domain)
        node.send_signal(signal.SIGINT)
        assert node.wait(20) == 0
    finally:
        node.kill()


def run(command, environment, folder):
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )


def appears(name, domain, seconds=30):
    """Tell whether a node of this name shows up in the graph."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    try:
        watcher = rclpy.create_node('watcher', context=context)
        end = time.monotonic() + seconds
        while time.monotonic() < end and name not in watcher.get_node_names():
            time.sleep(0.1)
        return name in watcher.get_node_names()
    finally:
        context.shutdown()
