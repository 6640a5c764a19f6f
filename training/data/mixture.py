"""Batches of several kinds of samples in fixed shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import torch

from training.data.rows import TensorRows, joined

Batch = TypeVar('Batch', bound=TensorRows)
Made = TypeVar('Made', covariant=True)


class Source(Protocol[Made]):
    """Anything that batches are drawn from."""

    def batch(self, count: int, generator: torch.Generator) -> Made:
        """Draw ``count`` samples."""
        ...


class Mixture(Generic[Batch]):
    """
    Several kinds of samples in each batch, in fixed shares.

    :param parts: kinds and their shares, which need not sum to one
    """

    def __init__(self, parts: Sequence[tuple[Source[Batch], float]]) -> None:
        self._parts = [(source, share) for source, share in parts if share > 0]

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        """Draw ``count`` samples; kinds follow each other in the batch."""
        counts = counts_of([share for _, share in self._parts], count)
        drawn = [part.batch(n, generator) for (part, _), n in zip(self._parts, counts) if n > 0]
        return joined(drawn)


def counts_of(shares: Sequence[float], count: int) -> list[int]:
    """Split a count by shares, which need not sum to one."""
    weights = torch.tensor(shares, dtype=torch.float64)
    ends = (weights.cumsum(0) / weights.sum() * count).round().long()
    return torch.diff(ends, prepend=torch.zeros(1, dtype=torch.long)).tolist()
