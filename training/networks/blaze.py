"""
The trunk of BlazePose, so that training can start from what MediaPipe Pose has seen.

BlazePose (Bazarevsky et al. 2020) is a way down of inverted residuals (MobileNetV2), a way up
that heatmaps are read from, and a tail that sums up the person in a vector. MediaPipe's weights
(Apache-2.0) have no batch normalisation left, and neither has this. `start_from` takes them from
the file that ``mesh_pose models import mediapipe`` makes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from training.networks.trunk import Features

# (expanded channels, kernel, stride, channels) of the inverted residuals between resting places
STRIDE4 = ((64, 3, 2, 24), (144, 3, 1, 24))
STRIDE8 = ((144, 5, 2, 32), (192, 5, 1, 32))
STRIDE16 = (
    (192, 3, 2, 64), (384, 3, 1, 64), (384, 3, 1, 64),
    (384, 5, 1, 88), (528, 5, 1, 88), (528, 5, 1, 88),
)  # fmt: skip
STRIDE32 = ((528, 5, 2, 144), (864, 5, 1, 144), (864, 5, 1, 144), (864, 5, 1, 144))
STEM, FIRST, TOP, UP, TAIL = 24, 16, 864, 48, 288
TAIL_RESIDUALS = (4, 5)  # after each halving
FREEZABLE = (0, 8, 16)  # strides


@dataclass(frozen=True)
class BlazeSettings:
    """
    What of the trunk learns; its sizes are those of the weights it starts from.

    :param frozen: stride down to which the trunk stays as it is, 0 for none. A step takes half as
        long with 16 as with 8, and a quarter as long as with 0
    """

    kind: str = 'blaze'
    frozen: int = 8

    def __post_init__(self) -> None:
        if self.frozen not in FREEZABLE:
            raise ValueError(f'frozen to stride {self.frozen}, which is none of {FREEZABLE}')

    @property
    def channels(self) -> tuple[int, int, int]:
        """Of the fine, middle and coarse features."""
        return UP, STRIDE16[-1][3], TOP

    @property
    def summary(self) -> int:
        """Length of the vector that sums up the person."""
        return 4 * TAIL


class BlazeTrunk(nn.Module):
    """
    Features of a crop of 256 pixels.

    :param settings: what learns
    """

    def __init__(self, settings: BlazeSettings = BlazeSettings()) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *_convolution(3, STEM, 3, 2), *_depthwise(STEM, 3), nn.Conv2d(STEM, FIRST, 1)
        )
        self.stride4 = _residuals(FIRST, STRIDE4)
        self.stride8 = _residuals(24, STRIDE8)
        self.stride16 = _residuals(32, STRIDE16)
        self.stride32 = _residuals(88, STRIDE32)
        self.top = nn.Sequential(*_convolution(144, TOP, 1), *_depthwise(TOP, 3))
        self.tail = Tail()
        self.across8, self.across16, self.across32 = (_across(c) for c in (32, 88, TOP))
        self.frozen = settings.frozen
        for part in self.resting():
            part.requires_grad_(False)

    def way_down(self) -> tuple[nn.Module, ...]:
        """Parts up to stride 16."""
        return self.stem, self.stride4, self.stride8, self.stride16

    def resting(self) -> tuple[nn.Module, ...]:
        """Parts that do not learn."""
        return self.way_down()[: {0: 0, 8: 3, 16: 4}[self.frozen]]

    def down(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        What the parts that do not learn find, or what is found with none of them.

        :return: features at stride 8, (N, 32, 32, 32), and, if that is frozen too, at stride 16,
            (N, 88, 16, 16)
        """
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            eighth = self.stride8(self.stride4(self.stem(image / 255.0)))
            return (eighth, self.stride16(eighth)) if self.frozen == 16 else (eighth,)

    def forward(self, image: Tensor) -> Features:
        """See (N, 3, 256, 256), 0..255."""
        return self.up(*self.down(image))

    def up(self, eighth: Tensor, sixteenth: Tensor | None = None) -> Features:
        """See what `down` saw."""
        if sixteenth is None:
            sixteenth = self.stride16(eighth)
        coarse = self.top(self.stride32(sixteenth))
        up = _smoothly_doubled(self.across32(coarse)) + self.across16(sixteenth)
        fine = _smoothly_doubled(up) + self.across8(eighth)
        return Features(fine, sixteenth, coarse, self.tail(coarse))

    def start_from(self, convolutions: list[tuple[Tensor, Tensor]]) -> None:
        """
        Take over weights, see `convolutions_of`.

        :raises ValueError: they are of another network
        """
        rest, across = _told_apart(convolutions)
        for modules, found in (
            ((*self.way_down(), self.stride32, self.top, self.tail), rest),
            ((self.across8, self.across16, self.across32), across[2:]),  # none at stride 4 here
        ):
            mine = [m for part in modules for m in part.modules() if isinstance(m, nn.Conv2d)]
            if len(mine) > len(found):
                raise ValueError(f'{len(found)} convolutions, not {len(mine)}: not a BlazePose')
            for module, (weight, bias) in zip(mine, found):
                _fill(module, weight, bias)


class Tail(nn.Module):
    """From the coarse features to a vector, (N, 864, 8, 8) to (N, 1152)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(*_depthwise(TOP, 3), *_convolution(TOP, TAIL, 1))
        parts = [(Halved(), *(Kept() for _ in range(n))) for n in TAIL_RESIDUALS]
        self.parts = nn.Sequential(*(part for both in parts for part in both))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.parts(self.first(x)).flatten(1)


class Kept(nn.Module):
    """A residual pair of a depthwise and a full convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(*_depthwise(TAIL, 3), nn.Conv2d(TAIL, TAIL, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to the same."""
        return (x + self.body(x)).clamp(0, 6)


class Halved(nn.Module):
    """The same at half the resolution; padded below and to the right only, as in TensorFlow."""

    def __init__(self) -> None:
        super().__init__()
        first, active = _depthwise(TAIL, 3, stride=2, padding=0)
        self.body = nn.Sequential(first, active, nn.Conv2d(TAIL, TAIL, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to (N, C, h / 2, w / 2)."""
        below = nn.functional.pad(x, (0, 1, 0, 1))
        return (nn.functional.max_pool2d(x, 2) + self.body(below)).clamp(0, 6)


class InvertedResidual(nn.Module):
    """Widen, look around by channel, narrow (MobileNetV2, Sandler et al. 2018)."""

    def __init__(self, inputs: int, wide: int, size: int, stride: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(inputs, wide, 1),
            *_depthwise(wide, size, stride),
            nn.Conv2d(wide, outputs, 1),
        )
        self._adds = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to (N, outputs, h / stride, w / stride)."""
        return x + self.body(x) if self._adds else self.body(x)


def convolutions_of(graph: Path) -> list[tuple[Tensor, Tensor]]:
    """Weights and biases of the convolutions of an ONNX file, in its order."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(graph).graph
    arrays = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in model.initializer}
    convolutions = (node for node in model.node if node.op_type == 'Conv')
    return [(arrays[node.input[1]], arrays[node.input[2]]) for node in convolutions]


def heads_of(convolutions: list[tuple[Tensor, Tensor]]) -> tuple[tuple[Tensor, Tensor], ...]:
    """Heatmaps (39 maps of 48 features), and 39 points in metres from the tail's vector."""
    by_outputs = {len(bias): (weight, bias) for weight, bias in convolutions}
    maps, metres = by_outputs[39], by_outputs[117]
    return maps, (metres[0].flatten(1), metres[1])


def _told_apart(
    convolutions: list[tuple[Tensor, Tensor]],
) -> tuple[list[tuple[Tensor, Tensor]], list[tuple[Tensor, Tensor]]]:
    """Tell the way down and the tail from what crosses over to the way up."""
    across = [
        i for end, (_, bias) in enumerate(convolutions) if len(bias) == UP for i in (end - 1, end)
    ]
    rest = [c for i, c in enumerate(convolutions) if i not in across and len(c[1]) != 39]
    return rest, [convolutions[i] for i in across]


def _fill(module: nn.Conv2d, weight: Tensor, bias: Tensor) -> None:
    if module.weight.shape != weight.shape:
        raise ValueError(
            f'a convolution of {tuple(weight.shape)} where {tuple(module.weight.shape)} belongs: '
            'not the weights of a BlazePose (full)'
        )
    with torch.no_grad():
        module.weight.copy_(weight)
        assert module.bias is not None
        module.bias.copy_(bias)


def _convolution(
    inputs: int, outputs: int, size: int, stride: int = 1
) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, size, stride, size // 2), nn.ReLU6(inplace=True)


def _depthwise(
    width: int, size: int, stride: int = 1, padding: int | None = None
) -> tuple[nn.Module, nn.Module]:
    padding = size // 2 if padding is None else padding
    return nn.Conv2d(width, width, size, stride, padding, groups=width), nn.ReLU6(inplace=True)


def _residuals(inputs: int, rows: tuple[tuple[int, int, int, int], ...]) -> nn.Sequential:
    def made() -> Iterator[nn.Module]:
        width = inputs
        for wide, size, stride, outputs in rows:
            yield InvertedResidual(width, wide, size, stride, outputs)
            width = outputs

    return nn.Sequential(*made())


def _across(inputs: int) -> nn.Sequential:
    """From the way down to the way up."""
    return nn.Sequential(*_depthwise(inputs, 3), *_convolution(inputs, UP, 1))


def _smoothly_doubled(x: Tensor) -> Tensor:
    return nn.functional.interpolate(x, scale_factor=2.0, mode='bilinear', align_corners=False)
