"""What training makes small: distances between predictions and truth."""

from __future__ import annotations

import torch
from torch import Tensor

TINY = 1e-12  # square metres; keeps the slope of a distance finite at zero


def mean_distance(found: Tensor, truth: Tensor) -> Tensor:
    """Mean distance of points (..., 3), metres; a scalar."""
    return distances(found, truth).mean()


def mean_turn(found: Tensor, truth: Tensor) -> Tensor:
    """Mean Frobenius distance of rotations (..., 3, 3), about 1.4 times the angle; a scalar."""
    return ((found - truth).square().sum((-1, -2)) + TINY).sqrt().mean()


def relative_rotations(rotations: Tensor, parents: tuple[int, ...]) -> Tensor:
    """Global rotations (N, J, 3, 3) to rotations relative to the parent; the root stays."""
    above = rotations[:, [max(parent, 0) for parent in parents[1:]]]
    return torch.cat([rotations[:, :1], above.transpose(-1, -2) @ rotations[:, 1:]], dim=1)


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Mean of values that count as much as weights of the same shape say; 0 if none does."""
    return (values * weights).sum() / weights.sum().clamp_min(1e-6)


def distances(found: Tensor, truth: Tensor) -> Tensor:
    """Distances of points (..., D), in their unit, (...)."""
    return ((found - truth).square().sum(-1) + TINY).sqrt()


def root_depth(rays: Tensor, joints: Tensor, weights: Tensor) -> Tensor:
    """
    Depth at which joints fit their rays best, by least squares as the runtime places people.

    :param rays: on the plane z = 1, (N, J, 2)
    :param joints: relative to the root, axes of the camera, (N, J, 3), metres
    :param weights: (N, J)
    :return: depth of the root, (N,), metres; see `mesh_pose_ros.geometry.absolute`
    """
    share = (weights / weights.sum(dim=1, keepdim=True).clamp_min(1e-6)).unsqueeze(-1)
    offset = rays * joints[..., 2:] - joints[..., :2]
    rays = rays - (share * rays).sum(dim=1, keepdim=True)
    offset = offset - (share * offset).sum(dim=1, keepdim=True)
    spread = (share * rays * rays).sum(dim=(1, 2))
    return -(share * rays * offset).sum(dim=(1, 2)) / spread.clamp_min(1e-7)
