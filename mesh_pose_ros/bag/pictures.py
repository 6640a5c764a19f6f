"""Pictures and a video of a recording: images, persons and meshes of one MCAP file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mesh_pose_ros.bag.reading import Bag, message_of, open_bag
from mesh_pose_ros.errors import BagError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.cameras import camera_from
from mesh_pose_ros.messages.images import Rgb, to_rgb
from mesh_pose_ros.messages.reading import people_of
from mesh_pose_ros.messages.types import stamp_ns
from mesh_pose_ros.people import Person
from mesh_pose_ros.render import Ground, VideoFile, overlay, scene_picture, write_picture

KINDS = {  # part of a scene -> message types
    'image': ('Image', 'CompressedImage'),
    'camera': ('CameraInfo',),
    'persons': ('PersonArray',),
    'meshes': ('HumanMeshArray',),
    'model': ('SkeletonModel',),
}


@dataclass(frozen=True, eq=False)
class Moment:
    """One image of a recording with what was said about it."""

    stamp_ns: int
    image: Rgb
    camera: Camera
    people: list[Person]


def moments(path: Path) -> Iterator[Moment]:
    """
    Images of a recording in the order of their stamps; those nobody spoke about are left out.

    :raises BagError: not a recording of images and persons with their camera
    """
    bag = open_bag(path)
    try:
        yield from _moments(path, bag)
    finally:
        bag.close()


def _moments(path: Path, bag: Bag) -> Iterator[Moment]:
    parts = {part: _messages(bag, part) for part in KINDS}
    missing = [KINDS[part][0] for part in KINDS if part != 'meshes' and not parts[part]]
    if missing:
        raise BagError(f'{path}: no {", ".join(missing)} in it; record them too')
    (model,) = list(parts['model'].values())[-1:]
    info = next(iter(parts['camera'].values()))
    for stamp in sorted(parts['persons'].keys() & parts['image'].keys()):
        image = to_rgb(parts['image'][stamp])
        people = people_of(parts['persons'][stamp], model, parts['meshes'].get(stamp))
        yield Moment(stamp, image, camera_from(info, (image.shape[1], image.shape[0])), people)


def _messages(bag: Bag, part: str) -> dict[int, Any]:
    """Messages of a part by the stamp of their header, by the order without one."""
    names = {n for n, topic in bag.topics.items() if topic.msgtype.split('/')[-1] in KINDS[part]}
    found = [message_of(record) for record in bag.records(names)]
    return {stamp_ns(m) if hasattr(m, 'header') else i: m for i, m in enumerate(found)}


def draw_recording(path: Path, folder: Path, ground: Ground | None = None) -> list[Path]:
    """
    Draw a recording: ``overlay.mp4``, and the fullest moment as ``overlay.png``, ``scene.png``.

    :param ground: the floor, if it is known
    :return: the files written
    """
    video, best = folder / 'overlay.mp4', None
    with VideoFile(video, rate_of(path)) as file:
        for moment in moments(path):
            drawn = overlay(moment.image, moment.people, moment.camera)
            file.write(drawn)
            if best is None or _fullness(moment) > _fullness(best[0]):
                best = moment, drawn
    if best is None:
        raise BagError(f'{path}: no image in it has persons told about it')
    moment, drawn = best
    write_picture(drawn, folder / 'overlay.png')
    write_picture(scene_picture(moment.people, moment.camera, ground), folder / 'scene.png')
    return [video, folder / 'overlay.png', folder / 'scene.png']


def _fullness(moment: Moment) -> tuple[int, float]:
    """Order moments by how much there is to see: people, then how well their joints are seen."""
    return len(moment.people), sum(float(p.pose.confidence.mean()) for p in moment.people)


def rate_of(path: Path) -> float:
    """Images per second that persons were told about."""
    bag = open_bag(path)
    try:
        stamps = np.array(sorted(_messages(bag, 'persons')))
    finally:
        bag.close()
    steps = np.diff(stamps) / 1e9
    return float(1 / np.mean(steps)) if len(steps) and np.mean(steps) > 0 else 10.0
