"""JPEG's losses without its files: ITU-T T.81 from colour transform to quantisation and back."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
CHROMINANCE = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    *(99,) * 32,
)  # fmt: skip


def compressed(images: Tensor, quality: float) -> Tensor:
    """
    Show pictures as they come back from a JPEG file with colour at half the resolution.

    :param images: (N, 3, H, W) float, 0 to 255
    :param quality: 1 to 100, as libjpeg counts
    """
    height, width = images.shape[-2:]
    images = pad(images, (0, -width % 16, 0, -height % 16), mode='replicate')
    turn = torch.tensor(TO_YCC, device=images.device)
    split = _turned(images, turn)
    luma = _quantised(split[:, :1] - 128, _table(LUMINANCE, quality, images.device)) + 128
    small = avg_pool2d(split[:, 1:], 2)
    small = _quantised(small, _table(CHROMINANCE, quality, images.device))
    full = interpolate(small, scale_factor=2, mode='bilinear')
    back = _turned(torch.cat([luma, full], 1), torch.linalg.inv(turn))
    return back[..., :height, :width].clamp(0, 255)


def _turned(images: Tensor, turn: Tensor) -> Tensor:
    """Other colours (N, 3, H, W) by a matrix (3, 3)."""
    return (turn @ images.flatten(2)).view(images.shape)


def _quantised(planes: Tensor, table: Tensor) -> Tensor:
    """Round the cosine coefficients of 8 x 8 blocks of planes (N, C, H, W)."""
    n, c, height, width = planes.shape
    tiles = planes.view(n, c, height // 8, 8, width // 8, 8).transpose(3, 4)
    waves = _waves(planes.device)
    found = tiles.reshape(-1, 64) @ waves.T
    steps = table.flatten()
    back = ((found / steps).round_() * steps) @ waves
    return back.view(n, c, height // 8, width // 8, 8, 8).transpose(3, 4).reshape(planes.shape)


def _table(steps: tuple[int, ...], quality: float, device: torch.device) -> Tensor:
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    table = torch.tensor(steps, dtype=torch.float32, device=device).view(8, 8)
    return ((table * scale + 50) / 100).floor().clamp(1, 255)


@lru_cache(maxsize=4)
def _waves(device: torch.device) -> Tensor:
    """Orthonormal cosines over 8 x 8 pixels, (64, 64), one a row."""
    k, x = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing='ij')
    one = (torch.pi * (2 * x + 1) * k / 16).cos() / 2
    one[0] /= 2**0.5
    return torch.einsum('jy,kx->jkyx', one, one).reshape(64, 64).to(device)
