"""Where pictures for the detector come from, by one door; see the modules for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from training.data.crops import counts_of
from training.data.detector_batch import SIZE, DetectorBatch, joined
from training.data.detector_scenes import DetectorScenes, SceneMix
from training.data.photo_scenes import DetectorPhotos, PhotoSceneMix, PhotoScenes

__all__ = [
    'SIZE',
    'DetectorBatch',
    'DetectorPhotos',
    'DetectorScenes',
    'MixedPictures',
    'PhotoSceneMix',
    'PhotoScenes',
    'SceneMix',
    'joined',
]


class Pictures(Protocol):
    """Anything that batches of pictures are drawn from."""

    def batch(self, count: int, generator: torch.Generator) -> DetectorBatch:
        """Draw ``count`` pictures."""
        ...


class MixedPictures:
    """
    Several kinds of pictures in each batch, in fixed shares.

    :param parts: kinds and their shares, which need not sum to one
    """

    def __init__(self, parts: Sequence[tuple[Pictures, float]]) -> None:
        self._parts = [(pictures, share) for pictures, share in parts if share > 0]

    def batch(self, count: int, generator: torch.Generator) -> DetectorBatch:
        """Draw ``count`` pictures; kinds follow each other in the batch."""
        counts = counts_of([share for _, share in self._parts], count)
        drawn = [p.batch(n, generator) for (p, _), n in zip(self._parts, counts) if n > 0]
        return joined(drawn)
