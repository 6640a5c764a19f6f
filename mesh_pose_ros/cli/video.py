"""`mesh_pose video`: people in a video, followed from frame to frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer

from mesh_pose_ros.cli import options
from mesh_pose_ros.cli.given import Cameras, read_cameras
from mesh_pose_ros.errors import BadCameraError, BadImageError, BagError
from mesh_pose_ros.people import Person
from mesh_pose_ros.pipeline.mesh_pose import MeshPose
from mesh_pose_ros.render import VideoFile
from mesh_pose_ros.render import overlay as draw
from mesh_pose_ros.render.json_lines import JsonLines, people_fields
from mesh_pose_ros.sources import Frame, open_source

DEFAULT_RATE = 25.0  # frames per second of a film of a single frame
LOOKED_AT = 30  # frames that say how many there are in a second
PROBLEMS = 5  # told at the end


@options.failing_politely()
def video(
    source: Annotated[
        str, typer.Argument(metavar='IN', help='Video, folder of successive images, or bag.')
    ],
    out: Annotated[
        Path | None, typer.Option(help='Video to write, .mp4 or .avi. Default: <IN>_people.mp4.')
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help='Write a line per frame, as of `mesh_pose image`.')
    ] = None,
    camera: options.Camera = None,
    fov: options.Fov = None,
    overlay: Annotated[bool, typer.Option(help='Write the video with people drawn.')] = True,
    model: options.Model = 'default',
    detector: options.Detector = '',
    lift: options.Lift = '',
    backend: options.Backend = 'auto',
    precision: options.Precision = 'fp32',
    threads: options.Threads = 0,
) -> None:
    """Find and follow people in a video: skeleton and mesh in metres, drawn over every frame."""
    cameras = read_cameras(camera, fov)
    name = Path(source).name
    target = out or Path(f'{Path(source).stem}_people.mp4')
    film_source = open_source(source)
    frames, rate = with_rate(film_source)
    with ExitStack() as stack:
        pipeline = options.open_pipeline(
            model, detector, lift, backend, threads, precision=precision, follow=True
        )
        lines = stack.enter_context(JsonLines(json)) if json else None
        film = stack.enter_context(VideoFile(target, rate)) if overlay else None
        known = not camera and not fov  # what lies beside the video or in the bag serves
        run = _Run(name, pipeline, cameras, known, film, lines)
        bar = stack.enter_context(options.progress_bar())
        for number, frame in enumerate(
            bar.track(frames, film_source.count or None, description='frames')
        ):
            run(number, frame)
    run.tally.problems += film_source.problems
    _summary(run.tally, cameras, target if overlay else None)
    if run.tally.problems:
        raise typer.Exit(options.PARTLY)


def with_rate(frames: Iterable[Frame]) -> tuple[Iterator[Frame], float]:
    """
    The same frames, and how many of them there are in a second by the first stamps.

    :raises BagError: there are none
    """
    rest = iter(frames)
    first = list(islice(rest, LOOKED_AT))
    if not first:
        raise BagError('the video has no frames that can be read')
    steps = np.diff([frame.stamp_ns for frame in first]) / 1e9
    steps = steps[steps > 0]  # one pair may lie close together, or be a jump
    return chain(first, rest), 1 / float(np.median(steps)) if len(steps) else DEFAULT_RATE


@dataclass
class Tally:
    """What became of the frames."""

    frames: int = 0
    people: int = 0
    guessed: bool = False
    left_out: Counter[str] = field(default_factory=Counter)  # reason -> boxes
    problems: list[str] = field(default_factory=list)


@dataclass
class _Run:
    """A video on its way through the pipeline."""

    name: str
    pipeline: MeshPose
    cameras: Cameras
    use_known: bool
    film: VideoFile | None
    lines: JsonLines | None

    def __post_init__(self) -> None:
        self.tally = Tally()

    def __call__(self, number: int, frame: Frame) -> None:
        """Process one frame; one that cannot be used stays in the film as it is."""
        line: dict[str, Any] = {'file_name': self.name, 'frame': number}
        line |= {'stamp_s': frame.stamp_ns / 1e9, 'ms': 0.0, 'people': []}
        picture = frame.image
        try:
            people, picture, line['ms'] = self._people(frame)
            line['people'] = people_fields(people)
        except (BadImageError, BadCameraError) as err:
            line['error'] = str(err)
            self.tally.problems.append(f'frame {number}: {err}')
        if self.film:
            self.film.write(picture)
        if self.lines:
            self.lines.write(line)

    def _people(self, frame: Frame) -> tuple[list[Person], Any, float]:
        """Everybody in a frame, the frame with them drawn, and the milliseconds it took."""
        size = (frame.image.shape[1], frame.image.shape[0])
        known = frame.camera if self.use_known else None
        camera = known or self.cameras.of(self.name, size)
        start = perf_counter()
        people = self.pipeline(frame.image, camera, frame.stamp_ns / 1e9)
        spent = (perf_counter() - start) * 1e3
        self.tally.frames += 1
        self.tally.people += len(people)
        self.tally.left_out += self.pipeline.left_out
        self.tally.guessed |= camera.guessed
        picture = draw(frame.image, people, camera) if self.film else frame.image
        return people, picture, round(spent, 2)


def _summary(tally: Tally, cameras: Cameras, target: Path | None) -> None:
    where = f': {target}' if target else ''
    options.say(f'{tally.people} sights of people in {tally.frames} frames{where}')
    options.say_who_is_left_out(tally.left_out)
    if tally.guessed:
        options.say(
            f'camera guessed (fallback: {cameras.fov:g} degrees across the longer side): '
            'distances are rough; --camera gives a calibration',
            'yellow',
        )
    for problem in tally.problems[:PROBLEMS]:
        options.say(problem, 'red')
    if len(tally.problems) > PROBLEMS:
        options.say(f'and {len(tally.problems) - PROBLEMS} more like that', 'red')
