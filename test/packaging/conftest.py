"""What the packaging tests share: a clean copy of the sources, a ROS to build against."""

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_SOURCES = (
    '.*',
    'build',
    'install',
    'log',
    'output',
    'runs',
    '*.egg-info',
    '*.so',
    '__pycache__',
)
OF_THIS_PROCESS = ('_ROS_WHEELS_BOOTSTRAP_COMPLETE', 'LD_LIBRARY_PATH', 'PYTHONPATH')


@pytest.fixture(scope='session')
def sources(tmp_path_factory):
    """Copy the checkout as it was before anything was built in it."""
    copy = tmp_path_factory.mktemp('workspace') / 'src' / 'mesh_pose_ros'
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*NOT_SOURCES))
    shutil.rmtree(copy / 'mesh_pose_ros' / 'msg', ignore_errors=True)
    return copy


@pytest.fixture(scope='session')
def ros_environment():
    """Return the environment of a shell that sees the ROS in use, from wheels or installed."""
    if not (Path(sys.prefix) / 'share' / 'ament_cmake').is_dir():
        if not os.environ.get('AMENT_PREFIX_PATH'):
            pytest.skip('neither the ROS build wheels nor a sourced ROS installation is here')
        return dict(os.environ)
    environment = {k: v for k, v in os.environ.items() if k not in OF_THIS_PROCESS}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
    prefix = {'AMENT_PREFIX_PATH': sys.prefix, 'CMAKE_PREFIX_PATH': sys.prefix}
    return environment | {'PATH': path} | prefix
