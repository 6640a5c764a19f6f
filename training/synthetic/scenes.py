"""
Pictures of dressed people whose every joint is known.

A `View` is a camera standing in the world (y up, ground at y = 0); people are posed bodies of
the open body with a `Figure` of clothes. What comes out is an image and, for each person, exact
labels in the camera's optical frame (x right, y down, z forward, metres).

``python -m training.synthetic.scenes --sheet out.png`` draws a sheet of random scenes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.body_model import BodyModel, PosedBody
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix
from training.synthetic.garments import Anatomy, Figure, Piece, dressed
from training.synthetic.rasteriser import NOTHING, Array, Fragments, rasterise, supersampled
from training.synthetic.sensor import Sensor
from training.synthetic.shading import Light, Surface, cast_shadows, merged, shade, to_srgb
from training.synthetic.stages import Stage, random_stage
from training.synthetic.textures import Rng
from training.synthetic.wardrobe import pieces_of, random_style

FACING = np.diag([1.0, -1.0, -1.0])  # world -> camera that looks along -z, upright
HIDDEN_BY_OTHERS = 0.05  # metres somebody else's surface may be in front of a visible joint
HIDDEN_BY_SELF = 0.25  # joints lie inside the body
SAMPLES = 2  # rays per pixel, each way


@dataclass(frozen=True, eq=False)
class View:
    """
    A camera in the world.

    :param camera: a pinhole; its own axes are the optical frame
    :param position: (3,) metres
    :param rotation: (3, 3) world -> optical frame
    """

    camera: Camera
    position: Array
    rotation: Array

    @classmethod
    def standing(cls, camera: Camera, height: float, tilt: float) -> View:
        """At x = z = 0, looking along -z, ``tilt`` radians downwards."""
        return cls(camera, np.array([0, height, 0]), axis_angle_to_matrix((tilt, 0, 0)) @ FACING)

    def seen(self, points: Array) -> Array:
        """World points (..., 3) in the optical frame."""
        return (points - self.position) @ self.rotation.T

    @property
    def ground(self) -> Array:
        """(4,) n and d of the ground n . x + d = 0 in the optical frame, n upwards."""
        return np.append(self.rotation[:, 1], self.position[1])


@dataclass(frozen=True, eq=False)
class Actor:
    """
    A person in the world.

    :param body: posed, its root in world axes
    """

    figure: Figure
    body: PosedBody


@dataclass(frozen=True, eq=False)
class Label:
    """
    Where one person is, optical frame, metres.

    :param vertices: (V, 3) of the body without clothes
    :param joints: (24, 3) SMPL24
    :param rotations: (24, 3, 3) joint axes -> optical frame
    :param points: (27, 3) the joints of ``lift27``
    :param points2d: (27, 2) pixels
    :param visible: (27,) inside the image and not hidden
    :param box: (4,) x, y, width, height of the pixels that show the person; zeros if none does
    :param whole_box: (4,) the same were the person alone and the image endless
    """

    vertices: Array
    joints: Array
    rotations: Array
    points: Array
    points2d: Array
    visible: NDArray[np.bool_]
    box: Array
    whole_box: Array


@dataclass(frozen=True, eq=False)
class Picture:
    """
    An image with its truth.

    :param image: (H, W, 3) uint8 RGB
    :param owner: (H, W) index of the person seen at each pixel, -1 for none
    """

    image: NDArray[np.uint8]
    owner: NDArray[np.int64]
    view: View
    people: tuple[Label, ...]


@dataclass(frozen=True, eq=False)
class Wardrobe:
    """The open body and what it takes to dress it."""

    model: BodyModel

    @cached_property
    def anatomy(self) -> Anatomy:
        """The template as clothes need it."""
        body = self.model.shaped(np.zeros(1))
        nose = self.model.regressors['coco17'](body.vertices)[0]
        weights = self.model.weights
        return Anatomy(body.vertices, self.model.faces, weights, body.joints, nose)

    def dress(self, pieces: Sequence[Piece], betas: Array) -> Figure:
        """Put the pieces on a body of some shape."""
        body = self.model.shaped(betas)
        return dressed(self.anatomy, pieces, body.vertices, body.joints)

    def stranger(self, betas: Array, rng: Rng) -> Figure:
        """Somebody in clothes drawn by chance."""
        return self.dress(pieces_of(self.anatomy, random_style(rng), rng), betas)


def photograph(
    view: View, stage: Stage, actors: Sequence[Actor], samples: int = SAMPLES
) -> Picture:
    """Draw a scene as a perfect camera would see it, and tell where everybody is."""
    people = [_seen(view, a.figure.posed(a.body.rotations, a.body.joints)) for a in actors]
    blocks, scenery = _seen(view, stage.blocks), _seen(view, stage.scenery)
    everything = merged([*people, blocks, scenery])
    light = _turned(view, stage.light)
    width, height = view.camera.size
    intrinsics = supersampled(view.camera.intrinsics, samples)
    size = (width * samples, height * samples)
    seen = rasterise(everything.vertices, everything.faces, intrinsics, size)
    centre = np.mean([p.vertices.mean(0) for p in people], 0) if people else np.array([0, 0, 4.0])
    shadows = cast_shadows(merged([*people, blocks]), light, centre, 4.5)
    focal = view.camera.focal * samples
    colours = shade(everything, seen, light, focal, shadows)
    empty = ~seen.mask
    colours[empty] = _sky(view, stage, size)[empty]
    fine: Array = np.float32(cv2.resize(colours, (width, height), interpolation=cv2.INTER_AREA))
    owner = _owners(seen, [len(p.faces) for p in people])
    # one of the rays of each pixel stands for it
    middle = slice((samples - 1) // 2, None, samples)
    owner, depth = owner[middle, middle], seen.depth[middle, middle]
    labels = [_label(view, a, i, owner, depth, p) for i, (a, p) in enumerate(zip(actors, people))]
    return Picture(to_srgb(fine), owner, view, tuple(labels))


def _seen(view: View, surface: Surface) -> Surface:
    vertices = view.seen(surface.vertices).astype(np.float32)
    return Surface(vertices, surface.faces, surface.texels, surface.page, surface.pages)


def _turned(view: View, light: Light) -> Light:
    towards, up = view.rotation @ light.towards_sun, view.rotation @ light.up
    return Light(towards, up, light.sun, light.sky, light.ground)


def _sky(view: View, stage: Stage, size: tuple[int, int]) -> Array:
    rows = np.linspace(0, view.camera.size[1] - 1, size[1])
    rays = view.camera.rays(np.stack([np.full_like(rows, view.camera.size[0] / 2), rows], -1))
    rays = np.concatenate([rays, np.ones((len(rows), 1))], -1)
    height = (rays @ view.rotation[:, 1]) / np.linalg.norm(rays, axis=-1)
    share = np.clip(height * 2, 0, 1)[:, None]
    colours = stage.sky[0] * (1 - share) + stage.sky[1] * share
    return np.broadcast_to(colours[:, None], (size[1], size[0], 3)).astype(np.float32)


def _owners(seen: Fragments, counts: Sequence[int]) -> NDArray[np.int64]:
    ends = np.cumsum(counts)
    owner = np.searchsorted(ends, seen.face, side='right')
    return np.where((seen.face == NOTHING) | (owner == len(counts)), -1, owner)


def _label(
    view: View,
    actor: Actor,
    index: int,
    owner: NDArray[np.int64],
    depth: Array,
    surface: Surface,
) -> Label:
    body, turn = actor.body, view.rotation
    vertices = view.seen(body.vertices)
    points = body.model.regressors['lift27'](vertices)
    pixels = view.camera.project(points)
    return Label(
        vertices=vertices,
        joints=view.seen(body.joints),
        rotations=turn @ body.rotations,
        points=points,
        points2d=pixels,
        visible=_visible(pixels, points[:, 2], owner, depth, index),
        box=_box_of(np.equal(owner, index)),
        whole_box=_hull(view.camera.project(surface.vertices)),
    )


def _visible(
    pixels: Array, away: Array, owner: NDArray[np.int64], depth: Array, index: int
) -> NDArray[np.bool_]:
    height, width = owner.shape
    near = np.nan_to_num(pixels, nan=-9.0).round().astype(int)
    inside = ((near >= 0) & (near < [width, height])).all(-1)
    u, v = np.where(inside[:, None], near, 0).T
    slack = np.where(owner[v, u] == index, HIDDEN_BY_SELF, HIDDEN_BY_OTHERS)
    return inside & (depth[v, u] > away - slack)


def _box_of(mask: NDArray[np.bool_]) -> Array:
    if not mask.any():
        return np.zeros(4)
    u, v = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return np.array([u[0], v[0], u[-1] - u[0] + 1, v[-1] - v[0] + 1], float) - [0.5, 0.5, 0, 0]


def _hull(pixels: Array) -> Array:
    low, high = np.nanmin(pixels, 0), np.nanmax(pixels, 0)
    return np.concatenate([low, high - low])


def random_scene(
    wardrobe: Wardrobe, poses: Array, rng: Rng, size: tuple[int, int] = (256, 256)
) -> Picture:
    """
    One to four people somewhere.

    :param poses: (N, 24, 3, 3) relative rotations to draw from, the root's in world axes
    """
    camera, height = Camera.from_fov(rng.uniform(45, 80), size), rng.uniform(0.8, 2.2)
    view = View.standing(camera, height, np.arctan((height - 0.9) / 3.5))
    actors = []
    for _ in range(rng.choice([1, 1, 2, 3, 4])):
        betas = np.clip(rng.normal(size=10), -2.2, 2.2)
        pose = poses[rng.integers(len(poses))].copy()
        pose[0] = axis_angle_to_matrix((0, rng.normal(0, 0.9), 0)) @ pose[0]
        away = rng.uniform(2.2, 5.5)
        aside = away * rng.uniform(-0.4, 0.4) * size[0] / camera.focal
        body = on_ground(wardrobe.model, betas, pose, (aside, -away))
        actors.append(Actor(wardrobe.stranger(betas, rng), body))
    picture = photograph(view, random_stage(rng), actors)
    return replace(picture, image=Sensor.random(rng)(picture.image, rng))


def on_ground(
    model: BodyModel, betas: Array, rotations: Array, place: tuple[float, float]
) -> PosedBody:
    """Pose a body (24, 3, 3) with its pelvis over x, z = ``place`` and its lowest point at 0."""
    shaped = model.shaped(betas)
    height = -shaped.posed(rotations).vertices[:, 1].min()
    x, _, z = shaped.joints[0]
    return shaped.posed(rotations, (place[0] - x, height, place[1] - z))


def sheet(pictures: Sequence[Picture], columns: int = 6, drawn: bool = True) -> NDArray[np.uint8]:
    """Pictures of one size side by side, joints and boxes drawn on them."""
    images = [_drawn(p) if drawn else p.image for p in pictures]
    images += [np.zeros_like(images[0])] * (-len(images) % columns)
    rows = [np.hstack(images[i : i + columns]) for i in range(0, len(images), columns)]
    return np.vstack(rows)


def _drawn(picture: Picture) -> NDArray[np.uint8]:
    image = picture.image.copy()
    for person in picture.people:
        low, size = np.split(person.box.round().astype(int), 2)
        cv2.rectangle(image, low.tolist(), (low + size).tolist(), (255, 220, 0), 1)
        for pixel, seen in zip(person.points2d, person.visible):
            if np.isfinite(pixel).all():
                at = pixel.round().astype(int).tolist()
                cv2.circle(image, at, 2, (0, 255, 0) if seen else (255, 0, 0), -1)
    return image


def main() -> None:
    """Command line."""
    import torch
    from rich.progress import track

    from training.synthetic.pose_bank import PoseBank
    from training.synthetic.poses import PoseSampler

    parser = argparse.ArgumentParser(description='Draw a sheet of random scenes.')
    parser.add_argument('--sheet', type=Path, required=True, help='picture to write')
    parser.add_argument('--body', type=Path, default=Path('models/open_body.npz'))
    parser.add_argument('--poses', type=Path, help='pose bank; default: authored poses')
    parser.add_argument('--count', type=int, default=24)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--plain', action='store_true', help='no joints and boxes')
    told = parser.parse_args()
    rng = np.random.default_rng(told.seed)
    sampler = PoseSampler(PoseBank.load(told.poses) if told.poses else None)
    poses = sampler.sample(told.count * 8, torch.Generator().manual_seed(told.seed)).numpy()
    wardrobe = Wardrobe(BodyModel.load(told.body))
    pictures = [random_scene(wardrobe, poses, rng) for _ in track(range(told.count), 'drawing')]
    cv2.imwrite(str(told.sheet), sheet(pictures, drawn=not told.plain)[..., ::-1])


if __name__ == '__main__':
    main()
