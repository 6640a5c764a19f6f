"""
The training loop: any recipe, one process, one progress bar.

A recipe makes a network and says, given a step number, what its loss is. The loop owns the
optimiser, the schedule, the moving average of the weights, and checkpoints that go on where
they stopped: batches depend on the seed and the step number alone, so a resumed run sees what
an uninterrupted one would have.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

LOG_EVERY = 100  # steps


@dataclass(frozen=True)
class Schedule:
    """
    How long and how fast to learn.

    :param warm_up: steps until the full rate
    :param average: decay of the weights' moving average, reached slowly
    :param save_every: seconds between checkpoints
    """

    steps: int
    batch: int
    rate: float = 1e-3
    last_rate: float = 1e-5
    warm_up: int = 500
    weight_decay: float = 1e-4
    clip: float = 1.0
    average: float = 0.999
    save_every: float = 60.0
    seed: int = 0

    def rate_at(self, step: int) -> float:
        """Learning rate: a linear rise, then half a cosine down."""
        if step < self.warm_up:
            return self.rate * (step + 1) / self.warm_up
        share = (step - self.warm_up) / max(1, self.steps - self.warm_up)
        swing = 0.5 * (1 + math.cos(math.pi * share))
        return self.last_rate + (self.rate - self.last_rate) * swing


class Task(Protocol):
    """What a recipe brings to the loop."""

    schedule: Schedule

    @property
    def network(self) -> nn.Module:
        """What is trained."""
        ...

    def losses(self, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Weighted parts of the loss of one fresh batch."""
        ...


class Trainer:
    """
    Trains a task and keeps its state in a folder.

    :param folder: for ``last.pt``; taken up again if it is there
    """

    def __init__(self, task: Task, folder: Path) -> None:
        self.task = task
        self.step = 0
        self.average = copy.deepcopy(task.network).requires_grad_(False)
        schedule = task.schedule
        self._optimiser = torch.optim.AdamW(
            task.network.parameters(), schedule.rate, weight_decay=schedule.weight_decay
        )
        self._file = folder / 'last.pt'
        self._log = folder / 'losses.csv'
        folder.mkdir(parents=True, exist_ok=True)
        if self._file.exists():
            self._load()

    def run(self, until: int | None = None, quiet: bool = False) -> dict[str, float]:
        """
        Train to the end of the schedule, or ``until`` a step.

        :return: running means of the loss' parts
        """
        end = min(until or self.task.schedule.steps, self.task.schedule.steps)
        means: dict[str, float] = {}
        saved = time.monotonic()
        with _progress(quiet) as progress:
            bar = progress.add_task('training', total=self.task.schedule.steps, parts='')
            while self.step < end:
                parts = self._one_step()
                for name, value in parts.items():
                    means[name] = 0.98 * means.get(name, value) + 0.02 * value
                text = ' '.join(f'{name} {value:.4f}' for name, value in means.items())
                progress.update(bar, completed=self.step, parts=text)
                if self.step % LOG_EVERY == 0:
                    self._note(means)
                if time.monotonic() - saved > self.task.schedule.save_every:
                    self.save()
                    saved = time.monotonic()
        self.save()
        return means

    def save(self) -> None:
        """Write the checkpoint; an interrupted write leaves the old one."""
        state = {
            'step': self.step,
            'network': self.task.network.state_dict(),
            'average': self.average.state_dict(),
            'optimiser': self._optimiser.state_dict(),
        }
        partial = self._file.with_suffix('.part')
        torch.save(state, partial)
        partial.replace(self._file)

    def _note(self, means: dict[str, float]) -> None:
        """Add a line to the log."""
        fresh = not self._log.exists()
        with self._log.open('a') as log:
            if fresh:
                log.write(','.join(['step', *means]) + '\n')
            log.write(','.join([str(self.step), *(f'{v:.6f}' for v in means.values())]) + '\n')

    def _load(self) -> None:
        state = torch.load(self._file, weights_only=True)
        self.step = state['step']
        self.task.network.load_state_dict(state['network'])
        self.average.load_state_dict(state['average'])
        self._optimiser.load_state_dict(state['optimiser'])

    def _one_step(self) -> dict[str, float]:
        schedule = self.task.schedule
        for group in self._optimiser.param_groups:
            group['lr'] = schedule.rate_at(self.step)
        seed = schedule.seed * 1_000_003 + self.step
        parts = self.task.losses(self.step, torch.Generator().manual_seed(seed))
        self._optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        nn.utils.clip_grad_norm_(self.task.network.parameters(), schedule.clip)
        self._optimiser.step()
        self.step += 1
        self._follow()
        return {name: part.detach().item() for name, part in parts.items()}

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the averaged weights towards the present ones."""
        decay = min(self.task.schedule.average, self.step / (self.step + 10))
        mean, now = self.average.parameters(), self.task.network.parameters()
        torch._foreach_lerp_(list(mean), list(now), 1 - decay)


def _progress(quiet: bool) -> Progress:
    columns = (
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn('{task.fields[parts]}'),
    )
    return Progress(*columns, disable=quiet, refresh_per_second=1)
