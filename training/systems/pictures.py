"""Example pictures: what a graph is tried with before anybody trusts it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

COUNT, COARSE = 3, 16
NOISE = 12.0  # grey values


def example_pictures(height: int, width: int) -> Tensor:
    """
    Pictures with structure at all scales, three different ones, (3, height, width, 3) uint8.

    Pure noise would do for a checksum, but trained networks answer it with nothing.
    """
    generator = np.random.default_rng(0)
    coarse = torch.from_numpy(generator.uniform(0, 255, (COUNT, 3, COARSE, COARSE)))
    smooth = torch.nn.functional.interpolate(
        coarse, (height, width), mode='bicubic', align_corners=False
    )
    rough = smooth + torch.from_numpy(generator.normal(0, NOISE, smooth.shape))
    return rough.clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
