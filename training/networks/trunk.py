"""
From pixels to features: plain 3x3 convolutions at falling resolution, then back up again.

Dense 3x3 convolutions run faster on one CPU core, and in TensorRT, than the separable ones of
mobile networks of equal accuracy. A way down to stride 32 sees the whole person, which left and
right need; the way up brings what was seen there to the places of stride 8.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

STRIDE = 8  # pixels per cell of the finest features
COARSEST = 32


@dataclass(frozen=True)
class TrunkSettings:
    """
    Sizes of the trunk.

    :param stem: channels at stride 2
    :param widths: channels at strides 4, 8, 16, 32
    :param blocks: residual pairs of convolutions there
    :param fused: channels of the finest features after the way up
    """

    stem: int = 32
    widths: tuple[int, int, int, int] = (64, 96, 144, 192)
    blocks: tuple[int, int, int, int] = (0, 2, 3, 2)
    fused: int = 96
    kind: str = 'dense'

    @property
    def channels(self) -> tuple[int, int, int]:
        """Of the fine, middle and coarse features."""
        return self.fused, self.widths[2], self.widths[3]

    @property
    def summary(self) -> int:
        """Length of the vector that sums up the picture: there is none."""
        return 0


@dataclass(frozen=True, eq=False)
class Features:
    """
    What the trunk saw.

    :param fine: stride 8, (N, C, S / 8, S / 8)
    :param middle: stride 16
    :param coarse: stride 32
    :param summary: a vector for the whole, (N, C), of trunks that have one
    """

    fine: Tensor
    middle: Tensor
    coarse: Tensor
    summary: Tensor | None = None


class ConvNorm(nn.Sequential):
    """A convolution, batch normalisation and, if ``active``, a rectifier."""

    def __init__(
        self, inputs: int, outputs: int, size: int = 3, stride: int = 1, active: bool = True
    ) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True) if active else nn.Identity(),
        )


class Residual(nn.Module):
    """Two convolutions whose result is added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvNorm(width, width), ConvNorm(width, width, active=False))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        return torch.relu(x + self.body(x))


class Trunk(nn.Module):
    """
    Features of a picture.

    :param settings: sizes
    """

    def __init__(self, settings: TrunkSettings) -> None:
        super().__init__()
        widths = settings.widths
        self.stem = ConvNorm(3, settings.stem, stride=2)
        self.stages = nn.ModuleList(
            nn.Sequential(ConvNorm(before, width, stride=2), *(Residual(width) for _ in range(n)))
            for before, width, n in zip((settings.stem, *widths), widths, settings.blocks)
        )
        self.from_coarse = ConvNorm(widths[3], widths[2], size=1, active=False)
        self.middle = ConvNorm(widths[2], settings.fused, size=1, active=False)
        self.fine = ConvNorm(widths[1], settings.fused, size=1, active=False)
        self.join = ConvNorm(settings.fused, settings.fused)

    def forward(self, image: Tensor) -> Features:
        """
        Look.

        :param image: (N, 3, S, S) 0..255, S a multiple of 32
        """
        x = self.stem((image - 118.0) / 60.0)
        steps = []
        for stage in self.stages:
            x = stage(x)
            steps.append(x)
        _, fine, middle, coarse = steps
        middle = torch.relu(middle + doubled(self.from_coarse(coarse)))
        fine = torch.relu(self.fine(fine) + doubled(self.middle(middle)))
        return Features(self.join(fine), middle, coarse)


def doubled(x: Tensor) -> Tensor:
    """Twice the resolution by repetition, (N, C, H, W) to (N, C, 2 H, 2 W)."""
    return nn.functional.interpolate(x, scale_factor=2.0, mode='nearest')


def folded(network: nn.Module) -> nn.Module:
    """Copy a network for use, batch normalisation folded into the convolutions before."""
    network = copy.deepcopy(network).eval()
    for layer in network.modules():
        if isinstance(layer, ConvNorm):
            conv, norm = layer[0], layer[1]
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            layer[0] = nn.utils.fusion.fuse_conv_bn_eval(conv, norm)
            layer[1] = nn.Identity()
    return network
