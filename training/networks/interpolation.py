"""
Linear interpolation as products with matrices.

Between two cells a value is their mean, weighted by nearness. So reading a map at places is a
product with a matrix of weights, one factor per axis; every engine compiles that.
"""

from __future__ import annotations

import torch
from torch import Tensor


def hat_weights(places: Tensor, count: int) -> Tensor:
    """
    Weights of cells at places on a line.

    :param places: in cells, 0 in the middle of the first, within 0 to count - 1, (...)
    :return: (..., count); each row sums to 1
    """
    cells = torch.arange(count, device=places.device)
    return torch.relu(1 - (places.unsqueeze(-1) - cells).abs())


def sampled_at(maps: Tensor, places: Tensor) -> Tensor:
    """
    Read maps at places, as grid_sample with aligned corners would.

    :param maps: (N, C, H, W)
    :param places: x, y in cells within the map, further columns do not count, (N, J, 2 or more)
    :return: (N, J, C)
    """
    across = hat_weights(places[..., 0], maps.shape[3])
    down = hat_weights(places[..., 1], maps.shape[2])
    weights = (down.unsqueeze(3) * across.unsqueeze(2)).flatten(2)  # (N, J, H W)
    return weights @ maps.flatten(2).transpose(1, 2)
