"""
What a network costs, by engine, precision and batch: milliseconds, memory, difference to PyTorch.

    python -m benchmarks.engines [--models own_pose i2l_meshnet ...] [--engines ...] [--readme]

Own networks come with their weights, published ones with fresh ones: time does not depend on
them. Every row runs in a process of its own with one thread. Engines take turns for some rounds,
and each keeps its fastest: what else runs on a machine slows one down today, another tomorrow.
PyTorch's rows are what the others are compared to: eager and torch.compile on the CPU, the same
and a CUDA graph on a GPU. What does not work on this machine is left out and said. A GPU's rows
take their inputs to it and bring their outputs back in each call, as the node does. Nothing has
to be set up in the checkout but the packages of the extra ``train`` and the engines.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.readme import machine
from benchmarks.subjects import SUBJECTS, drafted
from benchmarks.torch_engines import TORCH, called, taken_on_gpu
from mesh_pose_ros.errors import BackendUnavailableError
from mesh_pose_ros.marked import Marked
from mesh_pose_ros.runtime.card import read_card
from mesh_pose_ros.runtime.session import BACKENDS, FP16_TOO, PRECISIONS, open_session
from mesh_pose_ros.runtime.tensorrt_library import library_here
from training.systems.system import Order
from training.systems.writing import write

ROOT = Path(__file__).parents[1]
PLACE = Marked(
    '<!-- engines, by python -m benchmarks.engines --readme -->', '<!-- engines end -->'
)
ENGINES = (*TORCH, *BACKENDS)
ON_GPU = ('tensorrt', *(name for name, way in TORCH.items() if way.device == 'cuda'))
WARM, SECONDS, LEAST = 2, 2.0, 5  # calls, seconds of a round, calls
LIMIT = 900  # seconds for a row
WORK = 'work'  # among the arrays of examples: GFLOP of each
SQUARE = 2048  # side of the matrices whose product tells what a core can do


@dataclass(frozen=True)
class Row:
    """
    One measurement.

    :param opening: seconds until the first answer. The first batch of an engine compiles what
        it needs, others find that
    :param p50, p95: milliseconds per call
    :param work: convolutions and matrix products of a call, GFLOP
    :param memory: of the process, MB
    :param on_gpu: memory that it took there, without CUDA's own, MB
    :param apart: largest difference to PyTorch on the CPU as a share of an output's range
    """

    model: str
    engine: str
    precision: str
    batch: int
    opening: float
    p50: float
    p95: float
    work: float
    memory: float
    on_gpu: float
    apart: float


def lack(engine: str) -> str:
    """Why an engine cannot run here, or nothing."""
    if engine in TORCH:
        there = TORCH[engine].device == 'cpu' or torch.cuda.is_available()
        return '' if there else 'PyTorch sees no GPU'
    if engine in ON_GPU:
        try:
            library_here()
        except BackendUnavailableError as err:
            return str(err)
        return ''
    return '' if find_spec(engine) else 'is not installed'


def ways(engines: Sequence[str], precisions: Sequence[str]) -> list[tuple[str, str]]:
    """Engines with the precisions that each has, in the order of the table."""
    return [
        (engine, precision)
        for engine in engines
        for precision in precisions
        if precision == 'fp32' or engine in FP16_TOO
    ]


def measure(model: str, engine: str, precision: str, batch: int, folder: Path) -> Row:
    """Run one row in this process."""
    with np.load(folder / 'example.npz') as file:
        examples = {name: repeated(values, batch) for name, values in file.items()}
    work = examples.pop(WORK).sum()
    inputs = {k: v for k, v in examples.items() if not k.startswith('out.')}
    wanted = {k[4:]: v for k, v in examples.items() if k.startswith('out.')}
    network = drafted(model).graph if engine in TORCH else None
    before = taken_on_gpu()
    start = perf_counter()
    if network is not None:
        call = called(engine, network, inputs)
    else:
        call = _session(folder, engine, precision, inputs)
    found = call()
    opening = perf_counter() - start
    times = timed(call)
    p50, p95 = np.percentile(times, [50, 95]) * 1e3
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    on_gpu = taken_on_gpu() - before if engine in ON_GPU else 0.0
    share = apart(found, wanted)
    return Row(model, engine, precision, batch, opening, p50, p95, work, memory, on_gpu, share)


def repeated(values: np.ndarray, batch: int) -> np.ndarray:
    """As many examples as wanted, from the first again where they end."""
    return values[np.arange(batch) % len(values)]


def timed(call: Callable[[], object]) -> list[float]:
    """Seconds of each call, after some to get warm."""
    for _ in range(WARM):
        call()
    times: list[float] = []
    while sum(times) < SECONDS or len(times) < LEAST:
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return times


def apart(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> float:
    """Largest difference as a share of the output's range."""
    shares = [
        np.abs(found[name] - true).max() / max(np.ptp(true), np.abs(true).max(), 1e-9)
        for name, true in wanted.items()
        if name in found
    ]
    return float(max(shares))


def _session(
    folder: Path, backend: str, precision: str, inputs: dict[str, np.ndarray]
) -> Callable[[], dict]:
    (card,) = folder.glob('*.yaml')
    session = open_session(read_card(card), backend, 1, precision)
    return lambda: session(**inputs)


def prepare(model: str, folder: Path) -> None:
    """Write a model, examples, and what PyTorch says to them."""
    draft = drafted(model)
    write(draft, Order(folder, model, ''), folder)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        told = [v.numpy() for v in draft.graph(*draft.inputs.values())]
    inputs = {k: v.numpy() for k, v in draft.inputs.items()}
    outputs = {f'out.{k}': v for k, v in zip(draft.graph.outputs, told, strict=True)}
    count = len(told[0])
    work = np.full(count, counter.get_total_flops() / count / 1e9)
    np.savez(folder / 'example.npz', **inputs, **outputs, **{WORK: work})


class RowError(Exception):
    """A row cannot be had; says why."""


def alone(*words: str, folder: str) -> list[str]:
    """
    Run this script in a process of its own, with what engines compile kept in a folder.

    :return: the lines that it prints
    :raises RowError: it fails, or takes too long
    """
    caches = {'XDG_CACHE_HOME': f'{folder}/cache', 'TORCHINDUCTOR_CACHE_DIR': f'{folder}/inductor'}
    command = [sys.executable, '-m', 'benchmarks.engines', *words]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | caches, capture_output=True, text=True,
            timeout=LIMIT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RowError(f'takes more than {LIMIT} s') from None
    if done.returncode:
        reason = (done.stdout + done.stderr).strip().splitlines() or ['no reason given']
        raise RowError(reason[-1])
    return done.stdout.splitlines()


def rows_of(
    model: str, chosen: list[tuple[str, str]], batches: list[int], rounds: int
) -> list[Row]:
    """Measure a model with each engine and precision."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            alone('--prepare', model, folder, folder=folder)
        except RowError as err:
            print(f'{model}: {err}', file=sys.stderr)
            return []
        for batch in batches:
            found = in_turns(model, chosen, batch, rounds, folder)
            for row in found:
                print(line(row, found), flush=True)
            rows += found
    return rows


def in_turns(
    model: str, chosen: list[tuple[str, str]], batch: int, rounds: int, folder: str
) -> list[Row]:
    """Measure with each engine and precision, and again; one that fails gets no other turn."""
    turns: dict[tuple[str, str], list[Row]] = {way: [] for way in chosen}
    working = list(chosen)
    for _ in range(rounds):
        for way in tuple(working):
            try:
                told = alone('--one', model, *way, str(batch), folder, folder=folder)
            except RowError as err:
                print(f'{model} {" ".join(way)} {batch}: {err}', file=sys.stderr)
                working.remove(way)
                continue
            turns[way].append(Row(**json.loads(told[-1])))
    return [fastest(rows) for rows in turns.values() if rows]


def fastest(rows: list[Row]) -> Row:
    """Take the row of the fastest round, with the time of the first, which had to compile."""
    return replace(min(rows, key=lambda row: row.p50), opening=rows[0].opening)


HEAD = (
    '| Model | Engine | Precision | Batch | Build + open, s | p50, ms | p95, ms | People/s '
    '| GFLOP/s | To eager | Memory, MB | On GPU, MB | Differs by |\n'
    f'| --- | --- | --- {"| ---: " * 10}|'
)


def line(row: Row, rows: list[Row]) -> str:
    """
    A row of the table.

    :param rows: among which eager PyTorch on the same device may be
    """
    eager = 'cuda' if row.engine in ON_GPU else 'eager'
    there = [r.p50 for r in rows if (r.model, r.engine, r.batch) == (row.model, eager, row.batch)]
    faster = f'{there[0] / row.p50:.1f}x' if there else ''
    on_gpu = f'{row.on_gpu:.0f}' if row.engine in ON_GPU else ''
    return (
        f'| {row.model} | {row.engine} | {row.precision} | {row.batch} | {row.opening:.1f} '
        f'| {row.p50:.2f} | {row.p95:.2f} | {1e3 * row.batch / row.p50:.1f} '
        f'| {1e3 * row.work / row.p50:.0f} | {faster} '
        f'| {row.memory:.0f} | {on_gpu} | {row.apart:.0e} |'
    )


def highest_rate() -> float:
    """What one core of the CPU can do at best: GFLOP/s of a product of large matrices."""
    one = torch.ones(SQUARE, SQUARE)
    torch.set_num_threads(1)
    return 2 * SQUARE**3 / min(timed(lambda: one @ one)) / 1e9


def caption() -> str:
    """Where the figures are from."""
    gpu = f'{torch.cuda.get_device_name()}; ' if torch.cuda.is_available() else ''
    return (
        f'{machine()}; {gpu}PyTorch {torch.__version__}; one thread, '
        f'which multiplies large matrices at {highest_rate():.0f} GFLOP/s.'
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('--models', nargs='+', choices=SUBJECTS, default=list(SUBJECTS))
    parser.add_argument('--engines', nargs='+', choices=ENGINES, default=ENGINES)
    parser.add_argument('--precisions', nargs='+', choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument('--batches', nargs='+', type=int, default=[1])
    parser.add_argument('--rounds', type=int, default=3, help='turns of each engine')
    parser.add_argument('--out', type=Path, help='file for the table, as Markdown')
    parser.add_argument('--readme', action='store_true', help='write the table into README.md')
    parser.add_argument('--one', nargs=5, help=argparse.SUPPRESS)
    parser.add_argument('--prepare', nargs=2, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.prepare:
        prepare(told.prepare[0], Path(told.prepare[1]))
    elif told.one:
        *way, batch, folder = told.one
        print(json.dumps(asdict(measure(*way, int(batch), Path(folder)))))
    else:
        compare(told)


def compare(told: argparse.Namespace) -> None:
    """Measure all that is wanted and works here."""
    lacks = {engine: lack(engine) for engine in told.engines}
    for engine, reason in lacks.items():
        if reason:
            print(f'no rows of {engine}: {reason}', file=sys.stderr)
    chosen = ways([engine for engine in told.engines if not lacks[engine]], told.precisions)
    if not chosen:
        sys.exit('there is nothing to measure')
    print(HEAD, flush=True)
    rows = [
        row for model in told.models for row in rows_of(model, chosen, told.batches, told.rounds)
    ]
    below = caption()
    print(f'\n{below}')
    table = '\n'.join([HEAD, *(line(row, rows) for row in rows), '', below]) + '\n'
    if told.out:
        told.out.parent.mkdir(parents=True, exist_ok=True)
        told.out.write_text(table)
    if told.readme:
        PLACE.put(ROOT / 'README.md', table)


if __name__ == '__main__':
    main()
