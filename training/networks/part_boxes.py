"""
Boxes round hands and face, found in coarse features of the body (Moon et al. 2022).

The middle of a part is a place in a map; the part's width and height come from the features
there. Both count in the body's cells, which are 32 pixels wide at the body's resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.networks.deconv import WIDTH, DeconvHead
from training.networks.interpolation import sampled_at
from training.networks.soft_argmax import soft_argmax

PARTS = ('left_hand', 'right_hand', 'face')
MARGINS = (2.0, 2.0, 1.5)  # side of the square that is cut out, per side of the part
FINER = 8.0  # cells of the middles' maps per cell of the body


@dataclass(frozen=True, eq=False)
class PartBoxes:
    """
    Where N people's hands and faces are, in cells of the body's maps.

    :param middles: x, y, (N, 3, 2), in the order of `PARTS`
    :param sizes: width, height, (N, 3, 2); a network may well say something negative
    """

    middles: Tensor
    sizes: Tensor

    def squares(self, cell: float) -> Tensor:
        """
        What to look at more closely.

        :param cell: pixels per cell
        :return: x1, y1, x2, y2, (N, 3, 4), pixels
        """
        margins = torch.tensor(MARGINS, device=self.sizes.device).unsqueeze(1)
        half = self.sizes.amax(dim=2, keepdim=True) * margins / 2
        return torch.cat([self.middles - half, self.middles + half], dim=2) * cell


class PartBoxNet(nn.Module):
    """Finds hands and face."""

    def __init__(self, features: int, chances: int) -> None:
        super().__init__()
        self.deconv = DeconvHead(features + chances)
        self.middles = nn.Conv2d(WIDTH, len(PARTS), 1)
        self.sizes = nn.ModuleDict(
            {
                part: nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 2))
                for part in PARTS
            }
        )

    def forward(self, features: Tensor, chance: Tensor) -> PartBoxes:
        """See features (N, C, H, W) and chances of joints (N, J, D, H, W)."""
        fine = self.deconv(torch.cat([features, chance.flatten(1, 2)], dim=1))
        places = soft_argmax(self.middles(fine))
        # a size learns where its part is looked for, but moves it not
        known = sampled_at(fine, places.detach())
        sizes = [self.sizes[part](known[:, i]) for i, part in enumerate(PARTS)]
        return PartBoxes(places / FINER, torch.stack(sizes, dim=1))
