"""
Places read from logits on a grid of one, two or three axes, as the mean of their softmax.

Grids are stored depth, height, width, slowest first; places are x, y, z. Both count in cells:
the middle of the first cell is at 0, that of the last at the number of cells less one. Sun et
al., Integral Human Pose Regression, 2018.
"""

from __future__ import annotations

import torch
from torch import Tensor


def soft_argmax(logits: Tensor) -> Tensor:
    """Mean place of each map, (N, J, W), (N, J, H, W) or (N, J, D, H, W) to (N, J, 1 to 3)."""
    return mean_place(chances_of(logits))


def chances_of(logits: Tensor) -> Tensor:
    """Softmax over all cells of each map of (N, J, ...), in the same shape."""
    return logits.flatten(2).softmax(dim=2).unflatten(2, logits.shape[2:])


def mean_place(chance: Tensor) -> Tensor:
    """
    Mean of the cells' places, weighted.

    :param chance: (N, J, ...), one to three axes after the second
    :return: x, y, z as far as there are axes, (N, J, 1 to 3), cells
    """
    axes = range(2, chance.dim())
    places = [_mean_along(chance, axis) for axis in reversed(axes)]
    return torch.stack(places, dim=-1)


def _mean_along(chance: Tensor, axis: int) -> Tensor:
    others = [other for other in range(2, chance.dim()) if other != axis]
    marginal = chance.sum(dim=others) if others else chance
    cells = torch.arange(marginal.shape[-1], device=chance.device, dtype=chance.dtype)
    return (marginal * cells).sum(dim=-1)
