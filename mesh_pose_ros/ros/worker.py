"""A thread that always works on the newest image."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar('T')


class Worker(Generic[T]):
    """
    Calls a function with the newest item handed in, one at a time, in its own thread.

    So the node's executor stays free for parameters, services and diagnostics while networks
    compute, and a slow machine sees fewer images instead of older ones.
    """

    def __init__(self, work: Callable[[T], None]) -> None:
        self._work = work
        self._newest: list[T] = []
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name='mesh_pose', daemon=True)
        self._thread.start()

    def hand_in(self, item: T) -> bool:
        """Replace the item that waits; say whether one was replaced and so lost."""
        with self._changed:
            lost = bool(self._newest)
            self._newest = [item]
            self._changed.notify()
        return lost

    def stop(self) -> bool:
        """Finish the item in work, and say whether one that waited is lost."""
        with self._changed:
            self._stopped = True
            lost = bool(self._newest)
            self._newest = []
            self._changed.notify()
        self._thread.join()
        return lost

    def _run(self) -> None:
        while (item := self._next()) is not None:
            self._work(item)

    def _next(self) -> T | None:
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._stopped)
            return None if self._stopped else self._newest.pop()
