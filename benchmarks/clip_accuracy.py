"""
How well the whole chain sees the people of the bundled clip, whose truth is known exactly.

    python benchmarks/clip_accuracy.py [--model default] [--stride 1] [--boxes] [--no-mesh]

Joints are COCO's twelve from shoulders to ankles. A person is found if the median of their
pixel errors is below a tenth of the person's size. The clip is rendered: its figures say
whether the geometry is right, not how well networks see real people.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.cameras import read_camera_yaml
from mesh_pose_ros.people import Box, Person
from mesh_pose_ros.pipeline.mesh_pose import MeshPose, Options
from mesh_pose_ros.skeletons import COCO17
from training.metrics import aligned_error, mean_error

DEMO = Path(__file__).parents[1] / 'demo'
LIMBS = slice(5, 17)
HIPS = slice(11, 13)
NEAR = 0.1  # of a person's size in the picture

Truth = dict[str, NDArray]


@dataclass(frozen=True, eq=False)
class Match:
    """
    One true person in one frame, found.

    :param found, true: (17, 3) metres, camera frame
    :param height: metres of the mesh's lowest point above the ground, NaN without a mesh
    """

    person: int
    track: int
    pixels: float
    found: NDArray[np.floating]
    true: NDArray[np.floating]
    height: float


def frames(stride: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Every so many frames of the clip, RGB."""
    video, index = cv2.VideoCapture(str(DEMO / 'people.mp4')), 0
    while (step := video.read())[0]:
        if index % stride == 0:
            yield index, np.ascontiguousarray(step[1][..., ::-1])
        index += 1


def matches(people: list[Person], truth: Truth, frame: int, camera: Camera) -> list[Match]:
    """Give each true person the estimate whose joints are nearest, if near enough."""
    found = []
    for index, true in enumerate(truth['coco17'][frame]):
        pixels = camera.project(true)
        size = np.ptp(pixels, axis=0).max()
        errors = [_pixel_error(person, pixels) for person in people]
        best = int(np.argmin(errors)) if errors else -1
        if best >= 0 and errors[best] < NEAR * size:
            found.append(_match(people[best], index, errors[best], true, truth['ground']))
    return found


def _pixel_error(person: Person, pixels: NDArray) -> float:
    joints = person.pose.joints2d[person.pose.skeleton.places_of(COCO17.names)]
    return float(np.median(np.linalg.norm(joints - pixels, axis=-1)[LIMBS]))


def _match(person: Person, index: int, error: float, true: NDArray, ground: NDArray) -> Match:
    joints = person.pose.joints3d[person.pose.skeleton.places_of(COCO17.names)]
    height = float('nan')
    if person.mesh is not None:
        height = float((person.mesh.vertices @ ground[:3] + ground[3]).min())
    return Match(index, person.track_id, error, joints, true, height)


def figures(found: list[Match], count: int) -> dict[str, float]:
    """Recall, and the errors of those found; keys are the columns of the table."""
    here, there = (np.array([getattr(m, side) for m in found]) for side in ('found', 'true'))
    roots, true_roots = (side[:, HIPS].mean(1) for side in (here, there))
    aside = np.linalg.norm(roots - true_roots, axis=-1)
    away = np.linalg.norm(roots, axis=-1) / np.linalg.norm(true_roots, axis=-1) - 1
    limbs, true_limbs = here[:, LIMBS] - roots[:, None], there[:, LIMBS] - true_roots[:, None]
    size = np.sqrt((limbs**2).sum((1, 2)) / (true_limbs**2).sum((1, 2)))
    values = (
        len(found) / count,
        np.median([m.pixels for m in found]),
        np.median(aside) * 1000,
        np.median(np.abs(away)) * 100,
        np.median(away) * 100,
        np.median(size),
        mean_error(limbs, true_limbs).mean(),
        aligned_error(limbs, true_limbs).mean(),
        *np.percentile([m.height * 100 for m in found], [50, 10, 90]),
        len({m.track for m in found}),
    )
    return {name: float(value) for name, value in zip(COLUMNS, values, strict=True)}


COLUMNS = {  # column -> how its numbers are written
    'recall': '.3f', '2D px': '.1f', 'pelvis mm': '.0f', 'distance %': '.1f', 'bias %': '+.1f',
    'size': '.3f', 'MPJPE mm': '.0f', 'PA mm': '.0f', 'lowest point above ground cm': '+.1f',
    '10 %': '+.1f', '90 %': '+.1f', 'ids': '.0f',
}  # fmt: skip


def measure(pose: MeshPose, stride: int, given_boxes: bool) -> tuple[list[Match], int, int]:
    """Run the clip: (matches, frames, persons reported that match nobody)."""
    with np.load(DEMO / 'people_truth.npz') as file:
        truth = dict(file)
    camera, found, count, extra = read_camera_yaml(DEMO / 'people.yaml'), [], 0, 0
    total = len(truth['coco17']) // stride
    for index, image in track(frames(stride), 'clip', total=total):
        boxes = [Box(*map(float, b)) for b in truth['boxes'][index]] if given_boxes else None
        people = pose(image, camera, stamp=index / float(truth['fps']), boxes=boxes)
        here = matches(people, truth, index, camera)
        found, count, extra = found + here, count + 1, extra + max(len(people) - len(here), 0)
    return found, count, extra


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('--model', default='default')
    parser.add_argument('--stride', type=int, default=1, help='take every so many frames')
    parser.add_argument('--boxes', action='store_true', help='give the true boxes')
    parser.add_argument('--no-mesh', action='store_true')
    parser.add_argument('--out', type=Path, help='write the figures as JSON')
    told = parser.parse_args()
    pose = MeshPose.open(Options(model=told.model, mesh=not told.no_mesh))
    found, count, extra = measure(pose, told.stride, told.boxes)
    persons = sorted({m.person for m in found})
    rows = {
        str(person + 1): figures([m for m in found if m.person == person], count)
        for person in persons
    }
    rows['all'] = figures(found, count * max(len(persons), 1))
    table = Table('person', *COLUMNS, title=f'{pose.model_id}: {count} frames, {extra} false')
    for name, values in rows.items():
        table.add_row(name, *(format(values[c], how) for c, how in COLUMNS.items()))
    Console(width=150).print(table)
    if told.out:
        told.out.write_text(json.dumps({'false persons': extra, **rows}, indent=1))


if __name__ == '__main__':
    main()
