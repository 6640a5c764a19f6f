"""
Sparse weights of TFLite, expanded.

A sparse tensor is a tree with one level for each dimension. A dense level holds a child for
every index; a compressed one (CSR) lists, for each parent, which indices are there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Dense:
    """A level that holds every index below ``size``."""

    size: int


@dataclass(frozen=True, eq=False)
class Compressed:
    """
    A level that lists the indices it holds.

    :param segments: (parents + 1,) parent p owns ``indices[segments[p]:segments[p + 1]]``
    :param indices: the indices, parent after parent
    """

    segments: Indices
    indices: Indices


Level = Dense | Compressed


def expand(
    values: NDArray[np.generic], shape: tuple[int, ...], levels: list[Level]
) -> NDArray[np.generic]:
    """
    Write sparse values into a dense array of zeros.

    :param values: the values that are stored, in the order of the tree
    :param shape: of the dense array; one level for each of its dimensions, outermost first
    """
    places = np.zeros((1, 0), dtype=np.int64)  # (nodes of the level, dimensions so far)
    for level in levels:
        parents, children = _children(level, len(places))
        places = np.column_stack((places[parents], children))
    dense = np.zeros(shape, dtype=values.dtype)
    dense[tuple(places.T)] = values
    return dense


def _children(level: Level, parents: int) -> tuple[Indices, Indices]:
    """Return for every child of a level its parent's number and its own index."""
    if isinstance(level, Dense):
        return np.repeat(np.arange(parents), level.size), np.tile(np.arange(level.size), parents)
    counts = np.diff(level.segments)
    return np.repeat(np.arange(parents), counts), level.indices
