"""Crops without a person, for networks that must notice when a detector was wrong."""

from __future__ import annotations

import torch
from torch import Tensor

from training.data.augment import PHOTOGRAPHED, treated
from training.data.backgrounds import Backgrounds
from training.data.crop_batch import CropBatch
from training.data.draws import Draws
from training.data.joint_sets import BODY30


class NobodyCrops:
    """
    Draws pieces of backgrounds; nothing is labelled in them.

    :param backgrounds: where they are, batches are made
    """

    def __init__(self, backgrounds: Backgrounds, side: int) -> None:
        self._backgrounds = backgrounds
        self._side = side

    @torch.no_grad()
    def batch(self, count: int, generator: torch.Generator) -> CropBatch:
        """Draw ``count`` crops; the same state of the generator gives the same ones."""
        device = self._backgrounds.images.device
        draws = Draws(count, generator, device)
        image = self._backgrounds.behind(draws, self._side, draws.normal(0, 0.2))
        image = treated(image, draws, PHOTOGRAPHED) * _framed(draws, self._side)
        return unlabelled((image + 0.5).clamp(0, 255).byte())


def _framed(draws: Draws, side: int) -> Tensor:
    """Black bands at some borders, as where a photograph ends; (N, 1, side, side)."""
    low = side * draws.uniform(-0.8, 0.3, 2)
    high = side * draws.uniform(0.7, 1.8, 2)
    axis = torch.arange(side, device=low.device)
    x, y = ((axis > low[:, i : i + 1]) & (axis < high[:, i : i + 1]) for i in (0, 1))
    return (x[:, None, None] & y[:, None, :, None]).float()


def unlabelled(image: Tensor) -> CropBatch:
    """Crops (N, 3, S, S) uint8 that say nothing about anybody."""
    count, device, joints = len(image), image.device, len(BODY30)

    def nothing(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.zeros(count, *shape, dtype=dtype, device=device)

    return CropBatch(
        image=image,
        joints2d=nothing(joints, 2),
        seen2d=nothing(joints),
        joints3d=nothing(joints, 3),
        seen3d=nothing(joints),
        root=nothing(3),
        intrinsics=nothing(3, 3),
        hidden=nothing(joints, dtype=torch.bool),
        swappable=nothing(dtype=torch.bool),
        real=torch.ones(count, dtype=torch.bool, device=device),
        source=nothing(dtype=torch.int64) - 1,
        turn=nothing(3, 3),
    )
