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
    What corrects places in the picture, and what corrects metres; both begin by changing nothing.

    A heatmap and a map of metres read each joint by itself. Which of two places, which side and
    which depth can be true depends on the others. The two share nothing: photographs teach the
    one, bodies in space the other, and a perceptron for both lost in photographs what it won in
    space.

    :param joints: how many
    :param channels: of what the picture shows at a joint
    :param width: of the hidden layers
    :param side: of the crop, pixels
    """

    def __init__(self, joints: int, channels: int, width: int, side: int) -> None:
        super().__init__()
        self._side = side
        self.picture = _Shift(joints, channels, width, axes=2)
        self.space = _Shift(joints, channels, width, axes=3)

    def forward(
        self, joints2d: Tensor, joints3d: Tensor, confidence: Tensor, around: Tensor
    ) -> tuple[Tensor, Tensor]:
        """
        Correct (N, J, 2) pixels and (N, J, 3) metres.

        :param confidence: logits, (N, J)
        :param around: what the picture shows at each joint, (N, J, C)
        """
        sure = confidence.sigmoid().unsqueeze(-1)
        known = 2 * torch.cat([joints2d / self._side - 0.5, joints3d, sure - 0.5], dim=-1)
        shifted = SHARE * self._side * self.picture(known, around)
        return joints2d + shifted, joints3d + self.space(known, around)


class _Shift(nn.Module):
    """
    A residual perceptron over all joints (Martinez et al. 2017).

    :param drop: share of hidden values left out in training
    """

    def __init__(
        self, joints: int, channels: int, width: int, axes: int, drop: float = 0.3
    ) -> None:
        super().__init__()
        self._axes = axes
        self.norm = nn.BatchNorm1d(channels)
        self.words = nn.Parameter(torch.randn(joints, channels, WORDS) / channels**0.5)
        self.first = nn.Linear(joints * (KNOWN + WORDS), width)
        self.blocks = nn.Sequential(*(_Block(width, drop) for _ in range(BLOCKS)))
        self.last = nn.Linear(width, axes * joints)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, known: Tensor, around: Tensor) -> Tensor:
        """What is known of joints (N, J, 6) and seen at them (N, J, C) to shifts (N, J, axes)."""
        shown = self.norm(around.transpose(1, 2)).permute(2, 0, 1)  # (J, N, C)
        words = (shown @ self.words).transpose(0, 1)
        x = self.first(torch.cat([known, words], dim=-1).flatten(1))
        return self.last(torch.relu(self.blocks(x))).float().unflatten(1, (-1, self._axes))


class _Block(nn.Module):
    def __init__(self, width: int, drop: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(inplace=True),
            nn.Dropout(drop), nn.Linear(width, width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)
