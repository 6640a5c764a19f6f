"""What the node did, in numbers: counts, rates, latencies, complaints."""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping

import numpy as np

WINDOW = 300  # images whose latency is remembered
RATE_SPAN = 5.0  # seconds that count as lately: of the rate, of trouble
REPEAT = 30.0  # seconds after which the same complaint is worth saying again

COUNTS = ('received', 'processed', 'dropped', 'skipped', 'waiting', 'bad')


class Statistics:
    """
    Counts and latencies of the images.

    received = processed + dropped (a newer one came first) + skipped (resting, over the rate
    wanted, or overtaken by a newer one) + waiting (no usable camera yet) + bad, and perhaps one
    in work.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts = Counter(dict.fromkeys(COUNTS, 0))
        self.bad_kinds: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()  # why boxes became nobody
        self.persons = 0  # in the last image
        self._clock = clock
        self._finished: deque[float] = deque(maxlen=WINDOW)
        self._last_bad: tuple[float, str] = (-np.inf, '')
        self._stages: dict[str, deque[float]] = {}

    def finished(
        self, seconds: Mapping[str, float], persons: int, left_out: Mapping[str, int]
    ) -> None:
        """
        Count an image that went all the way.

        :param seconds: that each stage took
        :param left_out: see `MeshPose.left_out`
        """
        self.counts['processed'] += 1
        self.left_out.update(left_out)
        self.persons = persons
        self._finished.append(self._clock())
        for stage, spent in seconds.items():
            self._stages.setdefault(stage, deque(maxlen=WINDOW)).append(spent)

    def bad(self, kind: str) -> None:
        """Count an image that could not be used."""
        self.counts['bad'] += 1
        self.bad_kinds[kind] += 1
        self._last_bad = self._clock(), kind

    @property
    def trouble(self) -> str:
        """The kind of an image that could not be used lately, '' if there was none."""
        when, kind = self._last_bad
        return kind if self._clock() - when <= RATE_SPAN else ''

    @property
    def rate(self) -> float:
        """Images processed a second, lately."""
        now = self._clock()
        # a copy: the thread that works on images appends to it meanwhile
        return sum(now - t <= RATE_SPAN for t in list(self._finished)) / RATE_SPAN

    def latency(self, stage: str = 'total') -> tuple[float, float]:
        """Median and 95th percentile of a stage, seconds; NaN before the first image."""
        values = list(self._stages.get(stage, ()))
        p50, p95 = np.percentile(values, [50, 95]) if values else (np.nan, np.nan)
        return float(p50), float(p95)


class Complaints:
    """Says once what would otherwise be said for every image."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[str, float] = {}

    def is_new(self, text: str) -> bool:
        """Whether a complaint of this kind was not heard for a while; it counts as heard now."""
        kind, now = kind_of(text), self._clock()
        if now - self._said.get(kind, -np.inf) < REPEAT:
            return False
        self._said[kind] = now
        return True


def kind_of(text: str) -> str:
    """A complaint without its numbers, so that all of a kind are counted together."""
    return re.sub(r'\d+', '#', text)
