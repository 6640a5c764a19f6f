"""
The training loop: any recipe, one process, one progress bar.

A recipe makes a network and says, given a step number, what its loss is. The loop owns the
optimiser, the schedule, the moving average of the weights, and checkpoints that go on where
they stopped: batches depend on the seed and the step number alone, so a resumed run sees what
an uninterrupted one would have. It ends with the schedule, after some minutes, or when told
to (ctrl-C, kill): always between two steps, with a checkpoint.
"""

from __future__ import annotations

import copy
import math
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from training.curves import draw

LOG_EVERY = 100  # steps
SHOW_EVERY = 10  # steps; a GPU runs ahead in between


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

    def randomness(self, step: int) -> torch.Generator:
        """Random numbers of a step: those of other steps do not change them."""
        return torch.Generator().manual_seed(self.seed * 1_000_003 + step)


class Task(Protocol):
    """
    What a recipe brings to the loop.

    A task may have ``settings``, a dict of plain values that make its network what it is. They
    are kept with the checkpoint, so that nobody goes on with another network by mistake. It may
    have ``ancestors``: settings of other networks whose weights it may begin with.
    """

    schedule: Schedule

    @property
    def network(self) -> nn.Module:
        """What is trained."""
        ...

    def losses(self, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Weighted parts of the loss of one fresh batch."""
        ...


class OtherRunError(Exception):
    """A folder holds a run with other settings."""


class Trainer:
    """
    Trains a task and keeps its state in a folder.

    :param folder: for ``last.pt``; taken up again if it is there
    :param device: where the network is
    :param start: weights to begin with if the folder holds no run, see `save_weights`
    :param anew: begin the schedule with them, instead of going on where they stopped in theirs
    :raises OtherRunError: the folder or the weights are of another network
    """

    def __init__(
        self,
        task: Task,
        folder: Path,
        device: str = 'cpu',
        start: Path | None = None,
        anew: bool = False,
    ) -> None:
        self.task = task
        self.step = 0
        task.network.to(device)
        self.average = copy.deepcopy(task.network).requires_grad_(False)
        self._pairs = _pairs(self.average, task.network)
        schedule = task.schedule
        self._optimiser = torch.optim.AdamW(
            task.network.parameters(), schedule.rate, weight_decay=schedule.weight_decay
        )
        self._file = folder / 'last.pt'
        self._log = folder / 'losses.csv'
        folder.mkdir(parents=True, exist_ok=True)
        if self._file.exists():
            self._load(device)
        elif start:
            self._begin(start, device)
            self.step = 0 if anew else self.step

    def run(
        self, until: int | None = None, quiet: bool = False, minutes: float | None = None
    ) -> dict[str, float]:
        """
        Train to the end of the schedule, ``until`` a step, or for some ``minutes``.

        :return: running means of the loss' parts
        """
        end = min(until or self.task.schedule.steps, self.task.schedule.steps)
        started = saved = time.monotonic()
        means = _Means()
        with _progress(quiet) as progress, _asked_to_stop() as asked:
            bar = progress.add_task('training', total=self.task.schedule.steps, parts='')
            while self.step < end and not asked.is_set():
                means.add(self._one_step())
                if self.step % SHOW_EVERY == 0:
                    progress.update(bar, completed=self.step, parts=str(means))
                if self.step % LOG_EVERY == 0:
                    self._note(means.values())
                now = time.monotonic()
                if now - saved > self.task.schedule.save_every:
                    self.save()
                    saved = now
                if minutes and now - started > 60 * minutes:
                    break
        self.save()
        return means.values()

    def save(self) -> None:
        """Write the checkpoint; an interrupted write leaves the old one."""
        state = {
            'step': self.step,
            'batch': self.task.schedule.batch,
            'settings': settings_of(self.task),
            'network': self.task.network.state_dict(),
            'average': self.average.state_dict(),
            'optimiser': self._optimiser.state_dict(),
        }
        partial = self._file.with_suffix('.part')
        torch.save(state, partial)
        partial.replace(self._file)
        draw(self._log)

    def save_weights(self, path: Path) -> None:
        """
        Write the averaged weights in half precision, and the step: what others go on from.

        A fifth of a checkpoint's size; what is lost, the optimiser's memory, is back in some
        hundred steps.
        """
        average = self.average.state_dict()
        halves = {k: v.half() if v.is_floating_point() else v for k, v in average.items()}
        batch, settings = self.task.schedule.batch, settings_of(self.task)
        torch.save(
            {'step': self.step, 'batch': batch, 'settings': settings, 'weights': halves}, path
        )

    def _note(self, means: dict[str, float]) -> None:
        """Add a line to the log; one of other parts is put aside."""
        titles = ','.join(['step', *means]) + '\n'
        if self._log.exists() and _first_line(self._log) != titles:
            self._log.replace(self._log.with_stem(f'{self._log.stem}_until_{self.step}'))
        fresh = not self._log.exists()
        with self._log.open('a') as log:
            if fresh:
                log.write(titles)
            log.write(','.join([str(self.step), *(f'{v:.6f}' for v in means.values())]) + '\n')

    def _load(self, device: str) -> None:
        """Go on where a run stopped, at the same place of the schedule if batches differ."""
        state = self._read(self._file, device)
        _fill(self.task.network, state['network'], self._file)
        _fill(self.average, state['average'], self._file)
        self._optimiser.load_state_dict(state['optimiser'])

    def _begin(self, start: Path, device: str) -> None:
        """Go on from weights alone; what an ancestor does not have stays fresh."""
        ancestors = getattr(self.task, 'ancestors', ())
        state = self._read(start, device, ancestors)
        whole = state.get('settings', {}) == settings_of(self.task)
        _fill(self.task.network, state['weights'], start, whole)
        _fill(self.average, state['weights'], start, whole)

    def _read(
        self, file: Path, device: str, ancestors: Sequence[dict[str, Any]] = ()
    ) -> dict[str, Any]:
        """Read what was saved of a run of this task, and take over its step."""
        state: dict[str, Any] = torch.load(file, weights_only=True, map_location=device)
        was, now = state.get('settings', {}), settings_of(self.task)
        if was not in (now, *ancestors):
            raise OtherRunError(
                f'{file} was trained with {_difference(was, now)}: '
                f'give the same settings or another --run'
            )
        batch = self.task.schedule.batch
        self.step = round(state['step'] * state.get('batch', batch) / batch)
        return state

    def _one_step(self) -> dict[str, Tensor]:
        schedule = self.task.schedule
        for group in self._optimiser.param_groups:
            group['lr'] = schedule.rate_at(self.step)
        parts = self.task.losses(self.step, schedule.randomness(self.step))
        self._optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        nn.utils.clip_grad_norm_(self.task.network.parameters(), schedule.clip)
        self._optimiser.step()
        self.step += 1
        self._follow()
        return {name: part.detach() for name, part in parts.items()}

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the averaged weights towards the present ones."""
        decay = min(self.task.schedule.average, self.step / (self.step + 10))
        torch._foreach_lerp_(*self._pairs, 1 - decay)


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """An event that interrupts set instead of breaking off in the middle of a step."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: asked.set()) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Means:
    """Running means of the loss' parts, kept where the losses are until somebody asks."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._means: Tensor | None = None

    def add(self, parts: dict[str, Tensor]) -> None:
        """Take in one step."""
        self._names = list(parts)
        now = torch.stack(list(parts.values()))
        self._means = now if self._means is None else torch.lerp(self._means, now, 0.02)

    def values(self) -> dict[str, float]:
        """Means by name."""
        numbers = [] if self._means is None else self._means.tolist()
        return dict(zip(self._names, numbers))

    def __str__(self) -> str:
        return ' '.join(f'{name} {value:.4f}' for name, value in self.values().items())


def _fill(network: nn.Module, weights: dict[str, Tensor], file: Path, whole: bool = True) -> None:
    try:
        network.load_state_dict(weights, strict=whole)
    except RuntimeError as err:
        raise OtherRunError(
            f'{file} was trained with another version of this network: train it again, '
            f'or go back to the code that made it ({" ".join(str(err).split())[:200]})'
        ) from None


def _first_line(file: Path) -> str:
    with file.open() as lines:
        return lines.readline()


def settings_of(task: Task) -> dict[str, Any]:
    """Return what makes a task's network what it is, as far as the task says."""
    return getattr(task, 'settings', {})


def settings_in(folder: Path, *names: str) -> dict[str, Any]:
    """
    Return the settings that a run's network was made with.

    :param names: of settings that must be there
    :raises OtherRunError: there is no run, or one of another kind or age
    """
    file = folder / 'last.pt'
    if not file.is_file():
        raise OtherRunError(f'{folder} holds no run: there is no last.pt (training.train --run)')
    found = torch.load(file, weights_only=True, map_location='cpu')['settings']
    missing = [name for name in names if name not in found]
    if missing:
        raise OtherRunError(
            f'{file} says no {", ".join(missing)}: it is of another recipe, or older than that; '
            'train it again'
        )
    return found


def _difference(was: dict[str, Any], now: dict[str, Any]) -> str:
    names = [k for k in {**was, **now} if was.get(k) != now.get(k)]
    return ', '.join(f'{k} {was.get(k)}, not {now.get(k)}' for k in names)


def _pairs(average: nn.Module, network: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """Weights and running statistics of batches, which an average follows."""
    mean, now = ([*net.parameters(), *_statistics(net)] for net in (average, network))
    return mean, now


def _statistics(network: nn.Module) -> list[Tensor]:
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    return [part for m in norms for part in (m.running_mean, m.running_var) if part is not None]


def _progress(quiet: bool) -> Progress:
    columns = (
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn('{task.fields[parts]}'),
    )
    return Progress(*columns, disable=quiet, refresh_per_second=1)
