"""Say what this machine lacks before anything is installed, by the name of its Debian package."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
import sysconfig
from pathlib import Path

OLDEST, NEWEST = (3, 10), (3, 13)  # the ROS 2 wheels on PyPI are built for these


def missing() -> list[str]:
    """Return one line for each thing that is missing."""
    version = '.'.join(map(str, sys.version_info[:2]))
    headers = Path(sysconfig.get_path('include')) / 'Python.h'
    needs = {
        f'Python 3.10 to 3.13, this is {version}: choose one with make PYTHON=python3.11': (
            OLDEST <= sys.version_info[:2] <= NEWEST
        ),
        f'the ROS 2 wheels are for Linux on x86_64, this is {platform.machine()}: '
        'use a ROS installation and colcon, see docs/install.md': (
            sys.platform == 'linux' and platform.machine() == 'x86_64'
        ),
        'virtual environments: apt install python3-venv': (
            importlib.util.find_spec('ensurepip') is not None
        ),
        f'Python headers ({headers}): apt install python3-dev': headers.is_file(),
        'a C++ compiler: apt install g++': shutil.which('c++') or shutil.which('g++'),
        'make: apt install make': shutil.which('make'),
    }
    return [line for line, met in needs.items() if not met]


if __name__ == '__main__':
    lacking = missing()
    if lacking:
        print(
            'mesh_pose_ros cannot be set up yet. Missing:', *lacking, sep='\n  - ', file=sys.stderr
        )
    sys.exit(bool(lacking))
