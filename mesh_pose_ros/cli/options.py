"""What the commands share: options with their help, the pipeline, exit codes, the console."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from mesh_pose_ros.errors import MeshPoseError
from mesh_pose_ros.pipeline.mesh_pose import MeshPose, Options
from mesh_pose_ros.pipeline.smoothing import SmoothingOptions
from mesh_pose_ros.pipeline.tracking import TrackingOptions

CHOICE = 'mesh_pose_ros.runtime.choice'
PARTLY, FAILED = 1, 3  # 2 is the shell's and typer's code for a wrong command line
EXIT_CODES = (
    'Exit codes: 0 all done; 1 done but for some images, which are listed; 2 wrong command line; '
    '3 could not start or go on: model missing, no images, disk full.'
)

console = Console(stderr=True, highlight=False)

Model = Annotated[
    str, typer.Option(help='Name or path of the pose model; see `mesh_pose models list`.')
]
Detector = Annotated[
    str, typer.Option(help="Name or path of the person detector. Default: the model's partner.")
]
Lift = Annotated[
    str,
    typer.Option(
        help="Name or path of the joints-to-mesh model, 'none' for no mesh. Default: the "
        "model's partner."
    ),
]
Backend = Annotated[str, typer.Option(help='What runs the networks: auto, onnxruntime ...')]
Precision = Annotated[str, typer.Option(help='fp32, or fp16 where TensorRT runs the networks.')]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads per network, 0: library's choice.")]
Fov = Annotated[
    float | None,
    typer.Option(
        min=1,
        max=179,
        help='Field of view in degrees across the longer side of the image, where no '
        'calibration is given. Metres are then a guess.',
    ),
]
Camera = Annotated[
    Path | None,
    typer.Option(
        help='Calibration: a camera_info .yaml for everything, or .json with file name -> '
        'required keys fx fy cx cy (pixels), optional distortion, model, and width height, the '
        'size of the image calibrated with (default: that of the image as it is); the name '
        "'*' stands for all others."
    ),
]


def open_pipeline(
    model: str,
    detector: str,
    lift: str,
    backend: str,
    threads: int,
    *,
    precision: str = 'fp32',
    follow: bool,
) -> MeshPose:
    """
    Load the networks.

    :param follow: images are successive frames; else each is a world of its own
    """
    options = Options(
        model=model,
        detector=detector,
        lift=lift,
        backend=backend,
        threads=threads,
        precision=precision,
        mesh=lift != 'none',
    )
    if not follow:
        options = replace(
            options, tracking=TrackingOptions(enabled=False), smoothing=SmoothingOptions(False)
        )
    return MeshPose.open(options)


@contextmanager
def failing_politely() -> Iterator[None]:
    """Say an error of ours in one sentence, without a traceback, and exit with `FAILED`."""
    try:
        yield
    except MeshPoseError as err:
        console.print('error:', style='red', end=' ')
        console.print(str(err), markup=False, soft_wrap=True)
        raise typer.Exit(FAILED) from err


def progress_bar() -> Progress:
    """A bar with count, rate and remaining time on stderr; silent where that is no terminal."""
    return Progress(
        TextColumn('{task.description}'),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


class _Saying(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage(), 'yellow' if record.levelno >= logging.WARNING else 'dim')


def say_what_is_logged() -> None:
    """Print what this package logs, such as how the build of an engine goes on."""
    ours = logging.getLogger('mesh_pose_ros')
    ours.addHandler(_Saying())
    ours.setLevel(logging.INFO)
    logging.getLogger(CHOICE).setLevel(logging.WARNING)  # some lines for each network


def say_why_it_runs_where() -> None:
    """Print also which backend is taken and why."""
    logging.getLogger(CHOICE).setLevel(logging.INFO)


def say(text: str, style: str = '') -> None:
    """Print a sentence on stderr as it is, not wrapped."""
    console.print(text, style=style or None, markup=False, soft_wrap=True)


def say_who_is_left_out(boxes: Counter[str]) -> None:
    """
    Say for each reason how many boxes became nobody.

    :param boxes: see `MeshPose.left_out`
    """
    for reason, count in boxes.most_common():
        say(f'{count} {"box" if count == 1 else "boxes"} left out: {reason}', 'dim')
