"""
Build the messages with CMake and place them in a wheel.

The same CMakeLists.txt that colcon drives on a ROS installation is driven here against the
ROS 2 wheels from PyPI. What it installs becomes the wheel: generated Python beside the sources,
libraries in <prefix>/lib (where the ROS wheels' start-up code looks for them), the rest below
<prefix>/share, so that a virtual environment with this wheel is a ROS prefix.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from setuptools import Command, Distribution, setup
from setuptools.command.build import build

NAME = 'mesh_pose_ros'
ROOT = Path(__file__).parent
# written for one prefix, or only needed while compiling
LEFT_OUT = ('__pycache__', '.egg-info', 'parent_prefix_path', 'local_setup.', 'package.dsv')


class PlatformDistribution(Distribution):
    """A wheel with compiled messages is for one platform and one Python."""

    def has_ext_modules(self) -> bool:
        """Say so, although setuptools compiles nothing itself."""
        return True


class BuildMessages(Command):
    """Run CMake and sort what it installs into the Python package and the prefix."""

    description = 'generate and compile the ROS messages'
    user_options = ()
    editable_mode = False

    def initialize_options(self) -> None:
        """Leave the folders to the build command."""
        self.build_lib = None
        self.build_temp = None

    def finalize_options(self) -> None:
        """Take the folders of the build command."""
        self.set_undefined_options(
            'build', ('build_lib', 'build_lib'), ('build_temp', 'build_temp')
        )

    def run(self) -> None:
        """Build, then hand the Python files to the wheel and the others to install_data."""
        stage = Path(self.build_temp).resolve() / 'stage'
        shutil.rmtree(stage, ignore_errors=True)
        self.build(stage)
        self.distribution.data_files = []
        for path in files_below(stage):
            self.place(path, path.relative_to(stage))
        if self.editable_mode:  # setuptools leaves data files out of an editable wheel
            self.run_command('install_data')

    def build(self, stage: Path) -> None:
        """Configure, compile and install into a stage folder."""
        tree = Path(self.build_temp).resolve() / 'cmake'
        run_cmake('-S', ROOT, '-B', tree, *self.definitions(stage))
        run_cmake('--build', tree, '--parallel', str(os.cpu_count() or 1))
        run_cmake('--install', tree)

    def definitions(self, stage: Path) -> Iterator[str]:
        """Yield the settings that differ from a colcon build."""
        yield f'-DCMAKE_INSTALL_PREFIX={stage}'
        yield '-DCMAKE_BUILD_TYPE=Release'
        yield '-DBUILD_TESTING=OFF'
        yield f'-DPython3_EXECUTABLE={sys.executable}'
        yield '-DBUNDLE_TF2_MSGS=ON'  # a wheel for tf2_msgs does not exist
        # an editable install keeps sources and shared files in the checkout
        yield f'-DMESSAGES_ONLY={"ON" if self.editable_mode else "OFF"}'

    def place(self, path: Path, relative: Path) -> None:
        """Put one staged file where pip will carry it to its place."""
        parts = relative.parts
        if parts[0] == 'bin':  # pip makes the commands itself, from pyproject.toml
            return
        if 'site-packages' not in parts:
            self.distribution.data_files.append((str(relative.parent), [str(path)]))
            return
        inside = Path(*parts[parts.index('site-packages') + 1 :])
        if is_generated(inside):
            self.place_python(path, inside, relative)

    def place_python(self, path: Path, inside: Path, relative: Path) -> None:
        """Put a generated Python file into the wheel, or into the checkout if editable."""
        if not self.editable_mode:
            copy(path, Path(self.build_lib) / inside)
        elif inside.parts[0] == NAME:
            copy(path, ROOT / inside)
        else:
            self.distribution.data_files.append((str(relative.parent), [str(path)]))

    def get_source_files(self) -> list[str]:
        """List what a source distribution needs."""
        return [str(path) for folder in ('cmake', 'msg') for path in files_below(Path(folder))]

    def get_outputs(self) -> list[str]:
        """List nothing: the files are placed by run itself."""
        return []

    def get_output_mapping(self) -> dict[str, str]:
        """Map nothing: the files are placed by run itself."""
        return {}


def run_cmake(*arguments: str | Path) -> None:
    """Run CMake with the ROS wheels in its sight."""
    prefix = str(ros_prefix())
    environment = os.environ | {'AMENT_PREFIX_PATH': prefix, 'CMAKE_PREFIX_PATH': prefix}
    subprocess.run(['cmake', *map(str, arguments)], check=True, env=environment)


def ros_prefix() -> Path:
    """Return the folder whose share/ the ROS wheels were installed in."""
    spec = importlib.util.find_spec('ament_package')
    if spec is None or spec.origin is None:
        raise SystemExit(
            'The ROS 2 build wheels are missing. Use plain "pip install ." (it fetches them),'
            ' or "make setup".'
        )
    return next(
        path for path in Path(spec.origin).parents if (path / 'share/ament_cmake').is_dir()
    )


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files worth keeping below a folder, sorted."""
    for path in sorted(folder.rglob('*')):
        if path.is_file() and not any(word in str(path.relative_to(folder)) for word in LEFT_OUT):
            yield path


def is_generated(inside: Path) -> bool:
    """Tell whether a file of site-packages comes from rosidl and is needed at run time."""
    if inside.suffix == '.c':
        return False
    return inside.parts[0] != NAME or inside.suffix == '.so' or inside.parts[1] == 'msg'


def copy(source: Path, target: Path) -> None:
    """Copy a file, making its folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


class Build(build):
    """The usual build, followed by the messages."""

    sub_commands = (*build.sub_commands, ('build_messages', None))


setup(
    distclass=PlatformDistribution,
    cmdclass={'build': Build, 'build_messages': BuildMessages},
)
