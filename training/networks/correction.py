"""Correct joints, and sizes, by all joints together and by what the picture shows at each."""

from __future__ import annotations

import torch
from torch import Tensor, nn

KNOWN = 6  # of a joint: pixels, metres, confidence
WORDS = 16  # numbers that sum up what the picture shows at a joint
BLOCKS = 2
MOST = 0.4  # largest logarithm of a factor by which a size is corrected
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
        self.picture = _Perceptron(joints, channels, width, outputs=2 * joints)
        self.space = _Perceptron(joints, channels, width, outputs=3 * joints)

    def forward(
        self, joints2d: Tensor, joints3d: Tensor, confidence: Tensor, around: Tensor
    ) -> tuple[Tensor, Tensor]:
        """
        Correct (N, J, 2) pixels and (N, J, 3) metres.

        :param confidence: logits, (N, J)
        :param around: what the picture shows at each joint, (N, J, C)
        """
        known = _known(joints2d, joints3d, confidence, self._side)
        pixels = SHARE * self._side * self.picture(known, around)
        metres = self.space(known, around)
        return joints2d + pixels.view_as(joints2d), joints3d + metres.view_as(joints3d)


class Size(nn.Module):
    """
    How much larger somebody is than joints in metres say, as cameras tell; at first not at all.

    A crop does not show how wide its camera sees, and so not whether a limb is short or drawn so
    by perspective. Who knows that, and sees how limbs, trunk and head compare, tells sizes, and
    with them distances, a little better.

    :param joints, channels, width, side: as of `Correction`
    """

    def __init__(self, joints: int, channels: int, width: int, side: int) -> None:
        super().__init__()
        self._side = side
        self.factor = _Perceptron(joints, channels, width, outputs=1, more=1, drop=0.4)

    def forward(
        self,
        joints2d: Tensor,
        joints3d: Tensor,
        confidence: Tensor,
        around: Tensor,
        intrinsics: Tensor,
    ) -> Tensor:
        """
        Say by what to multiply metres from the root, (N, 1, 1).

        :param intrinsics: of the crops' cameras, pixels, (N, 3, 3); 0 where unknown: a factor of 1
        """
        focal = (intrinsics[:, 0, 0] + intrinsics[:, 1, 1]) / 2
        field = (self._side / focal.clamp_min(1.0)).log() + 1  # mostly within 1 of 0
        known = _known(joints2d, joints3d, confidence, self._side)
        told = self.factor(known, around, field.unsqueeze(1)) * (focal > 0).unsqueeze(1)
        return told.clamp(-MOST, MOST).exp().unsqueeze(2)


def _known(joints2d: Tensor, joints3d: Tensor, confidence: Tensor, side: int) -> Tensor:
    """What is known of joints, each about as large as 1, (N, J, KNOWN)."""
    sure = confidence.sigmoid().unsqueeze(-1)
    return 2 * torch.cat([joints2d / side - 0.5, joints3d, sure - 0.5], dim=-1)


class _Perceptron(nn.Module):
    """
    A residual perceptron over all joints (Martinez et al. 2017), which says zeros at first.

    :param outputs: how many numbers it says
    :param more: how many it is told beside what it is told of joints
    :param drop: share of hidden values left out in training
    """

    def __init__(
        self,
        joints: int,
        channels: int,
        width: int,
        outputs: int,
        more: int = 0,
        drop: float = 0.3,
    ) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)
        self.words = nn.Parameter(torch.randn(joints, channels, WORDS) / channels**0.5)
        self.first = nn.Linear(joints * (KNOWN + WORDS) + more, width)
        self.blocks = nn.Sequential(*(_Block(width, drop) for _ in range(BLOCKS)))
        self.last = nn.Linear(width, outputs)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, known: Tensor, around: Tensor, *more: Tensor) -> Tensor:
        """
        Say (N, outputs).

        :param known: of joints, (N, J, KNOWN)
        :param around: what is seen at them, (N, J, C)
        :param more: (N, ...) each
        """
        shown = self.norm(around.transpose(1, 2)).permute(2, 0, 1)  # (J, N, C)
        words = (shown @ self.words).transpose(0, 1)
        told = torch.cat([known, words], dim=-1).flatten(1)
        x = self.first(torch.cat([told, *more], dim=1))
        return self.last(torch.relu(self.blocks(x))).float()


class _Block(nn.Module):
    def __init__(self, width: int, drop: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(inplace=True),
            nn.Dropout(drop), nn.Linear(width, width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)
