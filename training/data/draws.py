"""Random numbers for batches: drawn on the CPU from one generator, whatever device they go to."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Draws:
    """
    Draws for a batch; the same generator state gives the same batch on any device.

    :param count: how many samples there are
    """

    count: int
    generator: torch.Generator
    device: torch.device | str = 'cpu'

    def uniform(self, low: float = 0.0, high: float = 1.0, *shape: int) -> Tensor:
        """(count, *shape) between ``low`` and ``high``."""
        drawn = torch.rand(self.count, *shape, generator=self.generator)
        return (low + (high - low) * drawn).to(self.device)

    def normal(self, mean: float, deviation: float, *shape: int) -> Tensor:
        """(count, *shape)."""
        drawn = torch.randn(self.count, *shape, generator=self.generator)
        return (mean + deviation * drawn).to(self.device)

    def chance(self, share: float, *shape: int) -> Tensor:
        """(count, *shape) bool, true in ``share`` of the cases."""
        return (torch.rand(self.count, *shape, generator=self.generator) < share).to(self.device)

    def rows(self, length: int) -> Tensor:
        """(count,) indices below ``length``; always on the CPU, where most data lies."""
        return torch.randint(length, (self.count,), generator=self.generator)

    def number(self, low: float, high: float) -> float:
        """One number for all."""
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def noise(self, *shape: int) -> Tensor:
        """Normal noise (count, *shape), drawn on the device itself."""
        seed = int(torch.randint(2**62, (), generator=self.generator))
        own = torch.Generator(self.device).manual_seed(seed)
        return torch.randn(self.count, *shape, generator=own, device=self.device)
