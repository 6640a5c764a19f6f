"""
Plans are kept: building one takes from seconds to minutes.

A plan is good for one graph, one TensorRT and one GPU. Its file is named by all it depends on
(`PlanKey`), so a change of any makes another file, and begins with a line that says what it is
and what its bytes add up to. Files appear whole or not at all. One build runs at a time: TensorRT
chooses by measured time, and a neighbour would spoil the measurement.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from mesh_pose_ros.runtime.models import cache_folder

PLAN, GRAPH, PART = '.plan', '.onnx', '.part'
LOCK = 'building.lock'
READABLE = 0o644  # by all: one user may build what another runs
FORMAT = 1  # of the files, and of how we build; raise it to have all plans built anew


@dataclass(frozen=True)
class PlanKey:
    """
    All that a plan depends on.

    :param model: name, for people
    :param graph: sha256 of the shipped ONNX file
    :param outputs: that are computed
    :param precision: 'fp32' or 'fp16'
    :param library: TensorRT's name and version
    :param target: the GPU and its compute capability
    :param batches: usual and most people
    """

    model: str
    graph: str
    outputs: tuple[str, ...]
    precision: str
    library: str
    target: str
    batches: tuple[int, int]

    @property
    def file(self) -> str:
        """Name of the plan's file."""
        text = json.dumps([FORMAT, asdict(self)], sort_keys=True)
        return f'{self.model}-{self.precision}-{_digest(text.encode())}{PLAN}'


@dataclass(frozen=True)
class StoredPlan:
    """A file of the cache: what its first line says, its size in bytes; no key if it is broken."""

    path: Path
    size: int
    key: dict[str, object]


class PlanCache:
    """A folder of plans; one that cannot be written to only costs time."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder().with_name('engines')
        self._log = logging.getLogger(__name__)

    def read(self, key: PlanKey) -> bytes | None:
        """Return a plan; None if it is not there, or damaged."""
        path = self.folder / key.file
        try:
            head, _, plan = path.read_bytes().partition(b'\n')
        except OSError:
            return None
        if head == _head(key, plan):
            return plan
        self._log.warning('%s is damaged, building it anew', path)
        return None

    def write(self, key: PlanKey, plan: bytes) -> None:
        """Keep a plan."""
        self._keep(key.file, _head(key, plan) + b'\n' + plan)

    def kept_graph(self, name: str) -> bytes | None:
        """Return a graph that was made for a plan; its file's name ends with its checksum."""
        for path in self.folder.glob(f'{name}-*{GRAPH}'):
            graph = path.read_bytes()
            if path.stem.endswith(_digest(graph)):
                return graph
        return None

    def keep_graph(self, name: str, graph: bytes) -> None:
        """Keep such a graph."""
        self._keep(f'{name}-{_digest(graph)}{GRAPH}', graph)

    def _keep(self, name: str, data: bytes) -> None:
        """Put a file into the folder, whole or not at all."""
        beside = ''
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, beside = tempfile.mkstemp(dir=self.folder, prefix=name, suffix=PART)
            with os.fdopen(handle, 'wb') as file:
                os.fchmod(handle, READABLE)
                file.write(data)
            Path(beside).replace(self.folder / name)
        except OSError as err:
            self._log.warning(
                '%s cannot be kept in %s (%s): it will be made again at the next start; '
                'XDG_CACHE_HOME chooses another folder', name, self.folder, err.strerror
            )  # fmt: skip
            if beside:  # a full disk need not get fuller
                Path(beside).unlink(missing_ok=True)

    @contextmanager
    def building(self) -> Iterator[None]:
        """Wait until nobody else builds into this folder, and keep others waiting."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:  # nobody can build into it
            yield
            return
        try:
            self._lock(handle)
            yield
        finally:
            os.close(handle)  # which unlocks

    def _lock(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._log.info('another process builds into %s, waiting for it', self.folder)
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as err:  # some network folders cannot lock: building twice does no harm
            self._log.info('%s cannot be locked (%s)', self.folder, err.strerror)

    def plans(self) -> list[StoredPlan]:
        """All plans, by name."""
        return [
            StoredPlan(path, path.stat().st_size, _key_of(path))
            for path in sorted(self.folder.glob(f'*{PLAN}'))
        ]

    def clear(self) -> int:
        """Remove all that was kept; return how many bytes."""
        files = [path for end in (PLAN, GRAPH, PART) for path in self.folder.glob(f'*{end}')]
        size = sum(path.stat().st_size for path in files)
        for path in files:
            path.unlink()
        return size


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _head(key: PlanKey, plan: bytes) -> bytes:
    fields = {**asdict(key), 'sha256': hashlib.sha256(plan).hexdigest()}
    return json.dumps(fields, sort_keys=True).encode()


def _key_of(path: Path) -> dict[str, object]:
    try:
        with path.open('rb') as file:
            found = json.loads(file.readline())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
