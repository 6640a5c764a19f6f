"""`mesh_pose lift`: joints that somebody found in a picture become bodies in space."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from mesh_pose_ros.cli import options
from mesh_pose_ros.cli.given import read_cameras
from mesh_pose_ros.cli.pictures import read_image
from mesh_pose_ros.errors import BadImageError, ModelError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box, Person
from mesh_pose_ros.pipeline.pixel_lift import Lifted, PixelLift, lift_stage_of, pose_from_pixels
from mesh_pose_ros.render import overlay, scene_picture, write_obj, write_picture
from mesh_pose_ros.render.files import writing
from mesh_pose_ros.render.json_lines import JsonLines, people_fields
from mesh_pose_ros.runtime.models import find_card
from mesh_pose_ros.runtime.session import open_session
from mesh_pose_ros.skeletons import SKELETONS, Skeleton

Joints = NDArray[np.floating]


@options.failing_politely()
def lift(
    joints: Annotated[
        Path,
        typer.Argument(
            help='npy: (J, 2) or (N, J, 2) of pixels, a third column is confidence. Joints in '
            'the order of --joint-set.'
        ),
    ],
    model: Annotated[str, typer.Option(help='Name or path of a lift model that takes pixels.')],
    joint_set: Annotated[
        str,
        typer.Option(
            help=f'Joint set of the file: {", ".join(SKELETONS)}. What another set than the '
            "model's has is matched by name; pelvis and neck of coco19 come from coco17. "
            "Default: the model's."
        ),
    ] = '',
    image: Annotated[
        Path | None, typer.Option(help='The picture that the pixels are of, to draw on.')
    ] = None,
    size: Annotated[
        str, typer.Option(help='WIDTHxHEIGHT of that picture, if it is not given.')
    ] = '',
    camera: options.Camera = None,
    fov: options.Fov = None,
    out: Annotated[Path, typer.Option(help='Folder for pictures and meshes.')] = Path('output'),
    json: Annotated[
        Path | None, typer.Option(help='Write a line as `mesh_pose image --json` does.')
    ] = None,
    backend: options.Backend = 'auto',
    threads: options.Threads = 0,
) -> None:
    """
    Lift joints in a picture to bodies in space: OBJ, pictures, joints in metres.

    No picture is looked at; several people may be in one file.
    """
    card = find_card(model)
    stage = lift_stage_of(open_session(card, backend, threads), card)
    if not isinstance(stage, PixelLift):
        raise ModelError(f'{card.path}: takes no pixels, so it cannot lift {joints}')
    skeleton = _skeleton(joint_set, stage)
    found = read_joints(joints, skeleton)
    picture = read_image(image) if image else None
    width, height = picture.shape[1::-1] if picture is not None else _size(size, found)
    name = image.name if image else joints.name
    seen_by = read_cameras(camera, fov).of(name, (width, height))
    people = people_of(stage, skeleton, found, seen_by)
    _write(people, seen_by, picture, out, joints.stem)
    if json:
        with JsonLines(json) as lines:
            lines.write({'file_name': name, 'people': people_fields(people)})
    options.say(f'{len(people)} people from {joints}, results in {out}')
    if len(people) < len(found):
        options.say(
            f'{len(found) - len(people)} left out: a joint is not known, or all are in one place',
            'yellow',
        )
    if seen_by.guessed:
        options.say('camera guessed: distances are rough; --camera gives a calibration', 'yellow')


def _skeleton(name: str, stage: PixelLift) -> Skeleton:
    """Joint set of the file."""
    if not name:
        return stage.skeleton
    if name not in SKELETONS:
        raise typer.BadParameter(f'no joint set {name!r}; known are {", ".join(SKELETONS)}')
    stage.demand(SKELETONS[name])
    return SKELETONS[name]


def read_joints(path: Path, skeleton: Skeleton) -> Joints:
    """
    Read people's joints, (N, J, 3): pixels and confidence.

    :raises BadImageError: the file is missing, or of another shape
    """
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as err:
        raise BadImageError(f'{path}: cannot be read as npy: {err}') from err
    shape = values.shape
    people = values[None] if values.ndim == 2 else values
    if people.ndim != 3 or people.shape[1] != len(skeleton) or people.shape[2] not in (2, 3):
        raise BadImageError(
            f'{path}: is {shape}, wanted is (N, {len(skeleton)}, 2 or 3): the joints of '
            f'{skeleton.name}. --joint-set says that they are of another set'
        )
    if people.dtype.kind not in 'iuf':
        raise BadImageError(f'{path}: holds {people.dtype}, wanted are numbers')
    sure = np.ones((*people.shape[:2], 1)) if people.shape[2] == 2 else people[..., 2:]
    return np.concatenate([people[..., :2], sure], axis=-1).astype(float)


def people_of(
    stage: PixelLift, skeleton: Skeleton, joints: Joints, camera: Camera
) -> list[Person]:
    """Lift all people, (N, J, 3) of a skeleton; who cannot be lifted is left out."""
    poses = [pose_from_pixels(skeleton, j[:, :2], camera, j[:, 2]) for j in joints]
    found = stage.lifted(poses)
    return [_person(one, i) for i, one in enumerate(found, 1) if one is not None]


def _person(lifted: Lifted, number: int) -> Person:
    pixels = lifted.pose.joints2d
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    box = Box(*low.tolist(), *(high - low).tolist())
    return Person(box, 1.0, lifted.pose, mesh=lifted.mesh, track_id=number)


def _size(told: str, joints: Joints) -> tuple[int, int]:
    """Size of the picture: as told, or one that all known joints are in."""
    if not told:
        corners = joints[..., :2].reshape(-1, 2)
        across, down = corners[np.isfinite(corners).all(axis=1)].max(axis=0, initial=0)
        return int(across) + 1, int(down) + 1
    width, _, height = told.partition('x')
    if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise typer.BadParameter(f'{told!r} is no size such as 640x480')
    return int(width), int(height)


def _write(
    people: list[Person],
    camera: Camera,
    picture: NDArray[np.uint8] | None,
    out: Path,
    name: str,
) -> None:
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    paper = picture
    if paper is None:
        paper = np.full((camera.size[1], camera.size[0], 3), 255, np.uint8)
    write_picture(overlay(paper, people, camera), out / f'{name}_overlay.jpg')
    write_picture(scene_picture(people, camera), out / f'{name}_views.png')
    if people:
        write_obj(people, out / f'{name}.obj')
