"""
The camera that published parameter networks believe in: a long lens on the crop.

They cannot know the real one. So a crop counts as the whole picture of a camera of 5000 pixels
focal length, and the body is put where that camera sees it as the crop does (Moon et al.,
Hand4Whole, 2022). Directions and sizes relative to the crop are right; the distance is not metric.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FOCAL = 5000.0  # pixels
AWAY = 1e-4  # metres, added to depths so that none is zero


@dataclass(frozen=True)
class VirtualCamera:
    """
    Sees a crop.

    :param height, width: of the crop, pixels; the axis goes through the middle
    :param span: side in metres of a square that fills the crop at the largest distance there is
    :param focal: pixels
    """

    height: int
    width: int
    span: float = 2.5
    focal: float = FOCAL

    @property
    def farthest(self) -> float:
        """Largest distance, metres."""
        return self.focal * self.span / (self.height * self.width) ** 0.5

    def translation(self, told: Tensor) -> Tensor:
        """From what the network says, (N, 3), to the body model's origin, (N, 3), metres."""
        depth = self.farthest * torch.sigmoid(told[:, 2:])
        return torch.cat([told[:, :2], depth], dim=1)

    def project(self, points: Tensor, translation: Tensor) -> Tensor:
        """
        Where points are seen.

        :param points: metres from the body model's origin, camera axes, (N, P, 3)
        :param translation: of that origin, (N, 3)
        :return: crop pixels, (N, P, 2)
        """
        placed = points + translation.unsqueeze(1)
        middle = torch.tensor([self.width / 2, self.height / 2], device=points.device)
        return placed[..., :2] / (placed[..., 2:] + AWAY) * self.focal + middle
