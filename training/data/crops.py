"""Where crops come from, by one door; see the modules for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from training.data.crop_batch import CropBatch, joined
from training.data.photo_people import PhotoPeople
from training.data.photos import PhotoCrops, PhotoMix
from training.data.synthetic_crops import CropMix, SyntheticCrops

__all__ = [
    'CropBatch',
    'CropMix',
    'MixedCrops',
    'PhotoCrops',
    'PhotoMix',
    'PhotoPeople',
    'SyntheticCrops',
    'joined',
]


class Crops(Protocol):
    """Anything that batches of crops are drawn from."""

    def batch(self, count: int, generator: torch.Generator) -> CropBatch:
        """Draw ``count`` people."""
        ...


class MixedCrops:
    """
    Several kinds of crops in each batch, in fixed shares.

    :param parts: kinds and their shares, which need not sum to one
    """

    def __init__(self, parts: Sequence[tuple[Crops, float]]) -> None:
        self._parts = [(crops, share) for crops, share in parts if share > 0]

    def batch(self, count: int, generator: torch.Generator) -> CropBatch:
        """Draw ``count`` people; kinds follow each other in the batch."""
        counts = counts_of([share for _, share in self._parts], count)
        drawn = [crops.batch(n, generator) for (crops, _), n in zip(self._parts, counts) if n > 0]
        return joined(drawn)


def counts_of(shares: Sequence[float], count: int) -> list[int]:
    """Split a count by shares, which need not sum to one."""
    weights = torch.tensor(shares, dtype=torch.float64)
    ends = (weights.cumsum(0) / weights.sum() * count).round().long()
    return torch.diff(ends, prepend=torch.zeros(1, dtype=torch.long)).tolist()
