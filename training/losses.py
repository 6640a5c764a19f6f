"""What training makes small: distances between predictions and truth."""

from __future__ import annotations

import torch
from torch import Tensor

TINY = 1e-12  # square metres; keeps the slope of a distance finite at zero


def mean_distance(found: Tensor, truth: Tensor) -> Tensor:
    """Mean distance of points (..., 3), metres; a scalar."""
    return ((found - truth).square().sum(-1) + TINY).sqrt().mean()


def mean_turn(found: Tensor, truth: Tensor) -> Tensor:
    """Mean Frobenius distance of rotations (..., 3, 3), about 1.4 times the angle; a scalar."""
    return ((found - truth).square().sum((-1, -2)) + TINY).sqrt().mean()


def relative_rotations(rotations: Tensor, parents: tuple[int, ...]) -> Tensor:
    """Global rotations (N, J, 3, 3) to rotations relative to the parent; the root stays."""
    above = rotations[:, [max(parent, 0) for parent in parents[1:]]]
    return torch.cat([rotations[:, :1], above.transpose(-1, -2) @ rotations[:, 1:]], dim=1)
