"""
The main job on a machine without a camera: replay -> node -> recorder, then pictures of it.

Three processes talk over DDS as they do on a robot; nothing is handed over inside Python. What
the recorder wrote is then drawn, and compared with the floor that the clip was made with.

    python -m mesh_pose_ros.ros.demo --out output/demo
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from mesh_pose_ros.bag.pictures import draw_recording, moments
from mesh_pose_ros.errors import MeshPoseError
from mesh_pose_ros.messages.types import shared_folder
from mesh_pose_ros.render import Ground
from mesh_pose_ros.ros.large_images import make_room_for_images

RELIABLE = 'image.reliability:=reliable'  # a clip is to be seen whole, not as fresh as possible
QUIET = 4  # seconds without a message after which the recorder ends
PATIENCE = 120  # seconds for the node to load its networks
STOP = 20  # seconds for a process to end after Ctrl-C
TELL = Console(stderr=True)


class DemoError(MeshPoseError):
    """A process of the demo failed."""


def start(module: str, *args: str) -> subprocess.Popen[bytes]:
    """Start a program of this package as its own process."""
    return subprocess.Popen([sys.executable, '-m', f'mesh_pose_ros.ros.{module}', *args])


def stop(process: subprocess.Popen[bytes]) -> int:
    """End a process as Ctrl-C does; its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        return process.wait(STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def record(clip: Path, out: Path, node_args: list[str], replay_args: list[str]) -> dict[str, Any]:
    """
    Let replay, node and recorder run until the clip is over.

    :return: the recorder's figures
    :raises DemoError: one of them did not end well
    """
    summary = out.with_suffix('.json')
    summary.unlink(missing_ok=True)
    node = start('node', '--ros-args', '-p', RELIABLE, '-p', 'publish.tf:=joints', *node_args)
    recorder = start(
        'recorder', str(out), '--qos', 'reliable', '--idle', str(QUIET),
        '--patience', str(PATIENCE), '--summary', str(summary),
    )  # fmt: skip
    replay = start('replay', str(clip), '--wait', '2', *replay_args)
    processes = {'replay': replay, 'recorder': recorder, 'node': node}
    try:
        _wait(processes)
    finally:
        codes = {name: stop(process) for name, process in processes.items()}
    failed = [f'{name} ended with {code}' for name, code in codes.items() if code]
    if failed:
        raise DemoError(f'{", ".join(failed)}; its last words are above')
    return json.loads(summary.read_text())


def _wait(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    """Until the recorder has heard the end; a dead node or replay would never let it."""
    while processes['recorder'].poll() is None:
        for name in ('node', 'replay'):
            if processes[name].poll():  # ended, and not with 0
                return
        time.sleep(0.1)


def ground_of(clip: Path) -> Ground | None:
    """The floor of a rendered clip, from the truth beside it."""
    truth = clip.with_name(f'{clip.stem}_truth.npz')
    if not truth.is_file():
        return None
    with np.load(truth) as known:
        plane = known['ground']
    return Ground(plane[:3], float(plane[3]))


def feet_above(path: Path, ground: Ground) -> float:
    """Median height of the lowest point of every mesh of a recording over the floor, metres."""
    heights = [
        float((person.mesh.vertices @ ground.up).min()) + ground.height
        for moment in moments(path)
        for person in moment.people
        if person.mesh is not None
    ]
    return float(np.median(heights)) if heights else float('nan')


def main(args: list[str] | None = None) -> int:
    """Run the demo; 0 when people were seen and drawn."""
    made = argparse.ArgumentParser('demo', description=__doc__.strip().split('\n')[0])
    made.add_argument('--out', type=Path, default=Path('output/demo'), help='folder for results')
    made.add_argument('--clip', default=shared_folder() / 'demo/people.mp4', type=Path)
    made.add_argument('--speed', default='1.0', help='1 as recorded; less if the machine is slow')
    made.add_argument('--model', default='default', help='name of a model, or path to its card')
    options = made.parse_args(args)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no process is left behind
    _settle()
    try:
        return _run(options)
    except MeshPoseError as err:
        TELL.print(f'demo: {err}', style='red', markup=False)
        return 1


def _settle() -> None:
    """Speak to no other robot: own domain, this machine only, unless the user chose one."""
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    os.environ.setdefault('ROS_LOCALHOST_ONLY', '1')  # the same, before Iron
    make_room_for_images()


def _run(options: argparse.Namespace) -> int:
    options.out.mkdir(parents=True, exist_ok=True)
    bag, ground = options.out / 'people.mcap', ground_of(options.clip)
    bag.unlink(missing_ok=True)
    figures = record(
        options.clip, bag, ['-p', f'model.name:={options.model}'], ['--speed', options.speed]
    )
    with TELL.status('drawing what was recorded'):
        files = draw_recording(bag, options.out, ground)
    if ground:
        print(f'feet above the floor: {100 * feet_above(bag, ground):+.1f} cm (median)')
    for path in (bag, *files):
        print(f'{path}  {path.stat().st_size / 1e6:.1f} MB')
    return 0 if figures['persons'] else 1


if __name__ == '__main__':
    sys.exit(main())
