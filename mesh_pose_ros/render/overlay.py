"""The people of an image drawn over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Person
from mesh_pose_ros.render import colours
from mesh_pose_ros.render.paint import (
    paint_box,
    paint_meshes,
    paint_skeleton,
    unit_of,
)
from mesh_pose_ros.render.views import CameraView

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class OverlayOptions:
    """What to draw; ``opacity`` is that of the mesh, 0 to 1."""

    boxes: bool = True
    skeletons: bool = True
    meshes: bool = True
    opacity: float = 0.7


def overlay(
    image: Image,
    people: Sequence[Person],
    camera: Camera,
    options: OverlayOptions | None = None,
) -> Image:
    """
    Draw people over their image: surface, skeleton, box with number, score and distance.

    :param image: (H, W, 3) RGB
    :param camera: the one the people were estimated with, of the image's size
    :return: a new image
    """
    options = options or OverlayOptions()
    canvas = np.ascontiguousarray(image).copy()
    far_to_near = sorted(people, key=distance, reverse=True)
    if options.meshes:
        bodies = [(p.mesh, colours.of_person(p.track_id)) for p in people if p.mesh]
        meshes, tints = zip(*bodies) if bodies else ((), ())
        paint_meshes(canvas, CameraView(camera), meshes, tints, options.opacity)
    for person in far_to_near:
        if options.skeletons:
            paint_skeleton(
                canvas,
                person.pose.skeleton,
                person.pose.joints2d,
                person.pose.confidence,
                2.5 * unit_of(canvas),
            )
    for person in far_to_near:
        if options.boxes:
            tint = colours.of_person(person.track_id)
            paint_box(canvas, person.box, tint, label(person))
    return canvas


def label(person: Person) -> str:
    """Number, score and distance in words as short as they get."""
    return f'{person.track_id}  {person.score:.2f}  {distance(person):.1f} m'


def distance(person: Person) -> float:
    """Median depth of the joints, metres."""
    return float(np.median(person.pose.joints3d[:, 2]))
