"""
Boxes of pictures, resampled to one size: RoIAlign (He et al., Mask R-CNN, 2017) by matrices.

Each output cell is the mean of a grid of points that are read by linear interpolation. Rows and
columns do not mix, so all of it is one product with a matrix from the left and one from the
right. The result is that of torchvision's ``roi_align(..., sampling_ratio=-1, aligned=False)``
to rounding, with one limit: the number of points per cell and axis, which grows with the box,
stops at ``most_samples``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from training.networks.interpolation import hat_weights

MOST_SAMPLES = 8  # enough for boxes of 8 times the output's sides
SMALLEST = 1.0  # pixels; malformed boxes are as long


def roi_align(
    images: Tensor, boxes: Tensor, size: tuple[int, int], most_samples: int = MOST_SAMPLES
) -> Tensor:
    """
    Cut one box out of each picture.

    :param images: (N, C, H, W)
    :param boxes: x1, y1, x2, y2, pixels, may reach beyond the picture, (N, 4)
    :param size: height and width of what is returned
    :return: (N, C, *size), zero where there is no picture
    """
    left, top, right, bottom = boxes.unbind(-1)
    down = _weights(top, bottom, size[0], images.shape[2], most_samples)
    across = _weights(left, right, size[1], images.shape[3], most_samples)
    return down.unsqueeze(1) @ images @ across.transpose(1, 2).unsqueeze(1)


def _weights(start: Tensor, end: Tensor, cells: int, count: int, most_samples: int) -> Tensor:
    """Weights of ``count`` pixels in each of ``cells`` along one axis, (N, cells, count)."""
    extent = (end - start).clamp(min=SMALLEST)[:, None, None]
    samples = torch.ceil(extent / cells).clamp(max=most_samples)
    cell = torch.arange(cells, device=start.device).unsqueeze(1)
    sample = torch.arange(most_samples, device=start.device)
    step = extent / cells
    places = start[:, None, None] + cell * step + (sample + 0.5) * step / samples
    # one pixel beyond the middle of the first or last there is nothing
    read = (sample < samples) & (places >= -1) & (places <= count)
    weights = hat_weights(places.clamp(0, count - 1), count) * read.unsqueeze(-1)
    return weights.sum(dim=2) / samples
