"""Look at pictures through homographies, many at once, on any device."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample


def mapped(homographies: Tensor, height: int, width: int) -> Tensor:
    """
    Where each pixel of a picture is found in another.

    :param homographies: (N, 3, 3), pixels of the one to pixels of the other
    :return: (N, height, width, 2) pixels
    """
    device = homographies.device
    u = torch.arange(width, dtype=torch.float32, device=device)
    v = torch.arange(height, dtype=torch.float32, device=device)
    # a row and a column added up: faster by far than a product for every pixel
    across = homographies[:, :, :1] * u
    down = homographies[:, :, 1:2] * v + homographies[:, :, 2:]
    x, y, z = (across[:, :, None] + down[..., None]).unbind(1)
    away = z.clamp_min(1e-6)
    return torch.stack([x / away, y / away], -1)


def read_at(images: Tensor, pixels: Tensor, border: str = 'zeros') -> Tensor:
    """
    Read pictures between pixels, bilinear.

    :param images: (N, C, H, W), uint8 or float
    :param pixels: (N, h, w, 2); pixel centres are at whole numbers
    :param border: ``zeros`` or ``border`` or ``reflection``, what lies outside
    :return: (N, C, h, w) float
    """
    size = pixels.new_tensor([images.shape[-1], images.shape[-2]])
    grid = (2 * pixels + 1) / size - 1
    return grid_sample(images.float(), grid, padding_mode=border, align_corners=False)


def similarity(centre: Tensor, at: Tensor, scale: Tensor, angle: Tensor) -> Tensor:
    """
    Turn and scale about a point.

    :param centre: (N, 2) where ``at`` goes to
    :param at: (N, 2)
    :param scale: (N,) pixels of the target per pixel of the source
    :param angle: (N,) radians, clockwise as seen
    :return: (N, 3, 3)
    """
    cos, sin = scale * angle.cos(), scale * angle.sin()
    turn = torch.stack([cos, -sin, sin, cos], -1).unflatten(-1, (2, 2))
    shift = centre - (turn @ at[..., None])[..., 0]
    top = torch.cat([turn, shift[..., None]], -1)
    last = torch.tensor([0.0, 0.0, 1.0], device=top.device).expand(len(top), 1, 3)
    return torch.cat([top, last], 1)


def carried(homographies: Tensor, points: Tensor) -> Tensor:
    """Points (N, P, 2) taken along by homographies (N, 3, 3)."""
    found = points @ homographies[:, :, :2].transpose(1, 2) + homographies[:, None, :, 2]
    return found[..., :2] / found[..., 2:]
