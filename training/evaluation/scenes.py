"""
Synthetic pictures that training never draws: own seed, bodies, recordings, clothes and places.

They are drawn once (about a second each) and kept in a folder named after their body and poses;
remove it after a change of the code that draws them.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track

from mesh_pose_ros.geometry.body_model import BodyModel
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix
from training.data.ages import CHILDREN, is_child
from training.data.lifter_samples import HELD_OUT_BODIES
from training.synthetic.pose_bank import PoseBank
from training.synthetic.poses import PoseSampler
from training.synthetic.scenes import (
    Actor,
    Label,
    Picture,
    View,
    Wardrobe,
    on_ground,
    photograph,
)
from training.synthetic.sensor import Sensor
from training.synthetic.stages import random_stage
from training.synthetic.textures import Rng

SEED = 97_531
SIZE = (640, 480)
NEAREST, FURTHEST = 1.0, 9.0  # metres
LEAST_HEIGHT = 60.0  # pixels of what is seen
LEAST_JOINTS = 4  # of COCO's 12 limb joints, seen
LIMBS = slice(5, 17)


@dataclass(frozen=True, eq=False)
class Truth:
    """
    A picture's people who are seen well enough to be judged; metres in the optical frame.

    :param image: (H, W, 3) RGB
    :param boxes: of what is seen, x1 y1 x2 y2, (M, 4) pixels
    :param joints: COCO's, (M, 17, 3)
    :param vertices: (M, V, 3)
    :param pelvis: of the body model, (M, 3)
    :param truncated: whether a limb joint is outside the picture, (M,)
    """

    image: NDArray[np.uint8]
    camera: Camera
    boxes: NDArray[np.floating]
    joints: NDArray[np.floating]
    vertices: NDArray[np.floating]
    pelvis: NDArray[np.floating]
    truncated: NDArray[np.bool_]


def held_out_scenes(count: int, body: Path, poses: Path | None, cache: Path) -> list[Truth]:
    """
    Draw pictures, or read those drawn before.

    :param body: the open body
    :param poses: pose bank; without it, authored poses alone
    """
    crc = zlib.crc32(body.read_bytes()) ^ (zlib.crc32(poses.read_bytes()) if poses else 0)
    folder = cache / f'scenes-{SEED}-{crc:08x}'
    folder.mkdir(parents=True, exist_ok=True)
    studio = _Studio(body, poses)
    for index in track(range(count), 'scenes'):
        file = folder / f'{index:04d}.npz'
        if not file.exists():
            _store(studio.scene(np.random.default_rng([SEED, index])), file)
    return [_read(folder / f'{index:04d}.npz') for index in range(count)]


class _Studio:
    """Bodies and poses that are kept for tests."""

    def __init__(self, body: Path, poses: Path | None) -> None:
        self._wardrobe = Wardrobe(BodyModel.load(body))
        bank = PoseBank.load(poses) if poses else None
        self._poses = PoseSampler(bank, held_out=True)
        with np.load(body) as file:
            people = file['population'][::HELD_OUT_BODIES].astype(float)
        child = is_child(people)
        self._adults, self._children = people[~child], people[child]

    def scene(self, rng: Rng) -> Picture:
        """One to three people at all distances, some of them half out of the picture."""
        camera = Camera.from_fov(rng.uniform(38, 95), SIZE)
        height = rng.uniform(0.6, 2.6)
        away = np.exp(rng.uniform(np.log(NEAREST), np.log(FURTHEST), rng.choice([1, 1, 2, 3])))
        tilt = np.arctan((height - 0.95) / away[0]) + rng.normal(0, 0.08)
        view = View.standing(camera, height, tilt)
        actors = [self._actor(distance, camera, rng) for distance in away]
        picture = photograph(view, random_stage(rng), actors)
        return replace(picture, image=Sensor.random(rng)(picture.image, rng))

    def _actor(self, away: float, camera: Camera, rng: Rng) -> Actor:
        seed = torch.Generator().manual_seed(int(rng.integers(2**31)))
        pose = self._poses.sample(1, seed)[0].double().numpy()
        pose[0] = axis_angle_to_matrix((0, rng.uniform(-np.pi, np.pi), 0)) @ pose[0]
        aside = away * rng.uniform(-0.5, 0.5) * SIZE[0] / camera.focal
        people = self._children if rng.random() < CHILDREN else self._adults
        betas = people[rng.integers(len(people))]
        body = on_ground(self._wardrobe.model, betas, pose, (aside, -away))
        return Actor(self._wardrobe.stranger(betas, rng), body)


def is_judged(person: Label) -> bool:
    """Whether enough of somebody is seen to ask for a pose."""
    return bool(
        person.box[3] >= LEAST_HEIGHT
        and person.visible[LIMBS].sum() >= LEAST_JOINTS
        and person.vertices[:, 2].min() > 0.05
    )


def _store(picture: Picture, file: Path) -> None:
    people = [person for person in picture.people if is_judged(person)]
    pixels = np.array([p.points2d[LIMBS] for p in people]).reshape(-1, 12, 2)
    inside = (pixels >= -0.5) & (pixels <= np.array(SIZE) - 0.5)
    boxes = np.array([p.box for p in people]).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    np.savez(
        file.with_suffix('.part.npz'),
        image=np.asarray(cv2.imencode('.png', picture.image[..., ::-1])[1]),
        intrinsics=picture.view.camera.intrinsics,
        boxes=boxes,
        joints=np.array([p.points[:17] for p in people]).reshape(-1, 17, 3),
        vertices=np.array([p.vertices for p in people], np.float32),
        pelvis=np.array([p.joints[0] for p in people]).reshape(-1, 3),
        truncated=~inside.all((1, 2)),
    )
    file.with_suffix('.part.npz').replace(file)


def _read(file: Path) -> Truth:
    with np.load(file) as stored:
        values = {name: stored[name] for name in stored.files}
    pixels = np.asarray(cv2.imdecode(values.pop('image'), cv2.IMREAD_COLOR), np.uint8)
    camera = Camera(values.pop('intrinsics'), SIZE)
    return Truth(np.ascontiguousarray(pixels[..., ::-1]), camera, **values)
