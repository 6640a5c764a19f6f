"""
Read BVH motion capture as rotations of SMPL's joints.

A BVH skeleton rests in a pose of its own. For each SMPL joint the smallest turn is found that
takes the bone's direction in SMPL's T-pose to its direction at rest in the file; the file's
motion after that turn gives the same limb directions on an SMPL body. y is taken to be up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.skeletons import SMPL24
from training.synthetic.pose_bank import BANK_JOINTS, Clip, at_bank_rate

Array = NDArray[np.floating]

# SMPL joint -> names in files, lower case, first found wins; sides by prefix
ALIASES = {
    'pelvis': ('hips', 'pelvis', 'root'),
    'neck': ('neck', 'neck1'),
    'head': ('head', 'neck1'),
    'hip': ('upleg', 'thigh', 'hip'),
    'knee': ('leg', 'knee', 'shin', 'calf'),
    'ankle': ('foot', 'ankle'),
    'foot': ('toebase', 'toe', 'ball'),
    'collar': ('shoulder', 'collar', 'clavicle'),
    'shoulder': ('arm', 'uparm', 'upperarm'),
    'elbow': ('forearm', 'elbow', 'lowerarm'),
    'wrist': ('hand', 'wrist'),
}
SPINE = ('lowerback', 'spine', 'spine1', 'spine2', 'spine3', 'chest')
# joint -> where its bone leads, and that way in the T-pose (left side)
BONES = {
    'hip': ('knee', (0.09, -0.995, 0)), 'knee': ('ankle', (-0.03, -0.993, -0.11)),
    'shoulder': ('elbow', (1, 0, 0)), 'elbow': ('wrist', (1, 0, 0)),
    'collar': ('shoulder', (1, 0, 0)),
}  # fmt: skip


@dataclass
class BvhJoint:
    """One joint of the file: offset from the parent (3,), first channel and channel names."""

    name: str
    parent: int
    offset: Array
    first: int
    channels: tuple[str, ...] = field(default=())


def read_bvh(path: Path) -> Clip:
    """
    Read a BVH file.

    :raises ValueError: it is not BVH, or limbs of a human are missing
    """
    tokens = iter(path.read_text().split())
    try:
        joints = list(_hierarchy(tokens))
        rate, frames = _motion(tokens)
    except (StopIteration, ValueError) as err:
        raise ValueError(f'{path}: not a readable BVH file: {err}') from err
    places = _places(path, joints)
    turned = _turned(joints, frames)
    rotations = np.tile(np.eye(3), (len(frames), BANK_JOINTS, 1, 1))
    for index, name in enumerate(SMPL24.names[:BANK_JOINTS]):
        source = places.get(name)
        if source is None:
            rotations[:, index] = rotations[:, SMPL24.parents[index]]
        else:
            rotations[:, index] = turned[:, source] @ _to_rest(joints, places, name)
    relative = rotations.copy()
    for index in range(1, BANK_JOINTS):
        parent = rotations[:, SMPL24.parents[index]]
        relative[:, index] = parent.swapaxes(-1, -2) @ rotations[:, index]
    return Clip(path.stem, at_bank_rate(relative, rate))


def _hierarchy(tokens: Iterator[str]) -> Iterator[BvhJoint]:
    """Read from HIERARCHY up to MOTION."""
    stack: list[int] = []
    count = used = 0
    joint: BvhJoint | None = None
    for token in tokens:
        if token in ('ROOT', 'JOINT', 'End'):
            joint = BvhJoint(next(tokens), stack[-1] if stack else -1, np.zeros(3), used)
        elif token == '{':
            assert joint is not None
            stack.append(count)
            count += 1
        elif token == 'OFFSET' and joint is not None:
            joint.offset = np.array([float(next(tokens)) for _ in range(3)])
            if joint.name == 'Site':
                yield joint
        elif token == 'CHANNELS' and joint is not None:
            joint.channels = tuple(next(tokens) for _ in range(int(next(tokens))))
            used += len(joint.channels)
            yield joint
        elif token == '}':
            stack.pop()
        elif token == 'MOTION':
            return
    raise ValueError('no MOTION')


def _motion(tokens: Iterator[str]) -> tuple[float, Array]:
    """Frames a second, and all channels of all frames (T, channels)."""
    words = list(tokens)
    count = int(words[words.index('Frames:') + 1])
    start = words.index('Time:')
    values = np.array(words[start + 2 :], dtype=float)
    return 1 / float(words[start + 1]), values.reshape(count, -1)


def _places(path: Path, joints: list[BvhJoint]) -> dict[str, int]:
    """Find SMPL's joints among the file's."""
    plain = [joint.name.lower().split(':')[-1].replace('_', '') for joint in joints]
    found: dict[str, int] = {}
    for name in SMPL24.names[:BANK_JOINTS]:
        side, _, part = (
            name.partition('_') if name.startswith(('left', 'right')) else ('', '', name)
        )
        spellings = [pre + a for a in ALIASES.get(part, ()) for pre in {side, side[:1]}]
        hits = [plain.index(spelling) for spelling in spellings if spelling in plain]
        if hits:
            found[name] = hits[0]
    spine = [plain.index(name) for name in SPINE if name in plain]
    found |= {f'spine{i + 1}': joint for i, joint in enumerate(spine[:3])}
    limbs = ('hip', 'knee', 'ankle', 'shoulder', 'elbow', 'wrist')
    wanted = ['pelvis', *(f'{side}_{limb}' for side in ('left', 'right') for limb in limbs)]
    missing = [name for name in wanted if name not in found]
    if missing:
        raise ValueError(f'{path}: no joint for {", ".join(missing)} among {sorted(set(plain))}')
    return found


def _turned(joints: list[BvhJoint], frames: Array) -> Array:
    """Global rotations of all joints of the file, (T, J, 3, 3)."""
    from scipy.spatial.transform import Rotation

    turned = np.tile(np.eye(3), (len(frames), len(joints), 1, 1))
    for index, joint in enumerate(joints):
        columns = [i for i, c in enumerate(joint.channels) if c.lower().endswith('rotation')]
        if columns:
            order = ''.join(joint.channels[i][0].upper() for i in columns)
            angles = frames[:, [joint.first + i for i in columns]]
            turned[:, index] = Rotation.from_euler(order, angles, degrees=True).as_matrix()
        if joint.parent >= 0:
            turned[:, index] = turned[:, joint.parent] @ turned[:, index]
    return turned


def _to_rest(joints: list[BvhJoint], places: dict[str, int], name: str) -> Array:
    """Smallest turn from a bone's way in the T-pose to its way at rest in the file, (3, 3)."""
    from scipy.spatial.transform import Rotation

    side, _, part = name.partition('_')
    if part not in BONES or f'{side}_{BONES[part][0]}' not in places:
        return np.eye(3)
    end, way = BONES[part]
    wanted = np.array(way) * ([1, 1, 1] if side == 'left' else [-1, 1, 1])
    bone = _rest(joints, places[f'{side}_{end}']) - _rest(joints, places[name])
    axis = np.cross(wanted, bone)
    size = float(np.linalg.norm(axis))
    if size < 1e-9:  # already there; straight back does not happen between resting people
        return np.eye(3)
    return Rotation.from_rotvec(axis / size * np.arctan2(size, wanted @ bone)).as_matrix()


def _rest(joints: list[BvhJoint], index: int) -> Array:
    """Place of a joint when nothing is turned, (3,)."""
    place = np.zeros(3)
    while index >= 0:
        place = place + joints[index].offset
        index = joints[index].parent
    return place
