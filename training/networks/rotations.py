"""
Rotations in the forms that published body networks use, differentiable and exportable.

A matrix turns column vectors. An axis-angle is a vector along the axis whose length is the
angle in radians. `mesh_pose_ros.geometry.rotations` has the same in numpy.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

# radians that are lost beside the angle; a floor, as exporters drop what is added and so small
NEGLIGIBLE = 1e-8
UPSIDE_DOWN = 1e-6  # threshold of the authors' library, torchgeometry 0.1.2


def rotation_from_pairs(six: Tensor) -> Tensor:
    """
    Rotation whose first two columns come closest, by Gram and Schmidt.

    :param six: the rows of a 3x2 matrix, i.e. x of both columns, then y, then z, (..., 6)
    :return: (..., 3, 3)
    """
    columns = six.unflatten(-1, (3, 2))
    a, b = columns[..., 0], columns[..., 1]
    x = normalize(a, dim=-1)
    y = normalize(b - (x * b).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)


def axis_angle_from_rotation(rotation: Tensor) -> Tensor:
    """Axis-angles (..., 3) of at most pi from rotations (..., 3, 3)."""
    return axis_angle_from_quaternion(quaternion_wxyz_from_rotation(rotation))


def quaternion_wxyz_from_rotation(rotation: Tensor) -> Tensor:
    """
    Unit quaternions (..., 4) with either sign from rotations (..., 3, 3).

    Of the four rows of 4 q q^T one far from zero is taken, in the order of the authors' library,
    so that rounding is theirs too.
    """
    r = rotation
    x, y, z = r[..., 0, 0], r[..., 1, 1], r[..., 2, 2]
    yz, zx, xy = (r[..., i, j] + r[..., j, i] for i, j in ((1, 2), (2, 0), (0, 1)))
    wx, wy, wz = (r[..., i, j] - r[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0)))
    by_x = torch.stack([wx, 1 + x - y - z, xy, zx], dim=-1)
    by_y = torch.stack([wy, xy, 1 - x + y - z, yz], dim=-1)
    by_z = torch.stack([wz, zx, yz, 1 - x - y + z], dim=-1)
    by_w = torch.stack([1 + x + y + z, wx, wy, wz], dim=-1)
    down, first, against = (test.unsqueeze(-1) for test in (z < UPSIDE_DOWN, x > y, x < -y))
    row = torch.where(down, torch.where(first, by_x, by_y), torch.where(against, by_z, by_w))
    return normalize(row, dim=-1)


def axis_angle_from_quaternion(quaternion: Tensor) -> Tensor:
    """Axis-angles (..., 3) of at most pi from unit quaternions w x y z (..., 4)."""
    w, axis = quaternion[..., :1], quaternion[..., 1:]
    axis = torch.where(w < 0, -axis, axis)
    sine = torch.sqrt((axis * axis).sum(-1, keepdim=True).clamp_min(NEGLIGIBLE**2))
    # tan(angle / 4) = sin(angle / 2) / (1 + cos(angle / 2)), nowhere zero by zero
    return axis * (4 * torch.atan(sine / (1 + w.abs())) / sine)


def rotation_from_axis_angle(vectors: Tensor) -> Tensor:
    """Rotations (..., 3, 3) from axis-angles (..., 3), Rodrigues' formula by quaternions."""
    angle = torch.sqrt((vectors * vectors).sum(-1, keepdim=True).clamp_min(NEGLIGIBLE**2))
    x, y, z = ((angle / 2).sin() / angle * vectors).unbind(-1)
    w = (angle / 2).cos().squeeze(-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def global_from_relative(relative: Tensor, parents: Sequence[int]) -> Tensor:
    """
    Rotations relative to the root's surroundings from ones relative to each joint's parent.

    :param relative: (N, J, 3, 3)
    :param parents: index of each joint's parent, which comes before it; negative for the root
    """
    turned = list(relative.unbind(1))
    for joint, parent in enumerate(parents):
        if parent >= 0:
            turned[joint] = turned[parent] @ turned[joint]
    return torch.stack(turned, dim=1)
