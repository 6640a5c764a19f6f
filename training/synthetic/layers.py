"""
People rendered once, to be put into pictures again and again.

A *layer* is one dressed person seen by a pinhole camera that looks straight at them, on nothing:
colour, coverage, and exact joints in that camera's frame. Any crop that a camera at the same
place could have taken is a homography of it, so labels stay exact whatever a picture does with
the layer: roll, zoom, shift, mirror.

``python -m training.synthetic.layers --count 20000 --out runs/layers --poses posebank.npz``
writes shards that `training.data.layer_set` reads. The same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mesh_pose_ros.geometry.body_model import BodyModel
from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix
from mesh_pose_ros.skeletons import COCO20, SMPL24
from training.data.joint_sets import BODY30, LIFT27
from training.data.lifter_samples import HELD_OUT_BODIES
from training.networks.body_layer import BodyLayer
from training.synthetic.garments import Figure
from training.synthetic.pose_bank import PoseBank
from training.synthetic.poses import PoseSampler, to_global
from training.synthetic.rasteriser import Array, Fragments, rasterise, supersampled
from training.synthetic.scenes import FACING, SAMPLES, Wardrobe
from training.synthetic.shading import Light, Surface, cast_shadows, shade, to_srgb
from training.synthetic.stages import daylight
from training.synthetic.textures import Rng

SIDE = 224  # pixels of a layer
PAD = 8  # pixels round what a layer shows, at the least
SHARD = 256  # layers of a file
POSES_PER_FIGURE = 16  # dressing takes as long as rendering some ten times
SHADOW_SIDE = 320
WIDEST = 1.15  # tangent of the widest half angle of a layer's camera
CLOSEST = 0.3  # metres between camera and skin

LEGS = ('knee', 'ankle', 'foot')
HIPS = ('pelvis', 'hip', *LEGS)
ARMS = ('elbow', 'wrist', 'hand')


@dataclass(frozen=True)
class Framing:
    """
    How much of a person the camera aims at.

    :param share: of all layers
    :param without: parts of the body whose skin may lie outside
    :param near, far: metres from the camera to the middle of what it aims at
    """

    share: float
    without: tuple[str, ...]
    near: float
    far: float


FRAMINGS = {
    'whole': Framing(0.60, (), 1.9, 12.0),
    'thighs': Framing(0.13, LEGS, 1.2, 6.0),
    'waist': Framing(0.16, HIPS, 0.8, 4.5),
    'chest': Framing(0.11, (*HIPS, 'spine1', *ARMS), 0.6, 3.0),
}


@dataclass(frozen=True, eq=False)
class Layers:
    """
    L layers; axes x right, y down, z forward, metres.

    A layer's camera has its principal point in the middle of the layer.

    :param pixels: (L, 4, SIDE, SIDE) uint8 RGB times coverage, and coverage
    :param joints: (L, 30, 3) camera frame, as in `BODY30`
    :param hidden: (L, 30) bool: the person's own body lies in front
    :param focal: (L,) pixels
    :param box: (L, 4) corners x0, y0, x1, y1 of what is seen, pixels
    :param open: (L, 4) bool: at the left, top, right, bottom border the person goes on
    :param rotations: (L, 24, 3, 3) rest axes -> camera axes
    :param betas: (L, C) shape
    :param place: (L, 3) add it to vertices of a `BodyLayer` to have them in the camera frame
    """

    pixels: NDArray[np.uint8]
    joints: Array
    hidden: NDArray[np.bool_]
    focal: Array
    box: Array
    open: NDArray[np.bool_]
    rotations: Array
    betas: Array
    place: Array


LABELS = tuple(f.name for f in fields(Layers) if f.name != 'pixels')


@dataclass(frozen=True)
class Request:
    """What to render: which poses, which bodies, from which seed."""

    body: Path
    poses: Path | None = None
    held_out: bool = False
    seed: int = 0


class Studio:
    """Renders layers; the same request and shard number give the same layers."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._wardrobe = Wardrobe(BodyModel.load(request.body))
        self._layer = BodyLayer.load(request.body)
        with np.load(request.body) as file:
            self._points = self._layer.points(body30_regressor(file))
            people = file['population'].astype(np.float32)
        last = np.arange(len(people)) % HELD_OUT_BODIES == 0
        self._people = people[last == request.held_out]

    @cached_property
    def _sampler(self) -> PoseSampler:
        told = self._request
        return PoseSampler(PoseBank.load(told.poses) if told.poses else None, told.held_out)

    def shard(self, number: int, count: int = SHARD) -> Layers:
        """Render some layers."""
        seed = [self._request.seed, number, self._request.held_out]
        rng = np.random.default_rng(seed)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        figures = -(-count // POSES_PER_FIGURE)
        betas = self._people[rng.integers(len(self._people), size=figures)]
        dressed = [self._wardrobe.stranger(b, rng) for b in betas]
        who = np.arange(count) % figures
        bodies = self._posed(betas[who], generator, rng)
        made = [_taken(dressed[w], body, rng) for w, body in zip(who, bodies)]
        return _stacked(made)

    def _posed(self, betas: Array, generator: torch.Generator, rng: Rng) -> list[_Body]:
        """Bodies in world axes, their pelvis near the origin."""
        poses = self._sampler.sample(len(betas), generator)
        yaws = rng.uniform(-np.pi, np.pi, len(betas))
        turns = np.stack([axis_angle_to_matrix((0, yaw, 0)) for yaw in yaws])
        rotations = torch.from_numpy(turns.astype(np.float32))[:, None] @ to_global(poses)
        shape = torch.from_numpy(betas)
        joints, shift = self._layer.joints(rotations, shape)
        points = self._points(rotations, shift, shape)
        parts = (rotations, joints, points, shape)
        return [_Body(*one) for one in zip(*(part.numpy() for part in parts))]


@dataclass(frozen=True, eq=False)
class _Body:
    rotations: Array
    joints: Array
    points: Array
    betas: Array


def body30_regressor(arrays) -> NDArray[np.float32]:
    """Rows over the open body's vertices for `BODY30`, (30, V)."""
    more = [COCO20.index(name) for name in BODY30.names[len(LIFT27) :]]
    return np.concatenate([arrays['regressor_lift27'], arrays['regressor_coco20'][more]])


def _taken(figure: Figure, body: _Body, rng: Rng) -> dict[str, Array]:
    """Photograph one person from somewhere."""
    names = list(FRAMINGS)
    shares = np.array([FRAMINGS[name].share for name in names])
    framing = FRAMINGS[names[rng.choice(len(names), p=shares / shares.sum())]]
    surface = figure.posed(body.rotations, body.joints)
    aimed = surface.vertices[_shown(figure, framing.without)]
    rotation, position = _camera(aimed, surface.vertices, framing, rng)
    seen = (surface.vertices - position) @ rotation.T
    rotation, extent = _aimed(rotation, (aimed - position) @ rotation.T)
    focal = (SIDE / 2 - PAD) / extent
    seen = ((surface.vertices - position) @ rotation.T).astype(np.float32)
    worn = Surface(seen, surface.faces, surface.texels, surface.page, surface.pages)
    pixels, depth = _rendered(worn, focal, rotation, rng)
    points = (body.points - position) @ rotation.T
    return {
        'pixels': pixels,
        'joints': points,
        'hidden': _hidden(points, focal, depth),
        'focal': np.array(focal),
        **_outline(pixels[3]),
        'rotations': rotation @ body.rotations,
        'betas': body.betas,
        'place': -rotation @ position + rotation @ body.joints[0] - body.joints[0],
    }


def _shown(figure: Figure, without: tuple[str, ...]) -> NDArray[np.bool_]:
    """Vertices of the parts a framing aims at, (D,)."""
    part = figure.weights.argmax(1)
    left_out = [any(word in name for word in without) for name in SMPL24.names]
    return ~np.array(left_out)[part]


def _camera(aimed: Array, skin: Array, framing: Framing, rng: Rng) -> tuple[Array, Array]:
    """Rotation and position of a camera that looks at somebody, world -> optical."""
    kind = rng.random()
    down = rng.normal(0.12, 0.16)
    if kind < 0.17:
        down = rng.uniform(0.25, 1.15)
    elif kind < 0.25:
        down = rng.uniform(-0.55, 0.0)
    roll = rng.normal(0, 0.05)
    rotation = axis_angle_to_matrix((0, 0, roll)) @ axis_angle_to_matrix((down, 0, 0)) @ FACING
    middle = (aimed.min(0) + aimed.max(0)) / 2
    low, high = np.log([framing.near, framing.far])
    away = np.exp(rng.uniform(low, high))
    reach = (skin - middle) @ rotation[2]
    # a camera inside somebody's outstretched arm sees nothing else
    away = max(away, CLOSEST - reach.min())
    around = (aimed - middle) @ rotation[:2].T
    away = max(away, np.abs(around).max() / WIDEST + 0.1)
    return rotation, middle - away * rotation[2]


def _aimed(rotation: Array, points: Array) -> tuple[Array, float]:
    """Turn to the middle of points (P, 3) as seen; (rotation, half their extent at z = 1)."""
    for _ in range(3):
        rays = points[:, :2] / np.maximum(points[:, 2:], CLOSEST / 2)
        low, high = rays.min(0), rays.max(0)
        forward = np.array([*(low + high) / 2, 1.0])
        forward /= np.linalg.norm(forward)
        right = np.array([forward[2], 0, -forward[0]]) / np.hypot(forward[0], forward[2])
        turn = np.stack([right, np.cross(forward, right), forward])
        rotation, points = turn @ rotation, points @ turn.T
    rays = points[:, :2] / np.maximum(points[:, 2:], CLOSEST / 2)
    return rotation, float(np.abs(rays).max())


def _rendered(
    worn: Surface, focal: float, rotation: Array, rng: Rng
) -> tuple[NDArray[np.uint8], Array]:
    """Pixels (4, SIDE, SIDE) and depth (SIDE, SIDE) of a surface in the camera's frame."""
    light = _light(rotation, rng)
    middle = (SIDE - 1) / 2
    intrinsics = np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]])
    size = (SIDE * SAMPLES,) * 2
    seen = rasterise(worn.vertices, worn.faces, supersampled(intrinsics, SAMPLES), size)
    centre = worn.vertices.mean(0)
    radius = float(np.linalg.norm(worn.vertices - centre, axis=1).max()) + 0.05
    shadows = cast_shadows(worn, light, centre, radius, SHADOW_SIDE)
    colours = shade(worn, seen, light, focal * SAMPLES, shadows)
    return _premultiplied(colours, seen), seen.depth[::SAMPLES, ::SAMPLES]


def _light(rotation: Array, rng: Rng) -> Light:
    """Daylight from any side, mostly from behind the camera, in the camera's frame."""
    light = daylight(rng, rng.uniform(0, 1))
    around = axis_angle_to_matrix((0, rng.uniform(-np.pi, np.pi) * (rng.random() < 0.35), 0))
    # the world's z points from the person to the camera, as `daylight` has it
    towards, up = rotation @ around @ light.towards_sun, rotation @ light.up
    return Light(towards, up, light.sun, light.sky, light.ground)


def _premultiplied(colours: Array, seen: Fragments) -> NDArray[np.uint8]:
    """Means over the rays of each pixel: RGB times coverage, and coverage, (4, SIDE, SIDE)."""
    fine = seen.mask.astype(np.float32)
    light = cv2.resize(colours, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    coverage = cv2.resize(fine, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    colour = to_srgb(light / np.maximum(coverage, 1e-6)[..., None])
    both = np.concatenate([colour * coverage[..., None], 255 * coverage[..., None]], -1)
    return np.ascontiguousarray((both + 0.5).astype(np.uint8).transpose(2, 0, 1))


def _outline(coverage: NDArray[np.uint8]) -> dict[str, Array]:
    """Box of what is seen, and the sides where it is cut off."""
    mask = coverage > 127
    u, v = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    last = SIDE - 1
    edges = [mask[:, 0], mask[0], mask[:, -1], mask[-1]]
    if not len(u):
        return {'box': np.array([0, 0, last, last]), 'open': np.ones(4, bool)}
    box = np.array([u[0] - 0.5, v[0] - 0.5, u[-1] + 0.5, v[-1] + 0.5])
    return {'box': box, 'open': np.array([edge.any() for edge in edges])}


def _hidden(points: Array, focal: float, depth: Array) -> NDArray[np.bool_]:
    """Joints that lie deeper behind the skin than joints do, or outside the layer."""
    with np.errstate(invalid='ignore', divide='ignore'):
        pixels = points[:, :2] / points[:, 2:] * focal + (SIDE - 1) / 2
    near = np.nan_to_num(pixels, nan=-9).clip(-9, 9999).round().astype(int)
    inside: NDArray[np.bool_] = np.all((near >= 0) & (near < SIDE), axis=1)
    u, v = np.where(inside[:, None], near, 0).T
    return inside & (depth[v, u] < points[:, 2] - SLACK)


def _slack(joint: str) -> float:
    """Metres that a joint may lie behind the skin and still be said to be seen."""
    if joint in ('nose', 'head_top') or joint.endswith(('eye', 'ear')):
        return 0.08
    return 0.11 if joint.endswith(('index', 'pinky', 'thumb', 'heel', 'wrist', 'ankle')) else 0.18


SLACK = np.array([_slack(name) for name in BODY30.names])


def _stacked(made: list[dict[str, Array]]) -> Layers:
    parts = {name: np.stack([one[name] for one in made]) for name in made[0]}
    singles: dict[str, Any] = {
        k: v.astype(np.float32) if v.dtype.kind == 'f' else v for k, v in parts.items()
    }
    return Layers(**singles)


def save_shard(layers: Layers, folder: Path, number: int) -> None:
    """Write a shard; its labels come last, so that a shard with labels is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f'{number:05d}.npy', layers.pixels)
    labels = {name: getattr(layers, name) for name in LABELS}
    partial = folder / f'{number:05d}.part.npz'
    np.savez(partial, **labels)
    partial.replace(folder / f'{number:05d}.npz')


def missing(folder: Path, count: int) -> Iterator[tuple[int, int]]:
    """Shards to be rendered yet: (number, layers in it)."""
    for number, start in enumerate(range(0, count, SHARD)):
        if not (folder / f'{number:05d}.npz').exists():
            yield number, min(SHARD, count - start)


_studios: dict[Request, Studio] = {}  # one for each process


def _work(request: Request, folder: Path, number: int, count: int) -> int:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    studio = _studios.get(request) or _studios.setdefault(request, Studio(request))
    save_shard(studio.shard(number, count), folder, number)
    return count


def render(request: Request, folder: Path, count: int, processes: int = 1) -> None:
    """Render ``count`` layers into a folder, leaving alone what is there."""
    from rich.progress import Progress

    jobs = list(missing(folder, count))
    with Progress() as progress:
        bar = progress.add_task('layers', total=count, completed=count - sum(n for _, n in jobs))
        if processes <= 1:
            for job in jobs:
                progress.advance(bar, _work(request, folder, *job))
            return
        with ProcessPoolExecutor(processes) as pool:
            waiting = [pool.submit(_work, request, folder, *job) for job in jobs]
            for done in waiting:
                progress.advance(bar, done.result())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--count', type=int, default=20_000)
    parser.add_argument('--out', type=Path, default=Path('runs/layers'))
    parser.add_argument('--poses', type=Path, help='pose bank; without it, authored poses alone')
    parser.add_argument('--body', type=Path, default=Path('models/open_body.npz'))
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--held-out', action='store_true', help='bodies and clips kept for tests')
    parser.add_argument('--processes', type=int, default=os.cpu_count())
    told = parser.parse_args()
    request = Request(told.body, told.poses, told.held_out, told.seed)
    render(request, told.out, told.count, told.processes)


if __name__ == '__main__':
    main()
