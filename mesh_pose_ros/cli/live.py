"""`mesh_pose live` and `mesh_pose replay`: the ROS node and a camera for it, without launch."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from mesh_pose_ros.cli import options
from mesh_pose_ros.errors import BackendUnavailableError

PASS_ON = {'allow_extra_args': True, 'ignore_unknown_options': True}


@options.failing_politely()
def live(
    context: typer.Context,
    params_file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help='Parameters, as `ros2 run` takes them.'),
    ] = None,
    image: Annotated[str, typer.Option(help='Topic of the images.')] = '',
    camera_info: Annotated[str, typer.Option(help='Topic of the CameraInfo.')] = '',
    namespace: Annotated[str, typer.Option(help='Namespace of the node.')] = '',
) -> None:
    """
    Start the ROS 2 node, for machines where `launch` is not installed.

    What follows goes to the node as it is, e.g. `--ros-args -p model.name:=my_model`.
    """
    arguments = []
    if params_file:  # before what is said by hand: the last word counts
        arguments += ['--ros-args', '--params-file', str(params_file), '--']
    arguments += context.args
    remaps = {'image': image, 'camera_info': camera_info, '__ns': namespace}
    for name, topic in remaps.items():
        if topic:
            arguments += ['--ros-args', '-r', f'{name}:={topic}', '--']
    _exit_with(_main_of('node')(arguments))


@options.failing_politely()
def replay(context: typer.Context) -> None:
    """
    Publish a video, image folder, webcam or bag as Image and CameraInfo topics.

    All arguments go to the replay node; `mesh_pose replay --help` lists them.
    """
    _exit_with(_main_of('replay')(list(context.args)))


def _main_of(module: str) -> Callable[[list[str]], int | None]:
    """The main function of one of the ROS nodes; the rest of this tool works without ROS."""
    try:
        return import_module(f'mesh_pose_ros.ros.{module}').main  # type: ignore[no-any-return]
    except ImportError as err:
        raise BackendUnavailableError(
            f'this needs ROS 2 in Python, which cannot be imported ({err}): source '
            "/opt/ros/<distro>/setup.bash and the workspace, or pip install '.[ros]' in this "
            "package's source folder"
        ) from err


def _exit_with(code: int | None) -> None:
    raise typer.Exit(code or 0)
