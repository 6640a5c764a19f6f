"""Small parts that networks are put together from."""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPSILON = 1e-8


class ResidualMlp(nn.Module):
    """
    A plain network on vectors: one layer in, residual pairs of layers, one layer out.

    :param zero_out: start with an output of zero, for networks that correct a guess
    """

    def __init__(
        self, inputs: int, hidden: int, outputs: int, pairs: int = 1, zero_out: bool = False
    ) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, hidden)
        self.pairs = nn.ModuleList(
            nn.Sequential(
                nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden)
            )
            for _ in range(pairs)
        )
        self.last = nn.Linear(hidden, outputs)
        if zero_out:
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs)."""
        x = self.first(x)
        for pair in self.pairs:
            x = x + pair(x)
        return self.last(torch.relu(x))


def rotation_from_6d(six: Tensor) -> Tensor:
    """
    Rotation whose first two columns come closest, by Gram and Schmidt.

    :param six: first and second column one after the other, (..., 6)
    :return: (..., 3, 3)
    """
    a, b = six[..., :3], six[..., 3:]
    x = a * torch.rsqrt((a * a).sum(-1, keepdim=True) + EPSILON)
    b = b - (x * b).sum(-1, keepdim=True) * x
    y = b * torch.rsqrt((b * b).sum(-1, keepdim=True) + EPSILON)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)


def rotation_to_6d(rotation: Tensor) -> Tensor:
    """First two columns of a rotation, (..., 3, 3) to (..., 6)."""
    return torch.cat([rotation[..., 0], rotation[..., 1]], dim=-1)
