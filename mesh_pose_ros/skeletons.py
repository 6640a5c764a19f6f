"""
Joint sets of the field, and the way from one to another by joint name.

A name means one point of the body in every skeleton: ``left_hip`` of COCO, BlazePose and
H36M are taken as the same joint although annotators placed them some centimetres apart. Left
and right are the person's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

ROOT = -1  # parent of a joint that has none


@dataclass(frozen=True)
class Skeleton:
    """
    An ordered set of named joints.

    :param name: short name of the set, as cards and messages give it
    :param names: joint names, in the order of every array that follows this skeleton
    :param parents: index of each joint's parent, ``ROOT`` where there is none
    """

    name: str
    names: tuple[str, ...]
    parents: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.parents):
            raise ValueError(f'{self.name}: {len(self.names)} names, {len(self.parents)} parents')
        if len(set(self.names)) != len(self.names):
            raise ValueError(f'{self.name}: a joint name occurs twice')
        if any(not ROOT <= parent < len(self.names) for parent in self.parents):
            raise ValueError(f'{self.name}: a parent is not a joint of the skeleton')

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Return the place of a joint, or raise KeyError with the names there are."""
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(f'{self.name} has no joint {name!r}, only {self.names}') from None

    @cached_property
    def bones(self) -> NDArray[np.int64]:
        """Pairs (parent, child), (B, 2)."""
        pairs = [(p, c) for c, p in enumerate(self.parents) if p != ROOT]
        return np.array(pairs, dtype=np.int64).reshape(-1, 2)

    @cached_property
    def mirror(self) -> NDArray[np.int64]:
        """Index of the joint on the other side of the body, (J,); central joints stay."""
        return np.array([self.index(other_side(name)) for name in self.names])

    def places_of(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Index of each name, -1 where the skeleton lacks it, (len(names),)."""
        place = {name: i for i, name in enumerate(self.names)}
        return np.array([place.get(name, -1) for name in names], dtype=np.int64)


def other_side(name: str) -> str:
    """Swap left and right in a joint name."""
    if name.startswith('left_'):
        return 'right_' + name.removeprefix('left_')
    if name.startswith('right_'):
        return 'left_' + name.removeprefix('right_')
    return name


def _tree(name: str, *lines: str) -> Skeleton:
    """Read a skeleton from lines ``joint parent``; a lone joint is a root."""
    pairs = [(*line.split(), '')[:2] for line in lines]
    names = tuple(joint for joint, _ in pairs)
    parents = tuple(names.index(parent) if parent else ROOT for _, parent in pairs)
    return Skeleton(name, names, parents)


_COCO17 = (
    'nose', 'left_eye nose', 'right_eye nose', 'left_ear left_eye', 'right_ear right_eye',
    'left_shoulder', 'right_shoulder left_shoulder',
    'left_elbow left_shoulder', 'right_elbow right_shoulder',
    'left_wrist left_elbow', 'right_wrist right_elbow',
    'left_hip left_shoulder', 'right_hip right_shoulder',
    'left_knee left_hip', 'right_knee right_hip',
    'left_ankle left_knee', 'right_ankle right_knee',
)  # fmt: skip

COCO17 = _tree('coco17', *_COCO17)
COCO19 = _tree('coco19', *_COCO17, 'pelvis', 'neck pelvis')
# coco17 with the three joints between the sides that most other sets have
COCO20 = _tree('coco20', *_COCO17, 'pelvis', 'neck pelvis', 'head_top neck')

_SMPL22 = (
    'pelvis', 'left_hip pelvis', 'right_hip pelvis', 'spine1 pelvis',
    'left_knee left_hip', 'right_knee right_hip', 'spine2 spine1',
    'left_ankle left_knee', 'right_ankle right_knee', 'spine3 spine2',
    'left_foot left_ankle', 'right_foot right_ankle', 'neck spine3',
    'left_collar spine3', 'right_collar spine3', 'head neck',
    'left_shoulder left_collar', 'right_shoulder right_collar',
    'left_elbow left_shoulder', 'right_elbow right_shoulder',
    'left_wrist left_elbow', 'right_wrist right_elbow',
)  # fmt: skip

SMPL24 = _tree('smpl24', *_SMPL22, 'left_hand left_wrist', 'right_hand right_wrist')
# smpl24 with the face, whose joints are vertices of the mesh
SMPL29 = _tree(
    'smpl29', *_SMPL22, 'left_hand left_wrist', 'right_hand right_wrist',
    'nose head', 'left_eye nose', 'right_eye nose', 'left_ear left_eye', 'right_ear right_eye',
)  # fmt: skip

H36M17 = _tree(
    'h36m17',
    'pelvis', 'right_hip pelvis', 'right_knee right_hip', 'right_ankle right_knee',
    'left_hip pelvis', 'left_knee left_hip', 'left_ankle left_knee',
    'torso pelvis', 'neck torso', 'nose neck', 'head_top nose',
    'left_shoulder neck', 'left_elbow left_shoulder', 'left_wrist left_elbow',
    'right_shoulder neck', 'right_elbow right_shoulder', 'right_wrist right_elbow',
)  # fmt: skip

# h36m17 without the nose; the top of the head hangs on the neck
H36M16 = _tree(
    'h36m16',
    'pelvis', 'right_hip pelvis', 'right_knee right_hip', 'right_ankle right_knee',
    'left_hip pelvis', 'left_knee left_hip', 'left_ankle left_knee',
    'torso pelvis', 'neck torso', 'head_top neck',
    'left_shoulder neck', 'left_elbow left_shoulder', 'left_wrist left_elbow',
    'right_shoulder neck', 'right_elbow right_shoulder', 'right_wrist right_elbow',
)  # fmt: skip

# MediaPipe Pose's 33 landmarks in their order (Bazarevsky et al., BlazePose, 2020)
BLAZEPOSE33 = _tree(
    'blazepose33',
    'nose', 'left_eye_inner nose', 'left_eye left_eye_inner', 'left_eye_outer left_eye',
    'right_eye_inner nose', 'right_eye right_eye_inner', 'right_eye_outer right_eye',
    'left_ear left_eye_outer', 'right_ear right_eye_outer', 'left_mouth', 'right_mouth left_mouth',
    'left_shoulder', 'right_shoulder left_shoulder',
    'left_elbow left_shoulder', 'right_elbow right_shoulder',
    'left_wrist left_elbow', 'right_wrist right_elbow',
    'left_pinky left_wrist', 'right_pinky right_wrist',
    'left_index left_wrist', 'right_index right_wrist',
    'left_thumb left_wrist', 'right_thumb right_wrist',
    'left_hip left_shoulder', 'right_hip right_shoulder',
    'left_knee left_hip', 'right_knee right_hip',
    'left_ankle left_knee', 'right_ankle right_knee',
    'left_heel left_ankle', 'right_heel right_ankle',
    'left_foot_index left_heel', 'right_foot_index right_heel',
)  # fmt: skip

MANO21 = _tree(
    'mano21',
    'wrist',
    'thumb1 wrist', 'thumb2 thumb1', 'thumb3 thumb2', 'thumb4 thumb3',
    'index1 wrist', 'index2 index1', 'index3 index2', 'index4 index3',
    'middle1 wrist', 'middle2 middle1', 'middle3 middle2', 'middle4 middle3',
    'ring1 wrist', 'ring2 ring1', 'ring3 ring2', 'ring4 ring3',
    'pinky1 wrist', 'pinky2 pinky1', 'pinky3 pinky2', 'pinky4 pinky3',
)  # fmt: skip


def _fingers(side: str, order: str, joints: int) -> tuple[str, ...]:
    """Lines of a hand's joints, from the wrist outwards; four of a finger with its tip."""
    return tuple(
        f'{side}_{finger}{i} {side}_{f"{finger}{i - 1}" if i > 1 else "wrist"}'
        for finger in order.split()
        for i in range(1, joints + 1)
    )


_FINGERS20 = 'thumb index middle ring pinky'
_BODY25 = (
    'pelvis', 'left_hip pelvis', 'right_hip pelvis', 'left_knee left_hip', 'right_knee right_hip',
    'left_ankle left_knee', 'right_ankle right_knee', 'neck pelvis',
    'left_shoulder neck', 'right_shoulder neck',
    'left_elbow left_shoulder', 'right_elbow right_shoulder',
    'left_wrist left_elbow', 'right_wrist right_elbow',
    'left_big_toe left_ankle', 'left_small_toe left_ankle', 'left_heel left_ankle',
    'right_big_toe right_ankle', 'right_small_toe right_ankle', 'right_heel right_ankle',
    'left_ear left_eye', 'right_ear right_eye', 'left_eye nose', 'right_eye nose', 'nose neck',
)  # fmt: skip
# iBUG's 68 points, each line of the face by itself, as the SMPL-X package names them
_FACE72 = (
    'jaw head', 'head neck', 'left_pupil head', 'right_pupil head',
    'right_eyebrow1', 'right_eyebrow2 right_eyebrow1', 'right_eyebrow3 right_eyebrow2',
    'right_eyebrow4 right_eyebrow3', 'right_eyebrow5 right_eyebrow4',
    'left_eyebrow5 left_eyebrow4', 'left_eyebrow4 left_eyebrow3', 'left_eyebrow3 left_eyebrow2',
    'left_eyebrow2 left_eyebrow1', 'left_eyebrow1',
    'nose1', 'nose2 nose1', 'nose3 nose2', 'nose4 nose3',
    'right_nostril2 right_nostril1', 'right_nostril1 nose_middle', 'nose_middle nose4',
    'left_nostril1 nose_middle', 'left_nostril2 left_nostril1',
    'right_eyelid1', 'right_eyelid2 right_eyelid1', 'right_eyelid3 right_eyelid2',
    'right_eyelid4 right_eyelid3', 'right_eyelid5 right_eyelid4', 'right_eyelid6 right_eyelid5',
    'left_eyelid4 left_eyelid3', 'left_eyelid3 left_eyelid2', 'left_eyelid2 left_eyelid1',
    'left_eyelid1', 'left_eyelid6 left_eyelid5', 'left_eyelid5 left_eyelid4',
    'right_mouth1 right_mouth2', 'right_mouth2 right_mouth3', 'right_mouth3 mouth_top',
    'mouth_top', 'left_mouth3 mouth_top', 'left_mouth2 left_mouth3', 'left_mouth1 left_mouth2',
    'left_mouth5 left_mouth4', 'left_mouth4 mouth_bottom', 'mouth_bottom',
    'right_mouth4 mouth_bottom', 'right_mouth5 right_mouth4',
    'right_lip1 right_lip2', 'right_lip2 lip_top', 'lip_top', 'left_lip2 lip_top',
    'left_lip1 left_lip2', 'left_lip3 lip_bottom', 'lip_bottom', 'right_lip3 lip_bottom',
    *(f'right_contour{i} right_contour{i + 1}' for i in range(1, 8)),
    'right_contour8 contour_middle', 'contour_middle', 'left_contour8 contour_middle',
    *(f'left_contour{i} left_contour{i + 1}' for i in range(7, 0, -1)),
)  # fmt: skip
_HANDS40 = (*_fingers('left', _FINGERS20, 4), *_fingers('right', _FINGERS20, 4))

# points of the SMPL-X body in the order of Moon et al. (2022)
SMPLX25 = _tree('smplx25', *_BODY25)
SMPLX65 = _tree('smplx65', *_BODY25, *_HANDS40)
SMPLX137 = _tree('smplx137', *_BODY25, *_HANDS40, *_FACE72)

# the bones of SMPL-X (Pavlakos et al., 2019)
_SMPLX_FINGERS = 'index middle pinky ring thumb'
SMPLX55 = _tree(
    'smplx55',
    *_SMPL22, 'jaw head', 'left_eyeball head', 'right_eyeball head',
    *_fingers('left', _SMPLX_FINGERS, 3), *_fingers('right', _SMPLX_FINGERS, 3),
)  # fmt: skip

SKELETONS = {
    s.name: s
    for s in (
        *(COCO17, COCO19, COCO20, SMPL24, SMPL29, H36M17, H36M16, BLAZEPOSE33, MANO21),
        *(SMPLX25, SMPLX55, SMPLX65, SMPLX137),
    )
}

# Where a network lacks a joint, the mean of these stands in for it.
STAND_INS: dict[str, tuple[str, ...]] = {
    'pelvis': ('left_hip', 'right_hip'),
    'neck': ('left_shoulder', 'right_shoulder'),
    'nose': ('head',),
    'left_eye': ('nose',),
    'right_eye': ('nose',),
    'left_ear': ('left_eye',),
    'right_ear': ('right_eye',),
    'head': ('left_ear', 'right_ear'),
}


def joint_mixer(source: Skeleton, names: Sequence[str]) -> NDArray[np.float64]:
    """
    Weights that turn joints of one skeleton into joints with the given names.

    :return: (len(names), len(source)); ``mixer @ joints`` gives the joints. A row is zero where
        neither the joint nor a stand-in (`STAND_INS`) is in the source.
    """
    rows = np.zeros((len(names), len(source)))
    for row, name in zip(rows, names, strict=True):
        places = _places(source, name, frozenset())
        if places:
            np.add.at(row, places, 1 / len(places))  # one may be named twice
    return rows


def mixed(mixer: NDArray[np.floating], joints: NDArray[np.floating]) -> NDArray[np.floating]:
    """Mix joints (..., J, D); only who needs a joint that is not a number becomes none."""
    sound = np.isfinite(joints).all(axis=-1, keepdims=True)
    mixed = mixer @ np.where(sound, joints, 0.0)
    spoilt = (mixer != 0) @ ~sound
    return np.where(spoilt, np.nan, mixed)


def _places(source: Skeleton, name: str, tried: frozenset[str]) -> list[int]:
    if name in source.names:
        return [source.names.index(name)]
    if name in tried:
        return []
    found = [_places(source, other, tried | {name}) for other in STAND_INS.get(name, ())]
    return [place for places in found for place in places] if all(found) else []


# Joints that most networks do not see, as shares of joints that they do, for networks that want
# them all. Trunk and collars as in SMPL's mean body (Loper et al., 2015), the rest as in the open
# body over the pose bank.
BETWEEN: dict[str, dict[str, float]] = {
    'torso': {'pelvis': 0.5, 'neck': 0.5},
    'spine1': {'pelvis': 0.63, 'neck': 0.37},
    'spine2': {'pelvis': 0.38, 'neck': 0.62},
    'spine3': {'pelvis': 0.28, 'neck': 0.72},
    'left_collar': {'neck': 0.54, 'left_shoulder': 0.46},
    'right_collar': {'neck': 0.54, 'right_shoulder': 0.46},
    'head_top': {'head': 1.6, 'neck': -0.6},
    'left_hand': {'left_index': 0.62, 'left_pinky': 0.38},
    'right_hand': {'right_index': 0.62, 'right_pinky': 0.38},
    'left_foot': {'left_heel': 0.3, 'left_foot_index': 0.7},
    'right_foot': {'right_heel': 0.3, 'right_foot_index': 0.7},
}


def guessing_mixer(source: Skeleton, names: Sequence[str]) -> NDArray[np.float64]:
    """
    Weights as of `joint_mixer`, also for joints `BETWEEN` others; these weights may be negative.

    On the open body in many postures guesses are some centimetres off.
    """
    rows = joint_mixer(source, names)
    for row, name in zip(rows, names, strict=True):
        shares = BETWEEN.get(name, {})
        if row.any() or not shares:
            continue
        others = joint_mixer(source, tuple(shares))
        if others.any(axis=1).all():
            row[:] = np.array(list(shares.values())) @ others
    return rows
