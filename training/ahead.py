"""Make what coming steps need in other processes, while the present one learns."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

Made = TypeVar('Made')

WAITING = 2  # results of each process that may lie ready


class Ahead(Generic[Made]):
    """
    What steps ask for, made before they do; the same as without it, whoever makes it.

    :param make: tells by the step alone what it needs; runs in copies of this process
    :param asking: from a step on, those that will ask, in their order
    :param workers: how many processes; 0 makes everything when it is asked for
    """

    def __init__(
        self,
        make: Callable[[int], Made],
        asking: Callable[[int], Iterable[int]],
        workers: int = 0,
    ) -> None:
        self._make = make
        self._asking = asking
        self._workers = workers
        self._coming: Iterator[bytes] | None = None

    def __call__(self, step: int) -> Made:
        """What a step needs; with workers, ask in the order that was promised."""
        if not self._workers:
            return self._make(step)
        if self._coming is None:
            self._coming = iter(self._loader(self._asking(step)))
        made_for, made = pickle.loads(next(self._coming))
        if made_for != step:
            raise ValueError(f'step {step} asks where step {made_for} was to')
        return made

    def _loader(self, steps: Iterable[int]) -> DataLoader[Any]:
        return DataLoader(
            _Pickled(self._make),
            batch_size=None,
            sampler=steps,
            num_workers=self._workers,
            prefetch_factor=WAITING,
            multiprocessing_context='fork',  # what `make` holds need not be copied
            generator=torch.Generator(),  # else it takes from the numbers that dropout uses
        )


class _Pickled(Dataset[bytes]):
    """
    By step, bytes: tensors would come through shared memory.

    Of that containers have little, and each tensor would hold a file open as long as it is kept.
    """

    def __init__(self, make: Callable[[int], Any]) -> None:
        self._make = make

    def __getitem__(self, step: int) -> bytes:
        return pickle.dumps((step, self._make(step)), pickle.HIGHEST_PROTOCOL)
