"""
Residual networks with normalisation first (He et al., Identity Mappings, 2016).

In the form that TensorFlow-Slim gave them and pose networks of 2020 took over. The stride of a
stage is in its last block, not its first; strides below 32 are reached by dilated convolutions
in place of strided ones; the stem has neither normalisation nor rectifier. For ``centred`` see
`training.networks.efficientnet_v2`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

EARLY = 64  # channels after the stem
WIDTHS = (64, 128, 256, 512)  # of the four stages, inside a block
EXPANSION = 4
COUNTS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
STRIDES = (4, 8, 16, 32)


@dataclass(frozen=True)
class Reach:
    """
    How the 3x3 convolution of a block steps.

    :param stride: 1 or 2
    :param dilation: cells between those it reads
    :param shifted: of stride 2, looks at cells 1, 3, 5 ... instead of 0, 2, 4 ...
    """

    stride: int = 1
    dilation: int = 1
    shifted: bool = False


class Block(nn.Module):
    """A bottleneck with normalisation before each convolution, added to what came in."""

    def __init__(self, inputs: int, width: int, reach: Reach) -> None:
        super().__init__()
        outputs = width * EXPANSION
        self._reach = reach
        self.preact = nn.BatchNorm2d(inputs)
        self.shortcut = None if inputs == outputs else nn.Conv2d(inputs, outputs, 1, reach.stride)
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        padding = 0 if reach.shifted else reach.dilation
        self.conv2 = nn.Conv2d(
            width, width, 3, reach.stride, padding, dilation=reach.dilation, bias=False
        )
        self.norm2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, 4 width, H / stride, W / stride)."""
        active = torch.relu(self.preact(x))
        y = torch.relu(self.norm1(self.conv1(active)))
        if self._reach.shifted:
            y = nn.functional.pad(y, (0, 1, 0, 1))
        y = torch.relu(self.norm2(self.conv2(y)))
        return self._past(x, active) + self.conv3(y)

    def _past(self, x: Tensor, active: Tensor) -> Tensor:
        """What came in, at the places and with the channels of what goes out."""
        start = int(self._reach.shifted)
        if self.shortcut is not None:
            return self.shortcut(active[:, :, start:, start:])
        return x[:, :, start :: self._reach.stride, start :: self._reach.stride]


class ResNetV2(nn.Module):
    """
    Features of a picture before the last normalisation, which heads have for themselves.

    :param depth: how many layers, a key of `COUNTS`
    :param stride: pixels per cell, one of `STRIDES`
    :param centred: whether cells lie symmetrically in the picture
    """

    channels = WIDTHS[-1] * EXPANSION

    def __init__(self, depth: int = 50, stride: int = 32, centred: bool = False) -> None:
        super().__init__()
        if stride not in STRIDES:
            raise ValueError(f'a stride of {stride} is none of {STRIDES}')
        self.conv1 = nn.Conv2d(3, EARLY, 7, 2, 3)
        inputs = EARLY
        for stage, reaches in enumerate(_reaches(depth, stride, centred)):
            blocks = nn.Sequential()
            for number, reach in enumerate(reaches, start=1):
                blocks.add_module(f'unit_{number}', Block(inputs, WIDTHS[stage], reach))
                inputs = WIDTHS[stage] * EXPANSION
            self.add_module(f'block{stage + 1}', blocks)

    def forward(self, image: Tensor) -> Tensor:
        """See (N, 3, H, W) from -1 to 1; (N, 2048, H / stride, W / stride)."""
        # zeros around the picture take part: what comes in may be negative everywhere
        x = nn.functional.pad(self.conv1(image), (1, 1, 1, 1))
        x = nn.functional.max_pool2d(x, 3, 2)
        return self.block4(self.block3(self.block2(self.block1(x))))


def _reaches(depth: int, stride: int, centred: bool) -> list[list[Reach]]:
    """How each block of each stage steps, coming from stride 4 down to ``stride``."""
    counts, current, dilation = COUNTS[depth], 4, 1
    stages = []
    for stage, count in enumerate(counts):
        last, following = Reach(1, dilation), dilation
        if stage < 3 and current < stride:
            current *= 2
            last = Reach(2, 1, centred and current == stride and _may_shift(depth, stage))
        elif stage < 3:
            following = 2 * dilation
        stages.append([*[Reach(1, dilation)] * (count - 1), last])
        dilation = following
    return stages


def _may_shift(depth: int, stage: int) -> bool:
    """Whether the authors' code shifts a stage; of 152 layers it never shifts the first."""
    return stage > 0 or depth != 152
