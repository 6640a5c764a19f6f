"""
Finds people: centres and boxes at two strides, no anchors.

The fine map (stride 8) is for small people, the coarse one (stride 16) for large ones; sizes in
between are learned by both. Each cell says how sure it is that a person's middle is there, and
how far the sides of the box are (compare CenterNet, Zhou et al. 2019, and FCOS, Tian et al.
2019). What repeats a stronger neighbour is silenced in the graph (`DetectorGraph`), so that what
is left for the runtime is to merge a few boxes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from training.networks.trunk import ConvNorm, Trunk, TrunkSettings

STRIDES = (8, 16)
RARE = -4.0  # logit of a network that has seen nothing: few cells are the middle of anybody
FARTHEST = 4.0  # log of strides from a cell to a side of its box; 16 * e^4 is 873 pixels


@dataclass(frozen=True)
class DetectorSettings:
    """
    Sizes of the network.

    :param head: channels of each stride's own convolution
    """

    size: tuple[int, int] = (320, 256)
    trunk: TrunkSettings = field(
        default_factory=lambda: TrunkSettings(
            stem=16, widths=(32, 48, 96, 160), blocks=(0, 1, 2, 2), fused=48
        )
    )
    head: int = 64


@dataclass(frozen=True, eq=False)
class CellMap:
    """
    What the cells of one stride say; pixel centres are at whole numbers.

    :param heat: logit of a person's middle, (N, h, w)
    :param boxes: x1 y1 x2 y2 in input pixels, (N, h, w, 4)
    """

    stride: int
    heat: Tensor
    boxes: Tensor


class Head(nn.Module):
    """From features of one stride to its map."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self._stride = stride
        self.features = ConvNorm(inputs, width)
        self.last = nn.Conv2d(width, 5, 1)
        nn.init.normal_(self.last.weight, std=0.01)
        self.last.bias = nn.Parameter(torch.tensor([RARE, *4 * [0.5]]))

    def forward(self, x: Tensor) -> CellMap:
        """(N, C, h, w) to the map."""
        heat, *reach = self.last(self.features(x)).float().unbind(1)
        left, up, right, down = (self._stride * r.clamp(-FARTHEST, FARTHEST).exp() for r in reach)
        u, v = cell_centres(heat, self._stride)
        boxes = torch.stack([u - left, v - up, u + right, v + down], dim=-1)
        return CellMap(self._stride, heat, boxes)


class DetectorNet(nn.Module):
    """
    People in a picture.

    :param settings: sizes
    """

    def __init__(self, settings: DetectorSettings = DetectorSettings()) -> None:
        super().__init__()
        self.trunk = Trunk(settings.trunk)
        channels = (settings.trunk.fused, settings.trunk.widths[2])
        heads = [Head(c, settings.head, stride) for c, stride in zip(channels, STRIDES)]
        self.heads = nn.ModuleList(heads)

    def forward(self, image: Tensor) -> list[CellMap]:
        """
        Look.

        :param image: (N, 3, H, W) 0..255, sides multiples of 32
        :return: a map for each of `STRIDES`
        """
        features = self.trunk(image)
        seen = (features.fine, features.middle)
        return [head(part) for head, part in zip(self.heads, seen)]


class DetectorGraph(nn.Module):
    """
    The detector with the outputs that the runtime knows.

    :param prior: scores are multiplied by (height of the box / ``tall``) to this power, at most
        1: what is small is more often a mistake
    """

    outputs = ('boxes', 'scores')

    def __init__(self, network: nn.Module, prior: float, tall: float) -> None:
        super().__init__()
        self.network = network
        self._prior, self._tall = prior, tall

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, 3) uint8 to boxes (N, A, 4) in input pixels and scores (N, A)."""
        maps = self.network(image.float().permute(0, 3, 1, 2))
        boxes = torch.cat([m.boxes.flatten(1, 2) for m in maps], dim=1)
        scores = torch.cat([peaks(m.heat).flatten(1) for m in maps], dim=1)
        height = (boxes[..., 3] - boxes[..., 1]) / self._tall
        return boxes, scores * height.clamp(1e-3, 1.0) ** self._prior


def peaks(heat: Tensor) -> Tensor:
    """Probability where no neighbour's is larger, else zero; logits (N, h, w) to the same."""
    around = nn.functional.max_pool2d(heat.unsqueeze(1), 3, stride=1, padding=1).squeeze(1)
    return heat.sigmoid() * (heat >= around).to(heat.dtype)


def cell_centres(like: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Input pixels u (1, w) and v (h, 1) of the middles of cells (N, h, w)."""
    down, across = like.shape[1:]
    u = torch.arange(across, device=like.device, dtype=torch.float32)
    v = torch.arange(down, device=like.device, dtype=torch.float32)
    shift = (stride - 1) / 2
    return (u * stride + shift).unsqueeze(0), (v * stride + shift).unsqueeze(1)
