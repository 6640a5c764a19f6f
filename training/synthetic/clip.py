"""
Make the bundled clip: three people in a hall, seen by a camera that is known exactly.

``python -m training.synthetic.clip --poses posebank.npz --out demo/`` writes ``people.mp4``,
its camera ``people.yaml`` as ROS's camera_calibration writes one, and ``people_truth.npz``.

Truth, all in the optical frame (x right, y down, z forward), metres: ``lift27`` (T, P, 27, 3),
``coco17`` (T, P, 17, 3) and ``smpl24`` (T, P, 24, 3) float32, ``boxes`` (T, P, 4) pixels x y
width height of what is seen, ``visible`` (T, P, 27), ``track_ids`` (P,), ``betas`` (P, 10),
``intrinsics`` (3, 3), ``fps``, ``ground`` (4,): n . x + d = 0 with n upwards, and ``names_*``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from scipy.ndimage import gaussian_filter1d

from mesh_pose_ros.geometry.body_model import BodyModel
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix
from mesh_pose_ros.skeletons import COCO17, SMPL24
from training.synthetic.key_poses import KEY_POSES, key_rotations
from training.synthetic.motion import (
    Motion,
    flat_footed,
    from_quaternions,
    nearest_rotations,
    walked,
)
from training.synthetic.pose_bank import FPS, PoseBank
from training.synthetic.rasteriser import Array
from training.synthetic.scenes import Actor, Figure, Picture, View, Wardrobe, photograph
from training.synthetic.sensor import Image, Sensor
from training.synthetic.shading import PAGE, Light, Surface, merged
from training.synthetic.stages import UP, Stage, block, floor, panel, walls
from training.synthetic.textures import WALLS, Page, cloth_page, noise, page_of
from training.synthetic.wardrobe import Style, pieces_of

SIZE = (640, 480)
FOV = 62.0  # degrees, horizontal
CAMERA_HEIGHT, CAMERA_TILT = 1.4, np.radians(8)
FRAMES = 240
SEAT_HEIGHT = 0.44  # metres
CODEC = 'mp4v'  # every OpenCV decodes it; its VP9 encoder would take four times the space
SENSOR = Sensor(blur=0.45, grain=2.2)
UPPER = [
    SMPL24.index(name)
    for name in SMPL24.names
    if not any(part in name for part in ('pelvis', 'hip', 'knee', 'ankle', 'foot'))
]


@dataclass(frozen=True, eq=False)
class Role:
    """
    One person's part in the clip.

    :param motion: all frames
    :param path: (T, 3) of the root, world
    """

    figure: Figure
    betas: Array
    motion: Motion
    path: Array


def roles(wardrobe: Wardrobe, bank: PoseBank) -> list[Role]:
    """Who is in the clip: a walker who turns, somebody who waves, somebody who sits."""
    return [_walker(wardrobe, bank), _signaller(wardrobe, bank), _sitter(wardrobe, bank)]


def _walker(wardrobe: Wardrobe, bank: PoseBank) -> Role:
    betas = np.array([-0.6, 0.4, 0.3, 0, 0, 0, 0, 0, 0, 0])
    person = wardrobe.model.shaped(betas)
    steps = flat_footed(person, _recorded(bank, 'cmux_train_walking_extra_walking_32'))
    # two steps, repeated: frames 70 to 76 and 134 to 140 are alike
    straight = pair = steps[70:140]
    while len(straight) < FRAMES:
        straight = straight.followed_by(pair, blend=6)
    seconds = np.arange(FRAMES) / FPS
    # a bend towards the camera, a full circle, and on towards it
    bend = np.interp(seconds, [0, 0.8, 1.9, 6.0], [-0.9, 0, 0, 2 * np.pi])
    motion = straight.slowed(1.3)[:FRAMES].facing(0.0)
    motion = motion.turned(gaussian_filter1d(bend, 5.0, mode='nearest'))
    rng = np.random.default_rng(21)
    style = Style(
        skin=np.array([226.0, 178, 146]),
        hair=np.array([92.0, 58, 36]),
        top='t_shirt',
        bottom='trousers',
        hair_kind='long',
        top_page=cloth_page(rng, np.array([186.0, 44, 48]), plain=True),
        bottom_page=cloth_page(rng, np.array([52.0, 66, 104]), plain=True),
        shoe_page=cloth_page(rng, np.array([220.0, 220, 216]), plain=True),
    )
    return _role(wardrobe, betas, style, motion, walked(person, motion, (0.45, -4.7)))


def _signaller(wardrobe: Wardrobe, bank: PoseBank) -> Role:
    betas = np.array([1.0, -0.3, 0.6, 0, 0, 0, 0, 0, 0, 0])
    person = wardrobe.model.shaped(betas)
    motion = _recorded(bank, 'cmux_train_basketball_signal_basketball_signal_1')
    motion = _waving(flat_footed(person, motion)[:FRAMES].facing(0.30))
    rng = np.random.default_rng(22)
    style = Style(
        skin=np.array([158.0, 106, 76]),
        hair=np.array([26.0, 22, 20]),
        top='shirt',
        bottom='trousers',
        hair_kind='short',
        beard=True,
        top_page=_ringed(rng, np.array([232.0, 226, 210]), np.array([40.0, 70, 120])),
        bottom_page=cloth_page(rng, np.array([122.0, 112, 92]), plain=True),
        shoe_page=cloth_page(rng, np.array([50.0, 40, 34]), plain=True),
    )
    return _role(wardrobe, betas, style, motion, walked(person, motion, (-1.33, -3.15)))


def _sitter(wardrobe: Wardrobe, bank: PoseBank) -> Role:
    betas = np.array([-1.0, 1.2, -0.4, 0, 0, 0, 0, 0, 0, 0])
    motion = _recorded(bank, 'cmux_train_basketball_signal_basketball_signal_2')
    motion = motion[60 : 60 + FRAMES]
    seated = key_rotations()[list(KEY_POSES).index('sit')]
    rotations = np.tile(seated, (FRAMES, 1, 1, 1)).astype(motion.rotations.dtype)
    rotations[:, UPPER] = motion.rotations[:, UPPER]
    motion = replace(motion, rotations=rotations).facing(0.2)
    shaped = wardrobe.model.shaped(betas)
    lowest = shaped.posed(motion.rotations[0]).vertices[:, 1].min()
    path = np.tile([-0.5, -lowest, -3.4] - shaped.joints[0] * [1, 0, 1], (FRAMES, 1))
    rng = np.random.default_rng(23)
    style = Style(
        skin=np.array([206.0, 152, 116]),
        hair=np.array([34.0, 28, 26]),
        top='pullover',
        bottom='trousers',
        hair_kind='bob',
        top_page=cloth_page(rng, np.array([66.0, 128, 92]), plain=True),
        bottom_page=cloth_page(rng, np.array([46.0, 46, 52]), plain=True),
        shoe_page=cloth_page(rng, np.array([150.0, 90, 50]), plain=True),
    )
    return _role(wardrobe, betas, style, motion, path)


def _waving(motion: Motion) -> Motion:
    """The left arm raised and waved for some seconds."""
    wave = key_rotations()[list(KEY_POSES).index('wave')]
    time = np.arange(len(motion)) / FPS
    rotations = motion.rotations.copy()
    share = np.clip(np.minimum(time - 0.6, 4.6 - time) / 0.5, 0, 1)[:, None, None]
    swing = np.stack([time * 0, 0.45 * np.sin(2 * np.pi * 1.1 * time), time * 0], -1)
    raised = {
        SMPL24.index('left_shoulder'): wave[SMPL24.index('left_shoulder')],
        SMPL24.index('left_elbow'): wave[SMPL24.index('left_elbow')] @ axis_angle_to_matrix(swing),
        SMPL24.index('left_wrist'): np.eye(3),
    }
    for joint, turn in raised.items():
        mixed = rotations[:, joint] * (1 - share) + turn * share
        rotations[:, joint] = nearest_rotations(mixed)
    return replace(motion, rotations=rotations)


def _recorded(bank: PoseBank, name: str) -> Motion:
    index = bank.names.index(name)
    frames = slice(bank.start[index], bank.start[index + 1])
    return from_quaternions(bank.quaternions[frames], FPS).smoothed()


def _ringed(rng: np.random.Generator, base: Array, other: Array) -> Page:
    page = cloth_page(rng, base, plain=True)
    rings = np.arange(len(page)) % 20 < 7
    page[rings] = np.clip(page[rings] - base + other, 0, 255).astype(np.uint8)
    return page


def _role(wardrobe: Wardrobe, betas: Array, style: Style, motion: Motion, path: Array) -> Role:
    pieces = pieces_of(wardrobe.anatomy, style, np.random.default_rng(5))
    return Role(wardrobe.dress(pieces, betas), betas, motion, path)


def hall(seat: Sequence[Actor]) -> Stage:
    """The place of the clip: a bright room, and a block under those who sit."""
    rng = np.random.default_rng(4)
    back, wall = -6.6, WALLS['plaster'](rng)
    scenery = [floor(_boards(rng)), *walls(9.0, 14.0, 3.0, wall, back)]
    for x, height, colour in ((-3.4, 2.3, (176, 204, 226)), (-1.6, 2.3, (180, 208, 230))):
        corner, size = np.array([x, height, back + 0.02]), np.array([1.3, -1.2, 0])
        glass = page_of(np.array(colour, float))
        scenery.append(panel(corner, size * [1, 0, 0], size * [0, 1, 0], glass, 100))
    oak = page_of(np.array([150.0, 112, 76]))
    door = page_of(np.array([120.0, 84, 60]))
    scenery.append(panel(np.array([1.9, 2.1, back + 0.02]), [1.0, 0, 0], [0, -2.1, 0], door, 100))
    blocks = [
        block((0.9, 0, back + 0.3), (1.2, 0.85, 0.45), 0.0, oak),
        block((-3.6, 0, back + 0.5), (0.6, 1.6, 0.5), 0.0, page_of(np.array([92.0, 104, 116]))),
        *(_stool(actor) for actor in seat),
    ]
    light = Light(
        towards_sun=np.array([-0.42, 0.72, 0.55]),
        up=UP,
        sun=np.array([0.62, 0.60, 0.56]),
        sky=np.array([0.56, 0.58, 0.62]),
        ground=np.array([0.30, 0.28, 0.25]),
    )
    return Stage(merged(scenery), merged(blocks), light)


def _boards(rng: np.random.Generator) -> Page:
    """A light wooden floor."""
    tones = np.repeat(rng.normal(0, 5, 32), PAGE // 32)
    tones[:: PAGE // 32] -= 30
    return page_of(
        np.array([196.0, 164, 124]), np.tile(tones, (PAGE, 1)), 4 * noise(rng, 1.0, 3.0)
    )


def _stool(actor: Actor) -> Surface:
    """A block up to where a person sits."""
    body = actor.body
    weights = body.model.weights
    trunk = body.vertices[weights[:, SMPL24.index('pelvis')] > 0.5]
    height = trunk[:, 1].min() + 0.01
    forward = body.rotations[0] @ [0, 0, 1]
    x, z = body.joints[0, [0, 2]] + forward[[0, 2]] * 0.06
    cloth = page_of(np.array([168.0, 120, 66]))
    return block((x, 0, z), (0.5, height, 0.42), np.arctan2(forward[0], forward[2]), cloth)


def view() -> View:
    """The camera of the clip."""
    camera = replace(Camera.from_fov(FOV, SIZE), guessed=False)
    return View.standing(camera, CAMERA_HEIGHT, CAMERA_TILT)


def actors_at(cast: Sequence[Role], model: BodyModel, frame: int) -> list[Actor]:
    """Everybody at one frame."""
    return [
        Actor(
            role.figure,
            model.shaped(role.betas).posed(role.motion.rotations[frame], role.path[frame]),
        )
        for role in cast
    ]


def pictures(cast: Sequence[Role], model: BodyModel, frames: Sequence[int]) -> Iterator[Picture]:
    """The frames asked for."""
    stage, camera = hall(actors_at(cast, model, 0)[2:]), view()
    for frame in frames:
        yield photograph(camera, stage, actors_at(cast, model, frame))


def truth(shown: Sequence[Picture], cast: Sequence[Role]) -> dict[str, Any]:
    """What ``people_truth.npz`` holds, see the head of this file."""
    people = [picture.people for picture in shown]

    def stacked(field: str) -> Any:
        return np.array([[getattr(person, field) for person in frame] for frame in people])

    return {
        'lift27': stacked('points').astype(np.float32),
        'coco17': stacked('points')[:, :, : len(COCO17)].astype(np.float32),
        'smpl24': stacked('joints').astype(np.float32),
        'boxes': stacked('box').astype(np.float32),
        'visible': stacked('visible'),
        'track_ids': np.arange(1, len(cast) + 1),
        'betas': np.array([role.betas for role in cast], np.float32),
        'intrinsics': shown[0].view.camera.intrinsics,
        'fps': np.array(FPS),
        'ground': shown[0].view.ground,
        'names_smpl24': np.array(SMPL24.names),
        'names_coco17': np.array(COCO17.names),
    }


def camera_yaml(view: View) -> str:
    """The camera as ROS's camera_calibration writes it, the ground in a comment."""
    K = view.camera.intrinsics
    matrix = {'rows': 3, 'cols': 3}
    projection = np.column_stack([K, np.zeros(3)])
    width, height = view.camera.size
    told = {
        'image_width': width,
        'image_height': height,
        'camera_name': 'people',
        'camera_matrix': {**matrix, 'data': _plain(K)},
        'distortion_model': 'plumb_bob',
        'distortion_coefficients': {'rows': 1, 'cols': 5, 'data': [0.0] * 5},
        'rectification_matrix': {**matrix, 'data': _plain(np.eye(3))},
        'projection_matrix': {'rows': 3, 'cols': 4, 'data': _plain(projection)},
    }
    a, b, c, d = view.ground
    return (
        '# A rendered camera: exact, no distortion. Ground plane in the optical frame, metres:\n'
        f'# {a:.6f} x + {b:.6f} y + {c:.6f} z + {d:.6f} = 0\n'
        + yaml.safe_dump(told, sort_keys=False, default_flow_style=None)
    )


def _plain(matrix: Array) -> list[float]:
    return [round(float(x), 6) for x in matrix.ravel()]


def write_video(images: Sequence[Image], path: Path) -> None:
    """
    Write RGB images as a video.

    :raises OSError: this OpenCV has no encoder for it
    """
    size = (images[0].shape[1], images[0].shape[0])
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*CODEC), FPS, size)
    if not writer.isOpened():
        raise OSError(f'this OpenCV cannot write {CODEC} video to {path}')
    for image in images:
        writer.write(np.ascontiguousarray(image[..., ::-1]))
    writer.release()


def main() -> None:
    """Command line."""
    from rich.progress import track

    parser = argparse.ArgumentParser(description='Render the bundled clip.')
    parser.add_argument('--poses', type=Path, required=True, help='pose bank with the CMU clips')
    parser.add_argument('--out', type=Path, default=Path('demo'))
    parser.add_argument('--body', type=Path, default=Path('models/open_body.npz'))
    told = parser.parse_args()
    wardrobe = Wardrobe(BodyModel.load(told.body))
    cast, rng = roles(wardrobe, PoseBank.load(told.poses)), np.random.default_rng(0)
    frames = pictures(cast, wardrobe.model, range(FRAMES))
    shown = list(track(frames, 'rendering', total=FRAMES))
    told.out.mkdir(parents=True, exist_ok=True)
    write_video([SENSOR(p.image, rng) for p in shown], told.out / 'people.mp4')
    (told.out / 'people.yaml').write_text(camera_yaml(shown[0].view))
    np.savez_compressed(told.out / 'people_truth.npz', **truth(shown, cast))


if __name__ == '__main__':
    main()
