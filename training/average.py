"""
Take weights between two runs: ``python -m training.average A.pt B.pt --share .6 --out C.pt``.

Where a run went on from what another left and won on some pictures what it lost on others,
weights between the two often keep most of both (Wortsman et al. 2022, Model soups). The result
is a file for ``training.train --start``, as `training.export` leaves beside a graph.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.loop import OtherRunError


def between(first: dict[str, Any], second: dict[str, Any], share: float) -> dict[str, Any]:
    """
    Weights on the way from one network to another.

    :param first, second: what `training.loop.Trainer.save_weights` wrote
    :param share: of the way, 0 to 1; whole numbers in the weights are the second's
    :return: the same kind of thing, at the second's step
    :raises OtherRunError: they are not of one network
    """
    if _kind(first) != _kind(second):
        raise OtherRunError('the two files hold weights of different networks: nothing is between')
    weights = {
        name: _between(first['weights'][name], there, share)
        for name, there in second['weights'].items()
    }
    return second | {'weights': weights}


def _kind(saved: dict[str, Any]) -> tuple[Any, dict[str, torch.Size]]:
    return saved['settings'], {name: value.shape for name, value in saved['weights'].items()}


def _between(here: Tensor, there: Tensor, share: float) -> Tensor:
    if not there.is_floating_point():
        return there
    return torch.lerp(here.float(), there.float(), share).to(there.dtype)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').split('\n\n')[0])
    parser.add_argument('files', nargs=2, type=Path, metavar='FILE', help='weights (.pt)')
    parser.add_argument('--share', type=float, default=0.5, help='of the way to the second')
    parser.add_argument('--out', type=Path, required=True)
    told = parser.parse_args()
    if not 0 <= told.share <= 1:
        raise SystemExit('--share must be from 0 to 1: what lies beyond has learned nothing')
    first, second = (
        torch.load(file, weights_only=True, map_location='cpu') for file in told.files
    )
    try:
        torch.save(between(first, second, told.share), told.out)
    except OtherRunError as err:
        raise SystemExit(f'{told.files[0]}, {told.files[1]}: {err}') from None


if __name__ == '__main__':
    main()
