"""Tensors that belong together row by row: what all batches have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TypeVar

import torch
from torch import Tensor

Rows = TypeVar('Rows', bound='TensorRows')


class TensorRows:
    """Base of frozen dataclasses whose fields are tensors with a row for each sample."""

    def __len__(self) -> int:
        return len(getattr(self, names_of(self)[0]))

    def __getitem__(self: Rows, rows: Tensor | slice) -> Rows:
        """Some of the samples."""
        return self.each(lambda part: part[rows])

    def to(self: Rows, device: torch.device | str) -> Rows:
        """The same on another device."""
        return self.each(lambda part: part.to(device, non_blocking=True))

    def each(self: Rows, change: Callable[[Tensor], Tensor]) -> Rows:
        """Change every tensor in the same way."""
        return type(self)(**{name: change(getattr(self, name)) for name in names_of(self)})


def joined(batches: Sequence[Rows]) -> Rows:
    """Several batches as one."""
    parts = {name: [getattr(batch, name) for batch in batches] for name in names_of(batches[0])}
    return type(batches[0])(**{name: torch.cat(part) for name, part in parts.items()})


def chosen(rows: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """Take samples of one tensor where ``rows`` (N,) says so, else of the other."""
    return torch.where(rows.view(-1, *[1] * (yes.ndim - 1)), yes, no)


def names_of(rows: TensorRows | type[TensorRows]) -> list[str]:
    """Names of the tensors."""
    return [field.name for field in fields(rows)]  # type: ignore[arg-type]
