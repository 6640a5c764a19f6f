"""
Fill networks from the authors' published checkpoints.

A checkpoint is a dict of arrays by name, wrapped in one way or another. `read_arrays` unwraps it,
`fill` puts the arrays into one of our networks whose modules have names of their own, and tells
what was loaded, left out and missing. Nothing in a checkpoint is executed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import Tensor, nn

WRAPPERS = ('network', 'model_state_dict', 'state_dict', 'model')  # keys that hold the arrays
PREFIX = 'module.'  # of DataParallel
NEWLINE = '\n'
SHOWN = 8  # keys that an error names


class CheckpointError(Exception):
    """A file is no checkpoint, or one of another network; says which keys do not fit."""


@dataclass(frozen=True)
class Naming:
    """
    How a checkpoint's names become ours.

    :param renames: (regular expression, replacement) pairs; each is applied to a name once, in
        this order
    :param unused: patterns of names in the file that no network of ours needs, such as buffers
        of body models, whose licence forbids to pass them on
    :param own: patterns of our names that no checkpoint brings
    """

    renames: Sequence[tuple[str, str]] = ()
    unused: Sequence[str] = ('*.num_batches_tracked',)
    own: Sequence[str] = ('*.num_batches_tracked',)

    def ours(self, name: str) -> str:
        """Our name of an array."""
        for pattern, replacement in self.renames:
            name = re.sub(pattern, replacement, name)
        return name


@dataclass(frozen=True)
class Report:
    """
    What became of a checkpoint.

    :param loaded: our names that were filled
    :param skipped: names in the file that are not needed
    :param missing: our names that keep what they had, as expected
    """

    loaded: tuple[str, ...]
    skipped: tuple[str, ...]
    missing: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f'{len(self.loaded)} arrays loaded, {len(self.skipped)} in the file not needed, '
            f'{len(self.missing)} of the network not in the file'
        )


def read_arrays(path: Path) -> dict[str, Tensor]:
    """
    Arrays of a PyTorch checkpoint by name, without wrappers and DataParallel's prefix.

    :raises CheckpointError: it cannot be read without running code from it, or holds no arrays
    """
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f'{path}: there is no such file') from None
    except Exception as err:  # torch has no class of its own for this
        raise CheckpointError(
            f'{path}: not a PyTorch checkpoint that can be read without running code from it '
            f'({type(err).__name__} {str(err).partition(NEWLINE)[0]})'
        ) from err
    arrays = unwrapped(state)
    if not arrays:
        raise CheckpointError(f'{path}: holds no arrays by name')
    return arrays


def unwrapped(state: object) -> dict[str, Tensor]:
    """Take arrays by name out of what a training script saved; empty if there are none."""
    if not isinstance(state, Mapping):
        return {}
    for key in WRAPPERS:
        if isinstance(state.get(key), Mapping):
            return unwrapped(state[key])
    return {
        str(name).removeprefix(PREFIX): array
        for name, array in state.items()
        if isinstance(array, Tensor)
    }


def fill(
    network: nn.Module, arrays: Mapping[str, Tensor], naming: Naming = Naming(), source: str = ''
) -> Report:
    """
    Put arrays into a network, all or none.

    :param source: what messages call the arrays, a file's name
    :raises CheckpointError: names or shapes do not fit
    """
    state = network.state_dict()
    told = {name: array for name, array in arrays.items() if not _matches(name, naming.unused)}
    skipped = tuple(name for name in arrays if name not in told)
    ours = {naming.ours(name): (name, array) for name, array in told.items()}
    expected = {name for name in state if not _matches(name, naming.own)}
    unknown = [theirs for name, (theirs, _) in ours.items() if name not in state]
    absent = sorted(expected - set(ours))
    if unknown or absent:
        raise CheckpointError(_difference(source, type(network).__name__, unknown, absent))
    wrong = [
        f'{theirs} {tuple(array.shape)}, not {tuple(state[name].shape)}'
        for name, (theirs, array) in ours.items()
        if state[name].shape != array.shape
    ]
    if wrong:
        raise CheckpointError(f'{source}: other shapes: {_listed(wrong)}')
    with torch.no_grad():
        for name, (_, array) in ours.items():
            state[name].copy_(array)
    return Report(tuple(ours), skipped, tuple(sorted(set(state) - set(ours))))


def _difference(source: str, network: str, unknown: list[str], absent: list[str]) -> str:
    parts = [f'{source}: not a checkpoint of this {network}']
    if unknown:
        parts.append(f'{len(unknown)} arrays have no place in it: {_listed(unknown)}')
    if absent:
        parts.append(f'{len(absent)} of its arrays are missing: {_listed(absent)}')
    return '; '.join(parts)


def _listed(names: list[str]) -> str:
    more = f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''
    return ', '.join(names[:SHOWN]) + more


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


if __name__ == '__main__':
    from training.systems.check import main

    main()
