"""
Heatmaps and what is read from them; all in operations that every exporter knows.

A heatmap is a square of logits, one map per joint. Its cells are ``stride`` pixels wide; the
first one begins at the picture's border, so its centre is at pixel ``(stride - 1) / 2``.
"""

from __future__ import annotations

import torch
from torch import Tensor

WINDOW = 2  # cells to each side of the peak that take part in reading it
BLUR = 0.75  # cells; standard deviation of the target


def cell_centres(count: int, stride: float, like: Tensor) -> Tensor:
    """Pixels (x, y) of the centres of ``count`` x ``count`` cells, row by row, (H * W, 2)."""
    axis = _axis(count, stride, like)
    y, x = torch.meshgrid(axis, axis, indexing='ij')
    return torch.stack([x, y], dim=-1).flatten(0, 1)


def chances(logits: Tensor) -> Tensor:
    """Probability of each cell, (N, J, H, W) to (N, J, H * W), float32."""
    return logits.flatten(2).float().softmax(dim=-1)


def read_peaks(chance: Tensor, stride: float) -> tuple[Tensor, Tensor]:
    """
    Mean place near the highest cell.

    A mean over the whole map lies between two people or two legs; a peak does not.

    :param chance: (N, J, H * W), H = W
    :return: pixels (N, J, 2), and how much of the probability is there, (N, J)
    """
    count = int(chance.shape[-1] ** 0.5)
    axis = torch.arange(count, device=chance.device, dtype=torch.float32)
    index = chance.argmax(dim=-1, keepdim=True).float()
    row = torch.floor((index + 0.5) / count)
    across, down = (
        ((axis - cell).abs() < WINDOW + 0.5).to(chance.dtype)  # (N, J, count)
        for cell in (index - row * count, row)
    )
    kept = chance.unflatten(2, (count, count)) * down.unsqueeze(3) * across.unsqueeze(2)
    mass = kept.sum(dim=(2, 3))
    return mean_place(kept.flatten(2), stride) / mass.unsqueeze(-1), mass


def mean_place(weight: Tensor, stride: float) -> Tensor:
    """Weighted sum of the cells' centres, (N, J, H * W) with H = W to (N, J, 2)."""
    count = int(weight.shape[-1] ** 0.5)
    square, axis = weight.unflatten(2, (count, count)), _axis(count, stride, weight)
    x, y = ((square.sum(dim=other) * axis).sum(dim=-1) for other in (2, 3))
    return torch.stack([x, y], dim=-1)


def targets(joints: Tensor, centres: Tensor, stride: float) -> Tensor:
    """
    Probabilities that a map should show for joints (N, J, 2) in pixels, (N, J, H * W).

    Zero for a joint so far outside that no cell is near it.
    """
    away = (joints.unsqueeze(2) - centres).square().sum(-1) / stride**2
    weight = torch.exp(-0.5 * away / BLUR**2)
    return weight / weight.sum(dim=-1, keepdim=True).clamp_min(1e-6)


def divergence(logits: Tensor, target: Tensor) -> Tensor:
    """
    Kullback-Leibler divergence of maps (N, J, H, W) from targets (N, J, H * W); (N, J).

    Cross-entropy less what no network can get rid of, so that zero is perfect.
    """
    log_chance = logits.flatten(2).float().log_softmax(dim=-1)
    return (torch.xlogy(target, target) - target * log_chance).sum(dim=-1)


def inside(joints: Tensor, side: int) -> Tensor:
    """Which joints (..., 2) a picture of ``side`` pixels shows, (...) float."""
    return ((joints > -0.5) & (joints < side - 0.5)).all(dim=-1).float()


def similar(flat: Tensor, pixels: Tensor, weight: Tensor, prior: float) -> Tensor:
    """
    Draw joints where a scaling and a shift of their x and y in metres put them.

    Least squares of each person; where nearly nothing is known the scale stays at ``prior``.

    :param flat: (N, J, 2) metres
    :param pixels: where the joints are known to be, (N, J, 2)
    :param weight: trust in that, (N, J)
    :param prior: pixels per metre
    :return: (N, J, 2) pixels
    """
    weight = (weight + 1e-6).unsqueeze(-1)
    weight = weight / weight.sum(dim=1, keepdim=True)
    mean_flat = (weight * flat).sum(dim=1, keepdim=True)
    mean_pixels = (weight * pixels).sum(dim=1, keepdim=True)
    x, p = flat - mean_flat, pixels - mean_pixels
    spread = (weight * x * x).sum(dim=(1, 2), keepdim=True)
    common = (weight * x * p).sum(dim=(1, 2), keepdim=True)
    ridge = 1e-3  # square metres
    return (common + ridge * prior) / (spread + ridge) * x + mean_pixels


def _axis(count: int, stride: float, like: Tensor) -> Tensor:
    cells = torch.arange(count, device=like.device, dtype=torch.float32)
    return (cells + 0.5) * stride - 0.5
