"""
Endless poses: motion capture where there is some, authored poses everywhere, and mixtures.

Recorded people mostly stand and walk. So half of the poses come from `key_poses`: two of them
blended, the upper body of one on the lower body of another, every joint shaken within what it
can bear. All rotations are relative to the parent and follow SMPL's 24 joints; the root is
relative to a world with y up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mesh_pose_ros.skeletons import SMPL24
from training.networks.blocks import rotation_from_6d, rotation_to_6d
from training.synthetic.key_poses import key_rotations
from training.synthetic.pose_bank import PoseBank

JOINTS = len(SMPL24)
UPPER = [  # joints above the waist
    i for i, name in enumerate(SMPL24.names)
    if not any(part in name for part in ('pelvis', 'hip', 'knee', 'ankle', 'foot'))
]  # fmt: skip
# standard deviation of the shaking, degrees round x y z of the joint's axes
SHAKE = {
    'pelvis': (5, 0, 5), 'spine1': (6, 5, 4), 'spine2': (6, 6, 4), 'spine3': (4, 5, 4),
    'neck': (8, 8, 6), 'head': (9, 12, 6), 'collar': (3, 5, 5), 'shoulder': (22, 22, 22),
    'elbow': (6, 22, 3), 'wrist': (18, 12, 18), 'hand': (0, 0, 6), 'hip': (13, 9, 8),
    'knee': (15, 3, 2), 'ankle': (10, 6, 5), 'foot': (6, 0, 0),
}  # fmt: skip

# joint -> axis it bends round and the sense in which it bends
HINGES = {'left_knee': (0, 1), 'right_knee': (0, 1), 'left_elbow': (1, -1), 'right_elbow': (1, 1)}
OVERSTRETCH = np.radians(5)


@dataclass(frozen=True)
class PoseMix:
    """
    What poses are drawn from.

    :param recorded: share of poses that start from the bank, if there is one
    :param swapped: share that wears the upper body of another pose
    :param shaken: share of poses with shaken joints; recorded ones are shaken half as far
    """

    recorded: float = 0.55
    swapped: float = 0.3
    shaken: float = 0.7


class PoseSampler:
    """
    Draws poses; the same generator state gives the same poses.

    :param bank: motion capture, None for authored poses alone
    :param held_out: draw from the clips kept for tests instead of those for training
    """

    def __init__(
        self, bank: PoseBank | None = None, held_out: bool = False, mix: PoseMix = PoseMix()
    ) -> None:
        self._keys = torch.from_numpy(key_rotations())
        self._recorded = None
        if bank is not None:
            frames = torch.from_numpy(bank.rotations(held_out))
            hands = torch.eye(3).expand(len(frames), JOINTS - frames.shape[1], 3, 3)
            self._recorded = torch.cat([frames, hands], dim=1)
        self._mix = mix
        self._shake = _shake_radians()

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw poses, (count, 24, 3, 3), rotations relative to the parent."""
        poses, recorded = self._bodies(count, generator)
        other, _ = self._bodies(count, generator)
        swap = _chance(count, self._mix.swapped, generator)
        poses[:, UPPER] = torch.where(swap[:, None, None, None], other[:, UPPER], poses[:, UPPER])
        amount = torch.rand(count, generator=generator) * torch.where(recorded, 0.5, 1.0)
        amount = amount * _chance(count, self._mix.shaken, generator)
        noise = torch.randn(count, JOINTS, 3, generator=generator) * self._shake
        poses = within_limits(poses @ rotation_from_vector(noise * amount[:, None, None]))
        flip = _chance(count, 0.5, generator)
        return torch.where(flip[:, None, None, None], mirrored(poses), poses)

    def recorded(self, count: int, generator: torch.Generator) -> Tensor:
        """
        Draw frames of the bank as they are, (count, 24, 3, 3).

        :raises ValueError: the sampler has no bank
        """
        if self._recorded is None:
            raise ValueError('this sampler was made without a pose bank')
        return self._recorded[torch.randint(len(self._recorded), (count,), generator=generator)]

    def _bodies(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        authored = self._authored(count, generator)
        if self._recorded is None:
            return authored, torch.zeros(count, dtype=torch.bool)
        recorded = _chance(count, self._mix.recorded, generator)
        frames = self.recorded(count, generator)
        return torch.where(recorded[:, None, None, None], frames, authored), recorded

    def _authored(self, count: int, generator: torch.Generator) -> Tensor:
        """Blend two key poses, one blend for the upper and one for the lower body."""
        a, b = torch.randint(len(self._keys), (2, count), generator=generator)
        share = torch.rand(count, 2, generator=generator) ** 2  # mostly near the first
        upper = torch.zeros(JOINTS, dtype=torch.bool)
        upper[UPPER] = True
        weight = torch.where(upper, share[:, :1], share[:, 1:])[:, :, None, None]
        return nearest_rotation(torch.lerp(self._keys[a], self._keys[b], weight))


def mirrored(poses: Tensor) -> Tensor:
    """Swap left and right of poses (N, 24, 3, 3), as in a mirror."""
    flip = torch.tensor([-1.0, 1.0, 1.0])
    return poses[:, SMPL24.mirror] * flip[:, None] * flip


def within_limits(poses: Tensor) -> Tensor:
    """Straighten knees and elbows that bend the wrong way, (N, 24, 3, 3)."""
    poses = poses.clone()
    for name, (axis, sign) in HINGES.items():
        joint = SMPL24.index(name)
        along, beside = (1, 2) if axis == 0 else (2, 0)
        turn = poses[:, joint]
        bend = sign * torch.atan2(turn[:, beside, along], turn[:, along, along])
        back = torch.zeros(len(poses), 3)
        back[:, axis] = sign * (-OVERSTRETCH - bend).clamp_min(0)
        poses[:, joint] = rotation_from_vector(back) @ turn
    return poses


def to_global(poses: Tensor) -> Tensor:
    """Rotations relative to the parent to rotations relative to the world, (N, 24, 3, 3)."""
    turned = list(poses.unbind(1))
    for joint, parent in enumerate(SMPL24.parents):
        if parent >= 0:
            turned[joint] = turned[parent] @ turned[joint]
    return torch.stack(turned, dim=1)


def rotation_from_vector(vectors: Tensor) -> Tensor:
    """Axis times angle (..., 3) to rotations (..., 3, 3), Rodrigues' formula."""
    angle = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True).clamp_min(1e-8)
    x, y, z = (vectors / angle).unbind(-1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    sin, cos = angle.sin()[..., None], angle.cos()[..., None]
    return torch.eye(3) + sin * skew + (1 - cos) * (skew @ skew)


def nearest_rotation(matrices: Tensor) -> Tensor:
    """Make means of rotations (..., 3, 3) rotations again."""
    return rotation_from_6d(rotation_to_6d(matrices))


def _chance(count: int, share: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) < share


def _shake_radians() -> Tensor:
    parts = [name.removeprefix('left_').removeprefix('right_') for name in SMPL24.names]
    return torch.tensor(np.radians([SHAKE[part] for part in parts]), dtype=torch.float32)
