"""
Residual networks (He et al. 2016) in the form most checkpoints have.

The stride of a bottleneck is on its 3x3 convolution (torchvision's "v1.5"). Modules carry
torchvision's names, so ImageNet weights and the published pose networks fit as they are. The
classifier at the end is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

EARLY = 64  # channels after the stem
WIDTHS = (64, 128, 256, 512)  # of the four stages, strides 4, 8, 16, 32


class BasicBlock(nn.Module):
    """Two 3x3 convolutions whose result is added to what came in."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = shortcut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, width, H / stride, W / stride)."""
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class Bottleneck(nn.Module):
    """A 3x3 convolution between two 1x1 ones that make it narrow, added to what came in."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        wide = width * self.expansion
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, wide, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wide)
        self.downsample = shortcut(inputs, wide, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, 4 width, H / stride, W / stride)."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        return torch.relu(self.bn3(self.conv3(y)) + self.downsample(x))


@dataclass(frozen=True)
class Layout:
    """A published size: the kind of block, and how many of them each stage has."""

    block: type[BasicBlock] | type[Bottleneck]
    counts: tuple[int, int, int, int]


LAYOUTS = {
    18: Layout(BasicBlock, (2, 2, 2, 2)),
    34: Layout(BasicBlock, (3, 4, 6, 3)),
    50: Layout(Bottleneck, (3, 4, 6, 3)),
    101: Layout(Bottleneck, (3, 4, 23, 3)),
    152: Layout(Bottleneck, (3, 8, 36, 3)),
}


class ResNet(nn.Module):
    """
    Features of a picture at stride 32.

    :param depth: how many layers, a key of `LAYOUTS`
    :param stem: without it, the network takes features at stride 4 instead of a picture
    """

    def __init__(self, depth: int = 50, stem: bool = True) -> None:
        super().__init__()
        layout = LAYOUTS[depth]
        widths = [width * layout.block.expansion for width in WIDTHS]
        self.channels = widths[-1]
        if stem:
            self.conv1 = nn.Conv2d(3, EARLY, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(EARLY)
        self.layer1 = stage(layout, 0, EARLY, stride=1)
        self.layer2 = stage(layout, 1, widths[0], stride=2)
        self.layer3 = stage(layout, 2, widths[1], stride=2)
        self.layer4 = stage(layout, 3, widths[2], stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """See a picture (N, 3, H, W), sides multiples of 32; (N, channels, H / 32, W / 32)."""
        return self.late(self.early(x))

    def early(self, image: Tensor) -> Tensor:
        """Features at stride 4 before any block, (N, 64, H / 4, W / 4)."""
        x = torch.relu(self.bn1(self.conv1(image)))
        return nn.functional.max_pool2d(x, 3, 2, 1)

    def late(self, early: Tensor) -> Tensor:
        """From features at stride 4 to those at stride 32."""
        return self.layer4(self.layer3(self.layer2(self.layer1(early))))


def stage(layout: Layout, index: int, inputs: int, stride: int) -> nn.Sequential:
    """Blocks of one resolution; the first one comes down to it."""
    block, width = layout.block, WIDTHS[index]
    outputs = width * block.expansion
    blocks = [block(inputs, width, stride)]
    blocks += [block(outputs, width, 1) for _ in range(layout.counts[index] - 1)]
    return nn.Sequential(*blocks)


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """What came in, brought to the shape of what goes out."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
    )
