"""
What a network costs, by backend and batch: milliseconds, memory, difference to PyTorch.

    python benchmarks/engines.py [--models own_pose i2l_meshnet ...] [--backends ...] [--readme]

Own networks come with their weights, published ones with fresh ones: time does not depend on them.
Every row runs in a process of its own with one thread. Rows of PyTorch (eager, torch.compile) are
what the others are compared to; on a machine with a GPU there are CUDA and TensorRT rows too.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from subjects import SUBJECTS, drafted

from mesh_pose_ros.runtime.card import read_card
from mesh_pose_ros.runtime.session import BACKENDS, open_session
from training.systems.system import Order
from training.systems.writing import write

ROOT = Path(__file__).parents[1]
BEGIN, END = '<!-- engines, by python benchmarks/engines.py --readme -->', '<!-- engines end -->'
TORCH = ('eager', 'compiled')
WARM, SECONDS, LEAST = 3, 4.0, 10
UNAVAILABLE = 4  # exit code of a row that this machine cannot run
LIMIT = 900  # seconds for a row


@dataclass(frozen=True)
class Row:
    """
    One measurement.

    :param opening: seconds until the first answer
    :param p50, p95: milliseconds per call
    :param memory: of the process, MB
    :param apart: largest difference to PyTorch as a share of an output's range
    """

    model: str
    engine: str
    batch: int
    opening: float
    p50: float
    p95: float
    memory: float
    apart: float


def measure(model: str, engine: str, batch: int, folder: Path) -> Row:
    """Run one row in this process."""
    with np.load(folder / 'example.npz') as file:
        inputs = {k: v[:batch] for k, v in file.items() if not k.startswith('out.')}
        wanted = {k[4:]: v[:batch] for k, v in file.items() if k.startswith('out.')}
    start = perf_counter()
    call = _torch(model, engine, inputs) if engine in TORCH else _session(folder, engine, inputs)
    found = call()
    opening = perf_counter() - start
    times = timed(call)
    p50, p95 = np.percentile(times, [50, 95]) * 1e3
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Row(model, engine, batch, opening, p50, p95, memory, apart(found, wanted))


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


def _session(folder: Path, backend: str, inputs: dict) -> Callable[[], dict]:
    (card,) = folder.glob('*.yaml')
    session = open_session(read_card(card), backend, 1)
    return lambda: session(**inputs)


def _torch(model: str, engine: str, inputs: dict) -> Callable[[], dict]:
    import torch

    torch.set_num_threads(1)
    graph = drafted(model).graph.eval()
    tensors = [torch.from_numpy(inputs[name]) for name in drafted(model).inputs]
    run = torch.compile(graph) if engine == 'compiled' else graph
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    graph.to(device)
    tensors = [t.to(device) for t in tensors]

    def call() -> dict:
        with torch.inference_mode():
            return {k: v.cpu().numpy() for k, v in zip(graph.outputs, run(*tensors), strict=True)}

    return call


def prepare(model: str, folder: Path) -> None:
    """Write a model, examples, and what PyTorch says to them."""
    import torch

    draft = drafted(model)
    write(draft, Order(folder, model, ''), folder)
    with torch.inference_mode():
        told = [v.numpy() for v in draft.graph(*draft.inputs.values())]
    outputs = {f'out.{k}': v for k, v in zip(draft.graph.outputs, told, strict=True)}
    np.savez(folder / 'example.npz', **{k: v.numpy() for k, v in draft.inputs.items()}, **outputs)


def rows_of(model: str, engines: list[str], batches: list[int]) -> list[Row]:
    """Measure a model, each row in a process of its own."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([*_self(), '--prepare', model, name], check=True)
        for batch in batches:
            for engine in engines:
                asked = [*_self(), '--one', model, engine, str(batch), name]
                done = subprocess.run(asked, capture_output=True, text=True, timeout=LIMIT)
                if done.returncode == 0:
                    rows.append(Row(**json.loads(done.stdout.splitlines()[-1])))
                    print(_line(rows[-1], rows), flush=True)
                else:
                    reason = (done.stdout + done.stderr).strip().splitlines() or ['no reason']
                    print(f'{model} {engine} {batch}: {reason[-1]}', file=sys.stderr)
    return rows


def _self() -> list[str]:
    return [sys.executable, __file__]


HEAD = (
    '| Model | Engine | Batch | Open, s | p50, ms | p95, ms | People/s | To eager | Memory, MB '
    '| Differs by |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |'
)


def _line(row: Row, rows: list[Row]) -> str:
    eager = [
        r.p50 for r in rows if (r.model, r.engine, r.batch) == (row.model, 'eager', row.batch)
    ]
    faster = f'{eager[0] / row.p50:.1f}x' if eager else ''
    return (
        f'| {row.model} | {row.engine} | {row.batch} | {row.opening:.1f} | {row.p50:.1f} '
        f'| {row.p95:.1f} | {1e3 * row.batch / row.p50:.1f} | {faster} | {row.memory:.0f} '
        f'| {row.apart:.0e} |'
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    engines = [*TORCH, *BACKENDS]
    parser.add_argument('--models', nargs='+', choices=SUBJECTS, default=list(SUBJECTS))
    parser.add_argument('--engines', nargs='+', choices=engines, default=engines)
    parser.add_argument('--batches', nargs='+', type=int, default=[1], choices=(1, 2, 3))
    parser.add_argument('--readme', action='store_true', help='write the table into README.md')
    parser.add_argument('--one', nargs=4, help=argparse.SUPPRESS)
    parser.add_argument('--prepare', nargs=2, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.prepare:
        prepare(told.prepare[0], Path(told.prepare[1]))
    elif told.one:
        model, engine, batch, folder = told.one
        print(json.dumps(asdict(measure(model, engine, int(batch), Path(folder)))))
    else:
        print(HEAD)
        rows = [r for model in told.models for r in rows_of(model, told.engines, told.batches)]
        if told.readme:
            _write('\n'.join([HEAD, *(_line(row, rows) for row in rows)]))


def _write(table: str) -> None:
    from readme import machine

    text = (ROOT / 'README.md').read_text()
    before, rest = text.split(BEGIN)
    body = f'{BEGIN}\n\n{table}\n\n{machine()}; one thread.\n\n{END}'
    (ROOT / 'README.md').write_text(before + body + rest.split(END)[1])


if __name__ == '__main__':
    main()
