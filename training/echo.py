"""
Learn several times from what is dear to make (data echoing, Choi et al. 2019).

Drawing crops and running the frozen half of a network takes most of a step. `Echo` keeps what
came of the latest batches and hands out mixtures of it between two fresh ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain, count

import torch

from training.data.crop_batch import CropBatch
from training.data.rows import joined
from training.frozen import Seen

KEPT = 128  # batches


class Echo:
    """
    Fresh batches, and others between them that mix the latest fresh ones.

    It remembers nothing after a resume: a few batches are fresh then that would not have been.

    :param times: how often each sample is used in the mean; 1 for fresh ones only
    """

    def __init__(self, times: int, kept: int = KEPT) -> None:
        self._times = times
        self._kept: deque[tuple[Seen, CropBatch]] = deque(maxlen=kept)
        self._enough = max(1, min(kept, KEPT) // 4)  # fewer would be seen too often at first

    def fresh(self, first: int) -> Iterator[int]:
        """Steps for which fresh batches are drawn, if the first step asked for is this one."""
        if self._times == 1:
            return count(first)
        usual = first + self._enough
        return chain(range(first, usual), (s for s in count(usual) if s % self._times == 0))

    def batch(
        self, step: int, draw: Callable[[int], tuple[Seen, CropBatch]], generator: torch.Generator
    ) -> tuple[Seen, CropBatch]:
        """
        Labelled samples of a step.

        :param draw: makes a fresh batch for a step; better without the images, all are kept
        """
        if step % self._times and len(self._kept) >= self._enough:
            return self._mixed(generator)
        seen, crops = draw(step)
        if self._times > 1:
            self._kept.append((tuple(part.half() for part in seen), crops))
        return seen, crops

    def _mixed(self, generator: torch.Generator) -> tuple[Seen, CropBatch]:
        """As many samples as a batch has, each row from any of those kept."""
        count = len(self._kept[0][1])
        which = torch.randint(len(self._kept), (count,), generator=generator).tolist()
        rows = [self._kept[n] for n in which]
        crops = joined([crops[i : i + 1] for i, (_, crops) in enumerate(rows)])
        parts = zip(*(seen for seen, _ in rows))
        seen = (torch.stack([p[i] for i, p in enumerate(part)]).float() for part in parts)
        return tuple(seen), crops
