"""People seen by a camera, as the lifter's input and the truth behind it, made on the fly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.data.rows import TensorRows
from training.data.seen_people import SeenPeople
from training.networks.body_layer import BodyLayer
from training.synthetic.corruption import HIPS, LIKE_REAL, Corruption, corrupted
from training.synthetic.poses import PoseSampler, rotation_from_vector, to_global

BODY_TO_CAMERA = torch.diag(torch.tensor([1.0, -1.0, -1.0]))  # upright, facing the camera
HELD_OUT_BODIES = 4  # one body in so many is never trained on


@dataclass(frozen=True, eq=False)
class LifterBatch(TensorRows):
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


class LifterSamples:
    """
    Draws batches; the same generator state gives the same batch.

    :param body: arrays of the open body
    :param poses: where poses come from
    :param held_out: draw from the bodies kept for tests
    :param corruption: None for true joints
    """

    def __init__(
        self,
        body: Path,
        poses: PoseSampler,
        corruption: Corruption | None = LIKE_REAL,
        held_out: bool = False,
    ) -> None:
        self.layer = BodyLayer.load(body)
        with np.load(body) as file:
            self._points = self.layer.points(file['regressor_lift27'])
            people = torch.from_numpy(file['population'].astype(np.float32))
        last = torch.arange(len(people)) % HELD_OUT_BODIES == 0
        self._people = people[last == held_out]
        self._poses = poses
        self._corruption = corruption

    def batch(self, count: int, generator: torch.Generator) -> LifterBatch:
        """Draw people."""
        return self.seen(self._poses.sample(count, generator), generator)

    def seen(self, poses: Tensor, generator: torch.Generator) -> LifterBatch:
        """Give poses (N, 24, 3, 3), relative to the parent, a body and a camera each."""
        count = len(poses)
        betas = self._bodies(count, generator)
        rotations = camera_rotations(count, generator)[:, None] @ to_global(poses)
        joints = self.points(rotations, betas)
        confidence = torch.ones(joints.shape[:2])
        if self._corruption is not None:
            joints, confidence = corrupted(joints, rotations, self._corruption, generator)
        origin = joints[:, HIPS].mean(dim=1)
        return LifterBatch(joints - origin[:, None], confidence, rotations, betas, origin)

    def points(self, rotations: Tensor, betas: Tensor) -> Tensor:
        """Where the input's joints are on posed bodies, pelvis left at rest, (N, 27, 3)."""
        return self._points(rotations, self.layer.joints(rotations, betas)[1], betas)

    def _bodies(self, count: int, generator: torch.Generator) -> Tensor:
        """Somewhere between two people of the population, never far from one, (N, C)."""
        a, b = torch.randint(len(self._people), (2, count), generator=generator)
        share = 0.3 * torch.rand(count, 1, generator=generator)
        return torch.lerp(self._people[a], self._people[b], share)


class SeenSamples:
    """
    Draws people as an image network saw them.

    :param bodies: whose points the network's joints are
    """

    def __init__(self, seen: SeenPeople, bodies: LifterSamples) -> None:
        self._seen, self._bodies = seen, bodies

    def batch(self, count: int, generator: torch.Generator) -> LifterBatch:
        """Draw people."""
        people = self._seen[torch.randint(len(self._seen), (count,), generator=generator)]
        points = self._bodies.points(people.rotations, people.betas)
        origin = points[:, HIPS].mean(dim=1)
        return LifterBatch(
            people.joints, people.confidence, people.rotations, people.betas, origin
        )


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
