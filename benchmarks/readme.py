"""
Measure what the README says and write it there.

    python benchmarks/readme.py [--photos DIR]

Runs the other benchmarks as their own commands, takes the lifter's figures from its card (where
``python -m training.evaluate lifter`` puts them) and replaces the README's table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from mesh_pose_ros.marked import Marked

HERE = Path(__file__).parent
ROOT = HERE.parent
PLACE = Marked('<!-- figures, by python benchmarks/readme.py -->', '<!-- figures end -->')


def run(script: str, *args: str) -> dict[str, Any]:
    """Run a benchmark and read the JSON it leaves."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / 'out.json'
        command = [sys.executable, str(HERE / script), *args, '--out', str(out)]
        subprocess.run(command, check=True, env=os.environ | {'PYTHONPATH': str(ROOT)})
        return json.loads(out.read_text())


def machine() -> str:
    """Processor and day, for a table's caption."""
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.is_file() else []
    model = next((n.split(':')[1].strip() for n in lines if n.startswith('model name')), '')
    return f'{model or platform.machine()}, {os.cpu_count()} cores, {date.today():%Y-%m-%d}'


def photographs(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Ours beside MediaPipe's own Python, on real photographs."""
    ours = found['pictures']['ours against MediaPipe']
    itself = found['pictures']['MediaPipe against itself']
    crowd, single = found['crowds']['ours'], found['crowds']['MediaPipe']
    by = 'benchmarks/mediapipe_parity.py'
    return [
        (
            f'people found in {ours["people"]} crops of real photographs',
            f'{ours["found by us, %"]:.1f} % (MediaPipe {ours["found by MediaPipe, %"]:.1f} %)',
            by,
        ),
        (
            '2D joints apart from MediaPipe, % of the box, median / mean of people',
            f'{ours["joints apart, median person, % of box"]:.2f} / '
            f'{ours["joints apart, mean of people, %"]:.2f} (MediaPipe from itself, one pixel '
            f'moved: {itself["joints apart, median person, % of box"]:.2f} / '
            f'{itself["joints apart, mean of people, %"]:.2f})',
            by,
        ),
        (
            'PCK@0.2 of the torso, labelled people',
            f'{ours["PCK ours, everybody, %"]:.1f} % '
            f'(MediaPipe {ours["PCK MediaPipe, everybody, %"]:.1f} %)',
            by,
        ),
        (
            f'labelled people found in {crowd["photographs"]} group photographs',
            f'{crowd["labelled people found, %"]:.1f} % '
            f'(MediaPipe {single["labelled people found, %"]:.1f} %)',
            by,
        ),
    ]


def clip(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The whole chain on the rendered clip."""
    seen, by = found['all'], 'benchmarks/clip_accuracy.py'
    return [
        ('demo clip: recall, false persons',
         f'{seen["recall"]:.3f}, {found["false persons"]}', by),
        ('demo clip: distance of the pelvis, median error', f'{seen["distance %"]:.1f} %', by),
        ('demo clip: MPJPE / PA-MPJPE', f'{seen["MPJPE mm"]:.0f} / {seen["PA mm"]:.0f} mm', by),
    ]  # fmt: skip


def lifter() -> list[tuple[str, str, str]]:
    """Mesh from joints, as its card says."""
    card = yaml.safe_load((ROOT / 'models/open_body_lift.yaml').read_text())['accuracy']
    by = 'training.evaluate lifter'
    return [
        ('mesh from true joints, mean vertex error, unseen recordings',
         f'{card["clips_true_joints_vertices_mm"]:.1f} mm', by),
        ('mesh from joints with the errors of networks',
         f'{card["clips_noisy_joints_vertices_mm"]:.1f} mm', by),
    ]  # fmt: skip


def cost(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Milliseconds on one core."""
    by = 'benchmarks/node_cost.py'
    return [
        ("node's own cost, 640x480, one person with mesh and markers, median / p95",
         '{:.1f} / {:.1f} ms'.format(*found['node']), by),
        ('all networks of it, median / p95', '{:.1f} / {:.1f} ms'.format(*found['networks']), by),
    ]  # fmt: skip


def table(rows: list[tuple[str, str, str]]) -> str:
    """Markdown of the rows."""
    head = ['| What | Figure | Command |', '| --- | --- | --- |']
    return '\n'.join([*head, *(f'| {what} | {value} | `{by}` |' for what, value, by in rows)])


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--photos', help='photographs with annotations.json')
    told = parser.parse_args()
    rows = photographs(
        run('mediapipe_parity.py', *(('--photos', told.photos) * bool(told.photos)))
    )
    rows += clip(run('clip_accuracy.py')) + lifter() + cost(run('node_cost.py'))
    PLACE.put(ROOT / 'README.md', f'{table(rows)}\n\n{machine()}.')


if __name__ == '__main__':
    main()
