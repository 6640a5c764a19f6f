"""
What goes wrong between a person's joints and a network's idea of them.

Joints that come from an image are unsure most of all in depth, and along a limb the errors add
up; whole limbs are guessed where they are hidden; scale is a guess; each data set places its
joints a little differently; some joints are missing. All functions take joints (N, J, 3) in
camera axes (x right, y down, z forward), metres.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mesh_pose_ros.skeletons import SMPL24, other_side
from training.data.joint_sets import LIFT27

JOINTS = len(LIFT27)
MIRROR = LIFT27.mirror.tolist()
HIPS = [LIFT27.index('left_hip'), LIFT27.index('right_hip')]
ARMS, LEGS = (
    [[LIFT27.index(f'{side}_{part}') for part in parts] for side in ('left', 'right')]
    for parts in (
        ('elbow', 'wrist', 'index', 'pinky', 'thumb'),
        ('knee', 'ankle', 'heel', 'foot_index'),
    )
)
LIMBS = ARMS + LEGS
FACE = list(range(5))
EXTREMITIES = list(range(17, JOINTS))
ENDS = {  # joint -> the one before it on its limb
    f'{side}_{end}': f'{side}_{start}'
    for side in ('left', 'right')
    for start, end in (
        ('shoulder', 'elbow'), ('elbow', 'wrist'), ('wrist', 'index'), ('wrist', 'pinky'),
        ('wrist', 'thumb'), ('hip', 'knee'), ('knee', 'ankle'), ('ankle', 'heel'),
        ('ankle', 'foot_index'),
    )
}  # fmt: skip

CARRIERS = {  # joint -> the body joint it rides on
    'nose': 'head', 'left_eye': 'head', 'left_ear': 'head', 'left_shoulder': 'spine3',
    'left_elbow': 'left_shoulder', 'left_wrist': 'left_elbow', 'left_hip': 'pelvis',
    'left_knee': 'left_hip', 'left_ankle': 'left_knee', 'left_heel': 'left_ankle',
    'left_foot_index': 'left_ankle', 'left_index': 'left_wrist', 'left_pinky': 'left_wrist',
    'left_thumb': 'left_wrist',
}  # fmt: skip
CARRIERS |= {
    other_side(joint): other_side(carrier)
    for joint, carrier in CARRIERS.items()
    if joint.startswith('left_')
}
CARRIED_BY = [SMPL24.index(CARRIERS[name]) for name in LIFT27.names]
# Where MediaPipe Pose puts its joints, seen from where the body has them: millimetres in the
# axes of the carrier, left side. Fitted over 147 people in photographs whose bodies were taken
# to be as usual in the population: it gives feet from under the ankle to the ball instead of
# from heel to toe, and small hands.
BLAZEPOSE = {
    'nose': (0, -3, 10), 'left_eye': (-9, -6, 6), 'left_ear': (-7, -14, -3),
    'left_shoulder': (-2, 1, 3), 'left_elbow': (-6, 0, 3), 'left_wrist': (3, -1, 4),
    'left_hip': (-1, 4, 3), 'left_knee': (-5, 2, 2), 'left_ankle': (1, -1, 1),
    'left_heel': (-6, 6, 51), 'left_foot_index': (18, -10, -63), 'left_index': (-27, 4, -2),
    'left_pinky': (-21, 3, 28), 'left_thumb': (-16, 13, -20),
}  # fmt: skip


@dataclass(frozen=True)
class Corruption:
    """
    How wrong joints are; lengths in metres.

    :param clean: share of people left as they are
    :param jitter: largest standard deviation of independent errors across the view
    :param depth: largest standard deviation of one bone's error in depth
    :param scale: standard deviation of the whole person's size
    :param flattening: standard deviation of depth's own scale
    :param habit: standard deviation of joint placement, the same on the left and the right
    :param blazepose: share of people whose joints are placed as MediaPipe Pose does
    :param hidden: chance for a limb to be guessed instead of seen
    :param guess: standard deviation of a guessed limb's errors
    :param dropped: chance for a single joint to be missing
    :param without_face, without_extremities: chance for these sets to be missing
    :param without_limb, without_legs: chance for one limb, or both legs, to be out of view
    """

    clean: float = 0.3
    jitter: float = 0.025
    depth: float = 0.07
    scale: float = 0.05
    flattening: float = 0.1
    habit: float = 0.01
    blazepose: float = 0.6
    hidden: float = 0.12
    guess: float = 0.1
    dropped: float = 0.04
    without_face: float = 0.12
    without_extremities: float = 0.2
    without_limb: float = 0.03
    without_legs: float = 0.12


LIKE_REAL = Corruption()
IN_VIEW = replace(LIKE_REAL, without_limb=0.0, without_legs=0.0)


def corrupted(
    joints: Tensor, rotations: Tensor, settings: Corruption, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """
    Spoil joints.

    :param joints: (N, 27, 3), any origin
    :param rotations: body joints' axes to the camera's, (N, 24, 3, 3); habits of placing
        joints turn with the limbs
    :return: joints (N, 27, 3) and confidence (N, 27), zero where a joint is missing
    """
    count = len(joints)
    spoil = torch.rand(count, 1, 1, generator=generator) > settings.clean
    confidence = _trust(count, settings, generator)
    noise = _noise(count, confidence, settings, generator)
    habits = _habits(count, settings, generator)
    noise = noise + (rotations[:, CARRIED_BY] @ habits[..., None])[..., 0]
    middle = joints.mean(dim=1, keepdim=True)
    stretch = 1 + settings.scale * torch.randn(count, 1, 1, generator=generator)
    stretch = stretch * torch.ones(3)
    stretch[..., 2:] += settings.flattening * torch.randn(count, 1, 1, generator=generator)
    wrong = middle + (joints - middle) * stretch + noise
    confidence = torch.where(spoil[..., 0], confidence, torch.ones(()))
    confidence = confidence * _present(count, settings, generator)
    return torch.where(spoil, wrong, joints), confidence


def _trust(count: int, settings: Corruption, generator: torch.Generator) -> Tensor:
    """Confidence before anything is dropped, (N, 27): high, lower where a limb is hidden."""
    confidence = 1 - 0.25 * torch.rand(count, JOINTS, generator=generator) ** 3
    for limb in LIMBS:
        hidden = torch.rand(count, 1, generator=generator) < settings.hidden
        guessed = 0.1 + 0.5 * torch.rand(count, 1, generator=generator)
        confidence[:, limb] = torch.where(hidden, guessed, confidence[:, limb])
    return confidence


def _noise(
    count: int, confidence: Tensor, settings: Corruption, generator: torch.Generator
) -> Tensor:
    level = torch.rand(count, 1, 1, generator=generator) ** 1.5  # mostly good, sometimes bad
    across = settings.jitter * torch.randn(count, JOINTS, 3, generator=generator)
    depth = settings.depth * torch.randn(count, JOINTS, generator=generator)
    depth[:, FACE] = depth[:, :1] + 0.3 * depth[:, FACE]  # a head moves as a whole
    for end, start in ENDS.items():
        i, j = LIFT27.index(end), LIFT27.index(start)
        own = 0.35 if j in (9, 10, 15, 16) else 1.0  # hands and feet are short
        depth[:, i] = depth[:, j] + own * depth[:, i]
    across[..., 2] = depth
    doubt = (0.75 - confidence).clamp_min(0)[..., None] * 2
    guess = settings.guess * doubt * torch.randn(count, JOINTS, 3, generator=generator)
    return across * level + guess


def _habits(count: int, settings: Corruption, generator: torch.Generator) -> Tensor:
    """Offsets of where joints are placed, in the carriers' axes, alike on both sides."""
    offset = settings.habit * torch.randn(count, JOINTS, 3, generator=generator)
    offset = (offset + offset[:, MIRROR] * torch.tensor([-1.0, 1, 1])) / 2**0.5
    strength = 1 + 0.15 * torch.randn(count, 1, 1, generator=generator)
    known = torch.rand(count, 1, 1, generator=generator) < settings.blazepose
    return offset + blazepose_habit() * strength * known


def blazepose_habit() -> Tensor:
    """`BLAZEPOSE` for all joints, (27, 3), metres."""
    sides = {other_side(name): (-x, y, z) for name, (x, y, z) in BLAZEPOSE.items()}
    return torch.tensor([(sides | BLAZEPOSE)[name] for name in LIFT27.names]) / 1000


def _present(count: int, settings: Corruption, generator: torch.Generator) -> Tensor:
    """Zero where a joint is missing, (N, 27); the hips carry the root and stay."""
    present = torch.rand(count, JOINTS, generator=generator) >= settings.dropped
    face = torch.rand(count, 1, generator=generator) >= settings.without_face
    ends = torch.rand(count, 1, generator=generator) >= settings.without_extremities
    present[:, FACE] &= face
    present[:, EXTREMITIES] &= ends
    upper = torch.rand(count, 1, generator=generator) >= settings.without_legs
    for limb in LIMBS:
        seen = torch.rand(count, 1, generator=generator) >= settings.without_limb
        present[:, limb] &= seen & (upper if limb in LEGS else torch.tensor(True))
    present[:, HIPS] = True
    intact = torch.rand(count, 1, generator=generator) < 0.35
    return (present | intact).float()
