"""`mesh_pose image`: people in photographs."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from mesh_pose_ros.cli import options
from mesh_pose_ros.cli.given import Boxes, Cameras, read_boxes, read_cameras
from mesh_pose_ros.cli.pictures import list_images, read_image, result_names
from mesh_pose_ros.errors import BadCameraError, BadImageError
from mesh_pose_ros.people import Box, Person
from mesh_pose_ros.pipeline.mesh_pose import MeshPose
from mesh_pose_ros.render import overlay, scene_picture, write_glb, write_obj, write_picture
from mesh_pose_ros.render.files import writing
from mesh_pose_ros.render.json_lines import JsonLines, people_fields


@dataclass(frozen=True)
class Results:
    """Which files to write for each image, and where."""

    folder: Path
    overlay: bool = True
    side_view: bool = False
    obj: bool = False
    glb: bool = False

    @property
    def any(self) -> bool:
        """Whether the folder is needed."""
        return self.overlay or self.side_view or self.obj or self.glb

    def write(self, name: str, image: Any, people: list[Person], camera: Any) -> None:
        """Write all that is asked for; a 3D file only if there is somebody to put into it."""
        if self.overlay:
            picture = overlay(image, people, camera)
            write_picture(picture, self.folder / f'{name}_overlay.jpg')
        if self.side_view:
            write_picture(scene_picture(people, camera), self.folder / f'{name}_views.png')
        if self.obj and people:
            write_obj(people, self.folder / f'{name}.obj')
        if self.glb and people:
            write_glb(people, self.folder / f'{name}.glb')


@dataclass
class Tally:
    """What became of the images."""

    images: int = 0
    people: int = 0
    guessed: int = 0
    left_out: Counter[str] = field(default_factory=Counter)  # reason -> boxes
    failed: dict[str, str] = field(default_factory=dict)  # file -> reason


@options.failing_politely()
def image(
    inputs: Annotated[
        list[Path], typer.Argument(metavar='FILES|FOLDER', help='Images, or folders of images.')
    ],
    out: Annotated[Path, typer.Option(help='Folder for pictures and 3D files.')] = Path('output'),
    json: Annotated[
        Path | None,
        typer.Option(
            help='Write a line per image: file_name, ms, people with bbox, score, track_id, '
            'joints2d (pixels of the image), joints3d_cam_mm (millimetres, camera frame) and '
            "parameters (pose, betas ... of the network's body model, if it says any)."
        ),
    ] = None,
    camera: options.Camera = None,
    fov: options.Fov = None,
    boxes: Annotated[
        Path | None,
        typer.Option(
            help='JSON with file name -> list of [x, y, width, height]; used instead of the '
            'detector. [] says that nobody is there.'
        ),
    ] = None,
    model: options.Model = 'default',
    detector: options.Detector = '',
    lift: options.Lift = '',
    backend: options.Backend = 'auto',
    precision: options.Precision = 'fp32',
    threads: options.Threads = 0,
    obj: Annotated[
        bool,
        typer.Option('--obj', help='Write meshes as OBJ, metres, y up; no file without people.'),
    ] = False,
    glb: Annotated[
        bool, typer.Option('--glb', help='Write meshes as binary glTF; no file without people.')
    ] = False,
    overlay: Annotated[bool, typer.Option(help='Draw people over their image.')] = True,
    side_view: Annotated[
        bool, typer.Option('--side-view', help='Draw the scene from the side and from above.')
    ] = False,
) -> None:
    """
    Find people in photographs: skeleton and mesh in metres.

    Every image is a world of its own: nobody is followed from one to the next. Images are
    taken upright, as viewers show them (an EXIF orientation is applied); pixels count in the
    upright image, their centres at whole numbers.
    """
    files = list_images(inputs)
    cameras = read_cameras(camera, fov)
    given = read_boxes(boxes) if boxes else None
    unused = 'none' if given is not None else detector
    pipeline = options.open_pipeline(
        model, unused, lift, backend, threads, precision=precision, follow=False
    )
    results = Results(out, overlay, side_view, obj, glb)
    if results.any:
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
    with JsonLines(json) if json else nullcontext() as lines:
        tally = _process(files, pipeline, cameras, given, results, lines)
    _summary(tally, results, cameras)
    if tally.failed:
        raise typer.Exit(options.PARTLY)


def _process(
    files: list[Path],
    pipeline: MeshPose,
    cameras: Cameras,
    given: Boxes | None,
    results: Results,
    lines: JsonLines | None,
) -> Tally:
    tally, names = Tally(), result_names(files)
    with options.progress_bar() as bar:
        for file in bar.track(files, description='images'):
            line: dict[str, Any] = {'file_name': file.name, 'ms': 0.0, 'people': []}
            try:
                picture = read_image(file)
                size = (picture.shape[1], picture.shape[0])
                camera = cameras.of(file.name, size)
                wanted = None if given is None else given.of(file.name, size)
                people, line['ms'] = _timed(pipeline, picture, camera, wanted)
            except (BadImageError, BadCameraError) as err:
                tally.failed[file.name] = line['error'] = str(err)
            else:
                line['people'] = people_fields(people)
                results.write(names[file], picture, people, camera)
                tally.images += 1
                tally.people += len(people)
                tally.left_out += pipeline.left_out
                tally.guessed += camera.guessed
            if lines:
                lines.write(line)
    return tally


def _timed(
    pipeline: MeshPose, picture: Any, camera: Any, boxes: list[Box] | None
) -> tuple[list[Person], float]:
    """People, and the milliseconds it took to find them."""
    pipeline.reset()
    start = perf_counter()
    people = pipeline(picture, camera, 0.0, boxes)
    return people, round((perf_counter() - start) * 1e3, 2)


def _summary(tally: Tally, results: Results, cameras: Cameras) -> None:
    where = f', results in {results.folder}' if results.any else ''
    options.say(f'{tally.people} people in {tally.images} images{where}')
    options.say_who_is_left_out(tally.left_out)
    if tally.guessed:
        options.say(
            f'camera guessed for {tally.guessed} images (fallback: {cameras.fov:g} degrees '
            'across the longer side): distances are rough; --camera gives a calibration',
            'yellow',
        )
    for reason in tally.failed.values():
        options.say(f'failed: {reason}', 'red')
