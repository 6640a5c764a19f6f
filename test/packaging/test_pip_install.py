"""pip builds a wheel with messages and shared files, and a new environment runs it."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='ROS (rclpy) is not installed')
from message_round_trip import message_round_trip

DATA = 'mesh_pose_ros-0.1.0.data/data'


@pytest.fixture(scope='module')
def wheel(sources, ros_environment, tmp_path_factory):
    """Build the wheel against the ROS wheels of this environment."""
    if (
        'AMENT_PREFIX_PATH' not in ros_environment
        or ros_environment['AMENT_PREFIX_PATH'] != sys.prefix
    ):
        pytest.skip('the ROS build wheels are not installed')
    folder = tmp_path_factory.mktemp('wheel')
    command = [sys.executable, '-m', 'pip', 'wheel', '--no-build-isolation', '--no-deps']
    built = subprocess.run(
        [*command, '--wheel-dir', folder, sources],
        env=ros_environment,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob('*.whl'))


@pytest.fixture(scope='module')
def contents(wheel):
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize(
    'name',
    [
        'mesh_pose_ros/msg/_person.py',  # generated beside the sources
        'mesh_pose_ros/people.py',
        'tf2_msgs/msg/_tf_message.py',  # no wheel of its own exists
        f'{DATA}/lib/libmesh_pose_ros__rosidl_typesupport_fastrtps_c.so',
        f'{DATA}/lib/mesh_pose_ros/mesh_pose_node',
        f'{DATA}/share/mesh_pose_ros/config/fastdds_large_images.xml',
        f'{DATA}/share/mesh_pose_ros/msg/Person.msg',
        f'{DATA}/share/ament_index/resource_index/packages/mesh_pose_ros',
    ],
)
def test_the_wheel_contains(contents, name):
    assert name in contents


def test_the_wheel_is_for_this_python_and_machine(wheel):
    assert f'cp{sys.version_info.major}{sys.version_info.minor}' in wheel.name
    assert not wheel.name.endswith('none-any.whl')


def test_the_wheel_leaves_training_out(contents):
    assert not [name for name in contents if name.split('/')[0] in ('training', 'test')]


def test_no_path_of_the_building_machine_is_in_the_wheel(wheel, sources):
    archive = zipfile.ZipFile(wheel)
    texts = [n for n in archive.namelist() if not n.endswith('.so')]
    assert not [n for n in texts if str(sources).encode() in archive.read(n)]


@pytest.mark.slow
def test_a_new_environment_needs_nothing_but_pip_install(sources, tmp_path):
    venv.create(tmp_path / 'venv', with_pip=True)
    python = tmp_path / 'venv' / 'bin' / 'python'
    environment = {k: os.environ[k] for k in os.environ if k.startswith('PIP_') or k == 'HOME'}
    environment |= {'PATH': '/usr/local/bin:/usr/bin:/bin'}
    subprocess.run(
        [python, '-m', 'pip', 'install', f'{sources}[ros]'], check=True, env=environment
    )
    heard = message_round_trip(python, environment, tmp_path)
    assert heard['id'] == 'abcde'
    assert Path(heard['package']).is_relative_to(tmp_path / 'venv')
    command = [tmp_path / 'venv' / 'bin' / 'mesh_pose', '--help']
    subprocess.run(command, check=True, env=environment, cwd=tmp_path)
    asked = 'from ament_index_python import *; get_package_share_path("mesh_pose_ros")'
    environment |= {'AMENT_PREFIX_PATH': str(tmp_path / 'venv')}
    subprocess.run([python, '-c', asked], check=True, env=environment, cwd=tmp_path)
