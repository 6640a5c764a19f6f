"""hri_msgs where no ROS installation brings it: the messages we use, generated and compiled."""

import os
import subprocess
import sys
from pathlib import Path

from mesh_pose_ros.messages.hri_msgs import DEFINITIONS, PACKAGE

ROOT = Path(__file__).parents[2]
CMAKE = f"""
cmake_minimum_required(VERSION 3.20)
project({PACKAGE} LANGUAGES C CXX)
find_package(ament_cmake REQUIRED)
find_package(std_msgs REQUIRED)
find_package(rosidl_default_generators REQUIRED)
include({ROOT / 'cmake/repair_includes.cmake'})
rosidl_generate_interfaces(${{PROJECT_NAME}}
  {' '.join(f'msg/{name}.msg' for name in DEFINITIONS)}
  DEPENDENCIES std_msgs
)
ament_package()
"""
MANIFEST = f"""<?xml version="1.0"?>
<package format="3">
  <name>{PACKAGE}</name>
  <version>2.0.0</version>
  <description>Part of hri_msgs, for a test.</description>
  <maintainer email="nobody@example.org">nobody</maintainer>
  <license>Apache-2.0</license>
  <depend>std_msgs</depend>
  <member_of_group>rosidl_interface_packages</member_of_group>
  <export><build_type>ament_cmake</build_type></export>
</package>
"""


def build_hri_msgs(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """
    Generate the package against the ROS in use.

    :param environment: of a shell that sees that ROS
    :return: variables that make a process see the package too
    """
    source, build, prefix = (folder / name for name in ('source', 'build', 'install'))
    (source / 'msg').mkdir(parents=True)
    (source / 'CMakeLists.txt').write_text(CMAKE)
    (source / 'package.xml').write_text(MANIFEST)
    for name, text in DEFINITIONS.items():
        (source / 'msg' / f'{name}.msg').write_text(text)
    settings = [
        f'-DCMAKE_INSTALL_PREFIX={prefix}', '-DBUILD_TESTING=OFF',
        f'-DPython3_EXECUTABLE={sys.executable}',
    ]  # fmt: skip
    for command in (
        ['cmake', '-S', source, '-B', build, *settings],
        ['cmake', '--build', build, '--parallel', '2'],
        ['cmake', '--install', build],
    ):
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    python = next(prefix.rglob(f'*-packages/{PACKAGE}')).parent
    added = {'LD_LIBRARY_PATH': prefix / 'lib', 'PYTHONPATH': python}
    return {name: _joined(path, os.environ.get(name)) for name, path in added.items()}


def _joined(first: Path, others: str | None) -> str:
    return os.pathsep.join([str(first), *([others] if others else [])])
