"""Shift joints to where all of them together, and the picture at each, suggest they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

KNOWN = 6  # of a joint: pixels, metres, confidence
WORDS = 16  # numbers that sum up what the picture shows at a joint
BLOCKS = 2
SHARE = 1 / 8  # of the crop's side; how far an output of one shifts a joint in the picture


class Correction(nn.Module):
    """
    A residual perceptron over all joints (Martinez et al. 2017) that begins by changing nothing.

    A heatmap and a map of metres read each joint by itself. Which of two places, which side and
    which depth can be true depends on the others.

    :param joints: how many
    :param channels: of what the picture shows at a joint
    :param width: of the hidden layers
    :param side: of the crop, pixels
    :param drop: share of hidden values left out in training
    """

    def __init__(
        self, joints: int, channels: int, width: int, side: int, drop: float = 0.3
    ) -> None:
        super().__init__()
        self._side = side
        self.norm = nn.BatchNorm1d(channels)
        self.words = nn.Parameter(torch.randn(joints, channels, WORDS) / channels**0.5)
        self.first = nn.Linear(joints * (KNOWN + WORDS), width)
        self.blocks = nn.Sequential(*(_Block(width, drop) for _ in range(BLOCKS)))
        self.last = nn.Linear(width, 5 * joints)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(
        self, joints2d: Tensor, joints3d: Tensor, confidence: Tensor, around: Tensor
    ) -> tuple[Tensor, Tensor]:
        """
        Correct (N, J, 2) pixels and (N, J, 3) metres.

        :param confidence: logits, (N, J)
        :param around: what the picture shows at each joint, (N, J, C)
        """
        sure = confidence.sigmoid().unsqueeze(-1)
        known = torch.cat([joints2d / self._side - 0.5, joints3d, sure - 0.5], dim=-1)
        shown = self.norm(around.transpose(1, 2)).permute(2, 0, 1)  # (J, N, C)
        words = (shown @ self.words).transpose(0, 1)
        x = self.first(torch.cat([2 * known, words], dim=-1).flatten(1))
        shift = self.last(torch.relu(self.blocks(x))).float().unflatten(1, (-1, 5))
        return joints2d + SHARE * self._side * shift[..., :2], joints3d + shift[..., 2:]


class _Block(nn.Module):
    def __init__(self, width: int, drop: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(inplace=True),
            nn.Dropout(drop), nn.Linear(width, width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)
