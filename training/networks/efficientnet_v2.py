"""
EfficientNetV2 (Tan and Le, 2021), as pose networks take it: features only, no classifier.

Modules are numbered as in torchvision, so its ImageNet weights fit as they are. What is our own
is where the last stride reads. Convolutions of stride 2 look at cells 0, 2, 4 ...; the cells of
the end then lie towards the picture's top left corner. With ``centred`` the last of them looks
at 1, 3, 5 ... instead, and the middle of all cells is that of the picture (MeTRAbs, Sárándi et
al., 2020, section 3.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

CHANNELS = 1280  # of the features
EPSILON = 1e-3  # of batch normalisation, as in the published weights
SQUEEZE = 4  # channels of a block per channel that gates are made of


@dataclass(frozen=True)
class Stage:
    """
    Blocks of one resolution.

    :param fused: one full convolution instead of a 1x1 and a depthwise one with gates
    :param expand: how many times wider a block is inside
    :param stride: of the first block
    :param inputs, outputs: channels
    :param count: how many blocks
    """

    fused: bool
    expand: int
    stride: int
    inputs: int
    outputs: int
    count: int


LAYOUTS = {
    's': (
        Stage(True, 1, 1, 24, 24, 2),
        Stage(True, 4, 2, 24, 48, 4),
        Stage(True, 4, 2, 48, 64, 4),
        Stage(False, 4, 2, 64, 128, 6),
        Stage(False, 6, 1, 128, 160, 9),
        Stage(False, 6, 2, 160, 256, 15),
    ),
    'm': (
        Stage(True, 1, 1, 24, 24, 3),
        Stage(True, 4, 2, 24, 48, 5),
        Stage(True, 4, 2, 48, 80, 5),
        Stage(False, 4, 2, 80, 160, 7),
        Stage(False, 6, 1, 160, 176, 14),
        Stage(False, 6, 2, 176, 304, 18),
        Stage(False, 6, 1, 304, 512, 5),
    ),
    'l': (
        Stage(True, 1, 1, 32, 32, 4),
        Stage(True, 4, 2, 32, 64, 7),
        Stage(True, 4, 2, 64, 96, 7),
        Stage(False, 4, 2, 96, 192, 10),
        Stage(False, 6, 1, 192, 224, 19),
        Stage(False, 6, 2, 224, 384, 25),
        Stage(False, 6, 1, 384, 640, 7),
    ),
}


class ConvNorm(nn.Sequential):
    """A convolution, batch normalisation and, if ``active``, the swish x * sigmoid(x)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int = 1,
        stride: int = 1,
        groups: int = 1,
        active: bool = True,
        shifted: bool = False,
    ) -> None:
        padding = 0 if shifted else size // 2
        super().__init__(
            nn.Conv2d(inputs, outputs, size, stride, padding, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, eps=EPSILON),
            nn.SiLU() if active else nn.Identity(),
        )
        self._shifted = shifted

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        if self._shifted:  # padding on the right and at the bottom only
            x = nn.functional.pad(x, (0, 2, 0, 2))
        return super().forward(x)


class Gates(nn.Module):
    """Weigh channels by what the whole picture shows (squeeze and excitation)."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        known = nn.functional.silu(self.fc1(x.mean(dim=(2, 3), keepdim=True)))
        return x * torch.sigmoid(self.fc2(known))


class Block(nn.Module):
    """
    Widen, look around, narrow again; added to what came in where shapes agree.

    :param layers: to be applied one after the other
    """

    def __init__(self, layers: list[nn.Module], residual: bool) -> None:
        super().__init__()
        self.block = nn.Sequential(*layers)
        self._residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        return x + self.block(x) if self._residual else self.block(x)


class EfficientNetV2(nn.Sequential):
    """
    Features of a picture at stride 32.

    :param size: a key of `LAYOUTS`
    :param centred: whether cells lie symmetrically in the picture
    """

    channels = CHANNELS

    def __init__(self, size: str = 's', centred: bool = False) -> None:
        layout = LAYOUTS[size]
        last = max(i for i, stage in enumerate(layout) if stage.stride == 2)
        super().__init__(
            ConvNorm(3, layout[0].inputs, 3, stride=2),
            *(_blocks(stage, centred and i == last) for i, stage in enumerate(layout)),
            ConvNorm(layout[-1].outputs, CHANNELS),
        )

    def forward(self, image: Tensor) -> Tensor:
        """See (N, 3, H, W) from -1 to 1, sides multiples of 32; (N, 1280, H / 32, W / 32)."""
        return super().forward(image)


def _blocks(stage: Stage, shifted: bool) -> nn.Sequential:
    layers = _fused_layers if stage.fused else _separable_layers
    first = Block(
        layers(stage, stage.inputs, stage.stride, shifted),
        residual=stage.stride == 1 and stage.inputs == stage.outputs,
    )
    others = (Block(layers(stage, stage.outputs, 1, False), True) for _ in range(stage.count - 1))
    return nn.Sequential(first, *others)


def _fused_layers(stage: Stage, inputs: int, stride: int, shifted: bool) -> list[nn.Module]:
    if stage.expand == 1:
        return [ConvNorm(inputs, stage.outputs, 3, stride, shifted=shifted)]
    wide = inputs * stage.expand
    return [
        ConvNorm(inputs, wide, 3, stride, shifted=shifted),
        ConvNorm(wide, stage.outputs, active=False),
    ]


def _separable_layers(stage: Stage, inputs: int, stride: int, shifted: bool) -> list[nn.Module]:
    wide = inputs * stage.expand
    return [
        ConvNorm(inputs, wide),
        ConvNorm(wide, wide, 3, stride, groups=wide, shifted=shifted),
        Gates(wide, inputs // SQUEEZE),
        ConvNorm(wide, stage.outputs, active=False),
    ]
