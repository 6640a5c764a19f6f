"""People seen by a camera, as the lifter's input and the truth behind it, made on the fly."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.data.seen_people import SeenPeople
from training.networks.body_layer import BodyLayer
from training.synthetic.corruption import HIPS, LIKE_REAL, Corruption, corrupted
from training.synthetic.poses import PoseSampler, rotation_from_vector, to_global

BODY_TO_CAMERA = torch.diag(torch.tensor([1.0, -1.0, -1.0]))  # upright, facing the camera
HELD_OUT_BODIES = 4  # one body in so many is never trained on


@dataclass(frozen=True, eq=False)
class LifterBatch:
    """
    N people.

    :param joints: what the lifter sees, (N, 27, 3), metres from the seen mid-hip, camera axes
    :param confidence: (N, 27), zero where a joint is missing
    :param rotations: truth, rest axes to camera axes, (N, 24, 3, 3)
    :param betas: truth, (N, C)
    :param origin: the point of the posed body (pelvis left at rest) that is the root of
        ``joints``, (N, 3): subtract it from vertices and body joints
    """

    joints: Tensor
    confidence: Tensor
    rotations: Tensor
    betas: Tensor
    origin: Tensor

    def and_more(self, other: LifterBatch) -> LifterBatch:
        """These people, and others behind them."""
        both = (torch.cat([getattr(b, f.name) for b in (self, other)]) for f in fields(self))
        return LifterBatch(*both)


class LifterSamples:
    """
    Draws batches; the same generator state gives the same batch.

    :param body: arrays of the open body
    :param poses: where poses come from
    :param held_out: draw from the bodies kept for tests
    :param corruption: None for true joints
    :param watched: people as a network saw them
    :param share: of them in each batch
    """

    def __init__(
        self,
        body: Path,
        poses: PoseSampler,
        corruption: Corruption | None = LIKE_REAL,
        held_out: bool = False,
        watched: SeenPeople | None = None,
        share: float = 0.0,
    ) -> None:
        self.layer = BodyLayer.load(body)
        with np.load(body) as file:
            self._points = self.layer.points(file['regressor_lift27'])
            people = torch.from_numpy(file['population'].astype(np.float32))
        last = torch.arange(len(people)) % HELD_OUT_BODIES == 0
        self._people = people[last == held_out]
        self._poses = poses
        self._corruption = corruption
        self._watched, self._share = watched, share

    def batch(self, count: int, generator: torch.Generator) -> LifterBatch:
        """Draw people."""
        share = 0 if self._watched is None else round(self._share * count)
        poses = self._poses.sample(count - share, generator)
        made = self.seen(poses, generator)
        return made.and_more(self.watched(share, generator)) if share else made

    def watched(self, count: int, generator: torch.Generator) -> LifterBatch:
        """Draw people as a network saw them."""
        assert self._watched is not None
        seen = self._watched[torch.randint(len(self._watched), (count,), generator=generator)]
        shift = self.layer.joints(seen.rotations, seen.betas)[1]
        origin = self._points(seen.rotations, shift, seen.betas)[:, HIPS].mean(dim=1)
        return LifterBatch(seen.joints, seen.confidence, seen.rotations, seen.betas, origin)

    def seen(self, poses: Tensor, generator: torch.Generator) -> LifterBatch:
        """Give poses (N, 24, 3, 3), relative to the parent, a body and a camera each."""
        count = len(poses)
        betas = self._bodies(count, generator)
        rotations = camera_rotations(count, generator)[:, None] @ to_global(poses)
        shift = self.layer.joints(rotations, betas)[1]
        joints = self._points(rotations, shift, betas)
        confidence = torch.ones(joints.shape[:2])
        if self._corruption is not None:
            joints, confidence = corrupted(joints, rotations, self._corruption, generator)
        origin = joints[:, HIPS].mean(dim=1)
        return LifterBatch(joints - origin[:, None], confidence, rotations, betas, origin)

    def _bodies(self, count: int, generator: torch.Generator) -> Tensor:
        """Somewhere between two people of the population, never far from one, (N, C)."""
        a, b = torch.randint(len(self._people), (2, count), generator=generator)
        share = 0.3 * torch.rand(count, 1, generator=generator)
        return torch.lerp(self._people[a], self._people[b], share)


def camera_rotations(count: int, generator: torch.Generator) -> Tensor:
    """
    World (y up) to camera axes: from all sides, mostly level, sometimes from anywhere.

    :return: (N, 3, 3)
    """
    yaw = _about(1, torch.pi * (2 * torch.rand(count, generator=generator) - 1))
    pitch = _about(0, 0.3 * torch.randn(count, generator=generator))
    roll = _about(2, 0.15 * torch.randn(count, generator=generator))
    level = BODY_TO_CAMERA @ roll @ pitch @ yaw
    anywhere = random_rotations(count, generator)
    odd = torch.rand(count, generator=generator) < 0.12
    return torch.where(odd[:, None, None], anywhere, level)


def random_rotations(count: int, generator: torch.Generator) -> Tensor:
    """Uniform rotations from uniform quaternions, (N, 3, 3)."""
    w, x, y, z = torch.nn.functional.normalize(
        torch.randn(count, 4, generator=generator), dim=1
    ).unbind(1)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(rows, dim=1).unflatten(1, (3, 3))


def _about(axis: int, angle: Tensor) -> Tensor:
    return rotation_from_vector(torch.eye(3)[axis] * angle[:, None])
