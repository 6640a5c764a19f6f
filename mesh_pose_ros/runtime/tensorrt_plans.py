"""The plan of a model: from the cache, or built now."""

from __future__ import annotations

import logging
from pathlib import Path
from time import perf_counter

from mesh_pose_ros.errors import BackendUnavailableError, ModelError
from mesh_pose_ros.runtime.card import ModelCard, sha256_of
from mesh_pose_ros.runtime.half_precision import in_half_precision
from mesh_pose_ros.runtime.plan_cache import FORMAT, PlanCache, PlanKey
from mesh_pose_ros.runtime.tensorrt_build import Progress, batches_of, compiled
from mesh_pose_ros.runtime.tensorrt_library import Library, Target

PRECISIONS = ('fp32', 'fp16')
LOG_EVERY = 10.0  # seconds between reports of a long build


class PlanMaker:
    """
    Makes plans with one TensorRT for one target.

    :param progress: is told how a build goes on; the log hears of it in any case
    """

    def __init__(
        self,
        library: Library,
        target: Target,
        cache: PlanCache | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.library, self.target = library, target
        self.cache = cache or PlanCache()
        self._progress = progress
        self._log = logging.getLogger(__name__)

    def plan(self, card: ModelCard, precision: str = 'fp32', *, anew: bool = False) -> bytes:
        """
        Return a model's plan, building it if it is not in the cache.

        :param precision: one of `PRECISIONS`
        :param anew: build it in any case
        :raises ModelError: the graph is missing or refused
        :raises BackendUnavailableError: this precision cannot be made here
        """
        key = self.key(card, precision)
        plan = None if anew else self.cache.read(key)
        if plan is not None:
            return plan
        with self.cache.building():
            plan = None if anew else self.cache.read(key)  # another process may have built it
            if plan is None:
                plan = self._built(card, precision)
                self.cache.write(key, plan)
        return plan

    def key(self, card: ModelCard, precision: str) -> PlanKey:
        """All that the plan depends on."""
        if precision not in PRECISIONS:
            raise BackendUnavailableError(
                f'precision {precision!r} is unknown; choose one of {", ".join(PRECISIONS)}'
            )
        batches = batches_of(card)
        return PlanKey(
            card.name,
            _sha256(card.path),
            tuple(sorted(card.outputs)),
            precision,
            f'{self.library.name} {self.library.version}',
            self.target.name,
            (batches.usual, batches.most),
        )

    def _built(self, card: ModelCard, precision: str) -> bytes:
        graph = self._graph(card, precision)
        self._log.info('building %s in %s for %s', card.name, precision, self.target.name)
        start = perf_counter()
        plan = compiled(self.library, graph, card, self.target, self._reports(card.name))
        self._log.info('%s is built, which took %.0f s', card.name, perf_counter() - start)
        return plan

    def _reports(self, name: str) -> Progress:
        start = last = perf_counter()

        def report(phase: str, share: float) -> None:
            nonlocal last
            now = perf_counter()
            if self._progress:
                self._progress(f'{name}: {phase}', share)
            if now - last > LOG_EVERY:
                last = now
                self._log.info('%s: %.0f %% after %.0f s', name, 100 * share, now - start)

        return report

    def _graph(self, card: ModelCard, precision: str) -> bytes:
        """The shipped graph, or one in float16, which is kept beside the plans."""
        if precision == 'fp32':
            return card.path.read_bytes()
        name = f'{card.name}-fp16-{_sha256(card.path)[:16]}-{FORMAT}'
        graph = self.cache.kept_graph(name)
        if graph is None:
            graph = in_half_precision(card)
            self.cache.keep_graph(name, graph)
        return graph


def _sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as err:
        raise ModelError(f'{path}: cannot be read: {err.strerror}') from err
