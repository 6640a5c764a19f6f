"""Crops of real people, drawn by source so that no source drowns the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.data.augment import PHOTOGRAPHED, UNTREATED, Treatment, treated
from training.data.backgrounds import Backgrounds
from training.data.crop_batch import CropBatch
from training.data.draws import Draws
from training.data.photo_people import SIDE, PhotoPeople, check
from training.data.views import STRAIGHT, Wander, regions, within
from training.data.warping import carried, mapped, read_at, similarity

LEAST = 6  # joints that must be marked
# how often a source's people are drawn, against 1 of the others: athletes are many, and people
# as a robot meets them few
SHARES = {'lspet': 0.5, 'coco128_train': 3.0, 'rb_teacher': 3.0, 'tud400': 3.0}
ROUGH = Wander(cut=(0.05, 0.02, 0.05, 0.12), near=0, shift=0.05, zoom=0.14, roll=0.2)


@dataclass(frozen=True)
class PhotoMix:
    """
    How crops of photographs vary.

    :param filled: share in which what lies beyond the photograph is another one, not black
    """

    wander: Wander = ROUGH
    treatment: Treatment = PHOTOGRAPHED
    mirrored: float = 0.5
    filled: float = 0.5
    shares: dict[str, float] = field(default_factory=lambda: dict(SHARES))


class PhotoCrops:
    """
    Draws crops of photographs; the same generator state gives the same batch.

    :param people: squares with marked joints
    :param side: width and height of a crop, pixels
    :param backgrounds: fill the room round some photographs, which are often cut tightly
    :param device: where squares are kept and batches are made; on a GPU all are decoded at once
    """

    def __init__(
        self,
        people: PhotoPeople,
        side: int,
        mix: PhotoMix = PhotoMix(),
        backgrounds: Backgrounds | None = None,
        device: torch.device | str = 'cpu',
    ) -> None:
        self.people = people
        self.side = side
        self._mix = mix
        self._backgrounds = backgrounds.to(device) if backgrounds else None
        self._device = torch.device(device)
        usable = np.flatnonzero((people.trust > 0).sum(1) >= LEAST)
        if not len(usable):
            raise ValueError(
                f'none of {len(people)} people has {LEAST} marked joints; have a teacher '
                'fill in: python -m training.data.teacher'
            )
        self.usable = torch.from_numpy(usable)
        weight = [mix.shares.get(str(name), 1.0) for name in people.source[usable]]
        self._weight = torch.tensor(weight)
        self._sent = None
        if self._device.type != 'cpu':
            self._sent = people.pictures.pictures(range(len(people))).to(self._device)

    @classmethod
    def read(
        cls,
        photos: Path,
        split: str = 'train',
        line: str = 'research',
        side: int = 192,
        lessons: Path | None = None,
        **more,
    ) -> PhotoCrops:
        """Cut people out of photographs; see `PhotoPeople.read`."""
        check(split, line)
        return cls(PhotoPeople.read(photos, split, line, lessons=lessons), side, **more)

    @torch.no_grad()
    def batch(self, count: int, generator: torch.Generator) -> CropBatch:
        """Draw ``count`` people."""
        drawn = torch.multinomial(self._weight, count, replacement=True, generator=generator)
        return self.of(self.usable[drawn], self._mix, generator)

    @torch.no_grad()
    def all(self) -> CropBatch:
        """Everybody with marked joints, once, as a perfect detector would see them."""
        plain = PhotoMix(STRAIGHT, UNTREATED, 0)
        return self.of(self.usable, plain, torch.Generator())

    def of(self, rows: Tensor, mix: PhotoMix, generator: torch.Generator) -> CropBatch:
        """Make crops of the people with these numbers, (N,)."""
        draws = Draws(len(rows), generator, self._device)
        box = self._told(self.people.box, rows)
        # beyond the square there are no pixels, whether or not the photograph goes on
        frame = self._told(self.people.frame, rows).clamp(-0.5, SIDE - 0.5)
        where = regions(box, torch.zeros_like(box, dtype=torch.bool), draws, mix.wander)
        middle = torch.full_like(where.centre, (self.side - 1) / 2)
        to_square = similarity(where.centre, middle, where.side / self.side, where.angle)
        place = mapped(to_square, self.side, self.side)
        inside = within(_overlap(where.frame, frame), place)[:, None]
        image = read_at(self._squares(rows), place)
        if self._backgrounds is not None:
            beyond = self._backgrounds.behind(draws, self.side, where.angle)
            kept = within(frame, place)[:, None]
            filled = draws.chance(mix.filled, 1, 1, 1) & ~kept
            image = torch.where(filled, beyond, image)
            inside = (inside | filled) & within(where.frame, place)[:, None]
        image = treated(image, draws, mix.treatment) * inside
        image = (image + 0.5).clamp(0, 255).byte()
        batch = self._labelled(rows, image, to_square, where.angle)
        return batch.mirrored(draws.chance(mix.mirrored))

    def _squares(self, rows: Tensor) -> Tensor:
        if self._sent is not None:
            return self._sent[rows.to(self._device)]
        return self.people.pictures.pictures(rows.tolist())

    def _labelled(
        self, rows: Tensor, image: Tensor, to_square: Tensor, angle: Tensor
    ) -> CropBatch:
        count, device = len(rows), self._device
        joints = carried(torch.linalg.inv(to_square), self._told(self.people.joints, rows))
        seen = self._told(self.people.trust, rows)
        points = self._told(self.people.joints3d, rows) @ _rolled(angle).transpose(1, 2)
        return CropBatch(
            image=image,
            joints2d=torch.where(seen[..., None] > 0, joints, (self.side - 1) / 2),
            seen2d=seen,
            joints3d=points,
            seen3d=self._told(self.people.trust3d, rows),
            root=torch.zeros(count, 3, device=device),
            intrinsics=torch.zeros(count, 3, 3, device=device),
            hidden=torch.zeros_like(seen, dtype=torch.bool),
            swappable=~self._told(self.people.reliable, rows),
            real=torch.ones(count, dtype=torch.bool, device=device),
            source=torch.from_numpy(self.people.number)[rows].to(device),
            turn=torch.zeros(count, 3, 3, device=device),
        )

    def _told(self, array: np.ndarray, rows: Tensor) -> Tensor:
        return torch.from_numpy(array)[rows].to(self._device)


def _rolled(angle: Tensor) -> Tensor:
    """Turn of a camera that is rolled clockwise, (N, 3, 3)."""
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    rows = [cos, sin, zero, -sin, cos, zero, zero, zero, zero + 1]
    return torch.stack(rows, 1).unflatten(1, (3, 3))


def _overlap(a: Tensor, b: Tensor) -> Tensor:
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    return torch.cat([low, high], 1)
