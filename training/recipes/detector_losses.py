"""
What a detector is told about its mistakes.

Every person has a hill round the middle of the box on the map of the right stride: its top must
be found, its slope is no mistake but no success either (CornerNet's focal loss, Law and Deng
2018). Cells near a top must tell the box. Where a picture says that it does not know who is
there, nothing is a mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from training.data.detection import DetectorBatch
from training.networks.detector_net import CellMap, cell_centres

# longer side of the boxes in pixels that each stride learns; both learn what lies in between
SIZES = {8: (0.0, 112.0), 16: (72.0, 1e9)}
SPREAD = 0.09  # standard deviation of a hill as a share of the box
LEAST_SPREAD = 0.4  # of a cell
NEAR = 0.5  # height of the hill from which on a cell must tell the box
TINY = 1e-6


@dataclass(frozen=True)
class DetectorWeights:
    """How much each part counts."""

    heat: float = 1.0
    overlap: float = 2.0  # generalised intersection over union
    sides: float = 1.0  # shares of the box's size


@dataclass(frozen=True, eq=False)
class Hills:
    """
    What one map should say.

    :param height: 1 at tops, (N, h, w)
    :param boxes: of the person whose hill a cell is on, (N, h, w, 4)
    :param counts: whether a cell can be wrong about there being nobody, (N, h, w)
    """

    height: Tensor
    boxes: Tensor
    counts: Tensor


def detector_losses(
    maps: Sequence[CellMap], batch: DetectorBatch, weights: DetectorWeights
) -> dict[str, Tensor]:
    """Weighted parts of the loss."""
    people = batch.valid.sum().clamp_min(1)
    heat, overlap, sides = [], [], []
    for cells in maps:
        hills = hills_of(cells, batch)
        near = hills.height * (hills.height > NEAR)
        share = near / near.sum().clamp_min(1)
        heat.append(focal_loss(cells.heat, hills) / people)
        overlap.append((share * (1 - generalised_overlap(cells.boxes, hills.boxes))).sum())
        sides.append((share * side_error(cells.boxes, hills.boxes)).sum())
    return {
        'heat': weights.heat * torch.stack(heat).sum(),
        'overlap': weights.overlap * torch.stack(overlap).sum(),
        'sides': weights.sides * torch.stack(sides).sum(),
    }


def hills_of(cells: CellMap, batch: DetectorBatch) -> Hills:
    """Say what a map should say about a batch."""
    stride = cells.stride
    low, high = batch.boxes[..., :2], batch.boxes[..., 2:]
    size, middle = (high - low).clamp_min(1), (low + high) / 2
    longer = size.amax(-1)
    least, most = SIZES[stride]
    ours = batch.valid & (longer >= least) & (longer < most)
    height, owner = (_gaussians(cells.heat, stride, middle, size) * ours[..., None, None]).max(
        dim=1
    )
    flat = owner.flatten(1).unsqueeze(-1).expand(-1, -1, 4)
    boxes = batch.boxes.gather(1, flat).unflatten(1, owner.shape[1:])
    half = stride // 2
    return Hills(height, boxes, ~batch.ignore[:, half::stride, half::stride])


def _gaussians(like: Tensor, stride: int, middle: Tensor, size: Tensor) -> Tensor:
    """A hill for every person, (N, M, h, w), its top exactly on the nearest cell."""
    u, v = cell_centres(like, stride)  # (1, w), (h, 1)
    shift, last = (stride - 1) / 2, torch.tensor([u.shape[1] - 1, v.shape[0] - 1])
    cell = ((middle - shift) / stride).round().clamp_min(0).minimum(last.to(middle))
    top = cell * stride + shift
    spread = (SPREAD * size).clamp_min(LEAST_SPREAD * stride)
    x = (u - top[..., 0, None, None]) / spread[..., 0, None, None]
    y = (v - top[..., 1, None, None]) / spread[..., 1, None, None]
    return torch.exp(-0.5 * (x.square() + y.square()))


def focal_loss(heat: Tensor, hills: Hills) -> Tensor:
    """Sum over cells; logits (N, h, w)."""
    chance = heat.sigmoid()
    top = hills.height > 1 - TINY
    found = (1 - chance).square() * logsigmoid(heat)
    nobody = (1 - hills.height).pow(4) * chance.square() * logsigmoid(-heat) * hills.counts
    return -torch.where(top, found, nobody).sum()


def generalised_overlap(found: Tensor, truth: Tensor) -> Tensor:
    """GIoU (Rezatofighi et al. 2019) of boxes x1 y1 x2 y2, (..., 4) to (...), -1 to 1."""
    low, high = torch.maximum(found, truth), torch.minimum(found, truth)
    shared = _area(torch.cat([low[..., :2], high[..., 2:]], -1))
    round_both = _area(torch.cat([high[..., :2], low[..., 2:]], -1))
    union = _area(found) + _area(truth) - shared
    overlap = shared / union.clamp_min(TINY)
    return overlap - (round_both - union) / round_both.clamp_min(TINY)


def side_error(found: Tensor, truth: Tensor) -> Tensor:
    """Mean distance of the four sides as a share of the true box's size, (..., 4) to (...)."""
    size = (truth[..., 2:] - truth[..., :2]).clamp_min(1)
    return ((found - truth).abs() / torch.cat([size, size], -1)).mean(-1)


def _area(boxes: Tensor) -> Tensor:
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp_min(0)
    return sides[..., 0] * sides[..., 1]
