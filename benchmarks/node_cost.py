"""
What the node costs beside its networks: milliseconds an image, on one core.

    python benchmarks/node_cost.py [SOURCE] [--frames 200] [--persons 1]

SOURCE is a video, picture or folder with people, by default the demo's clip; its first image is
shown again and again, as 640x480, 30 times a second. A second process, on another core if there
is one, sends the images over DDS and listens to persons, meshes, markers, mesh markers and TF.
'take' is the way of the bytes from DDS to Python, 'own' everything from these bytes to the last
published message but the networks; their sum is the node's own cost.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

ROOT = Path(__file__).parents[1]
CLIP = ROOT / 'demo' / 'people.mp4'
SIZE, FOV = (640, 480), 60.0
RATE = 30.0  # images a second, as cameras give
HEARD = ('persons', 'meshes', 'markers', 'mesh_markers', 'tf')
NETWORK = {
    'ROS_DOMAIN_ID': str(10 + os.getpid() % 90),
    'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
    'OMP_NUM_THREADS': '1',
}


def picture(source: Path) -> np.ndarray:
    """The first image of a source, 640x480 RGB with nothing squeezed."""
    from mesh_pose_ros.sources import open_source

    image = next(iter(open_source(source))).image
    scale = min(SIZE[0] / image.shape[1], SIZE[1] / image.shape[0])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small
    return canvas


def other_side(source: Path) -> None:
    """Show the picture and listen to everything, until killed."""
    import rclpy
    from sensor_msgs.msg import Image

    from mesh_pose_ros.messages.images import image_message
    from mesh_pose_ros.messages.types import encode
    from mesh_pose_ros.ros.interface import OUTPUTS
    from mesh_pose_ros.ros.node import message_class
    from mesh_pose_ros.ros.qos import profile

    image, stamp = picture(source), 0
    rclpy.init()
    node = rclpy.create_node('other_side')
    for name in HEARD:
        topic = OUTPUTS[name]
        kind, place = message_class(topic.kind), topic.name.replace('~', 'node_cost')
        node.create_subscription(kind, place, lambda data: None, profile(topic.depth), raw=True)
    publisher = node.create_publisher(Image, 'image', profile(1))
    while True:
        stamp += round(1e9 / RATE)
        publisher.publish(encode(image_message(image, stamp, 'camera_optical_frame')))
        end = time.monotonic() + 1 / RATE
        while time.monotonic() < end:
            rclpy.spin_once(node, timeout_sec=0.01)


def measure(source: Path, frames: int, persons: int) -> dict[str, np.ndarray]:
    """Seconds of each stage for each image."""
    import rclpy
    from sensor_msgs.msg import Image

    from mesh_pose_ros.geometry.camera import Camera
    from mesh_pose_ros.messages.cameras import camera_info
    from mesh_pose_ros.pipeline.mesh_pose import MeshPose
    from mesh_pose_ros.ros.camera_watch import CameraWatch
    from mesh_pose_ros.ros.interface import OUTPUTS
    from mesh_pose_ros.ros.node import message_class
    from mesh_pose_ros.ros.outputs import Outputs
    from mesh_pose_ros.ros.parameters import DEFAULTS, options_from
    from mesh_pose_ros.ros.processing import Arrival, Processing
    from mesh_pose_ros.ros.qos import profile

    values = DEFAULTS | {'model.threads': 1, 'detection.max_persons': persons}
    values['publish.tf'] = 'joints'
    rclpy.init()
    node = rclpy.create_node('node_cost')
    publishers = {
        name: node.create_publisher(
            message_class(topic.kind), topic.name, profile(topic.depth, latched=topic.latched)
        )
        for name, topic in OUTPUTS.items()
    }
    images = node.create_subscription(Image, 'image', lambda data: None, profile(1), raw=True)
    watch = CameraWatch('camera_info')
    watch.update(camera_info(Camera.from_fov(FOV, SIZE), 0, ''))
    notes = Notes()
    processing = Processing(
        MeshPose.open(options_from(values)), watch, Outputs(publishers), notes,
        node.get_logger(), values,
    )  # fmt: skip
    while not all(publishers[name].get_subscription_count() for name in HEARD):
        time.sleep(0.05)
    with Progress() as bar:
        task = bar.add_task('images', total=frames)
        while len(notes.rows) < frames + 20:
            start = time.perf_counter()
            taken = images.handle.take_message(Image, True)
            took = time.perf_counter() - start
            if taken is None:
                time.sleep(0.002)
                continue
            notes.took = took
            processing(Arrival(bytes(taken[0]), 'sensor_msgs/Image', time.monotonic()))
            bar.update(task, completed=len(notes.rows) - 20)
    found = notes.rows[20:]  # the first ones warm up
    if notes.persons != persons:
        raise SystemExit(f'{notes.persons} persons were found, not {persons}: other SOURCE?')
    return {stage: np.array([row[stage] for row in found]) for stage in found[0]}


class Notes:
    """Takes down what `Processing` tells its statistics."""

    def __init__(self) -> None:
        from collections import Counter

        self.rows: list[dict[str, float]] = []
        self.counts: Counter[str] = Counter()
        self.took = 0.0
        self.persons = -1

    def finished(
        self, seconds: Mapping[str, float], persons: int, left_out: Mapping[str, int]
    ) -> None:
        """Note the stages of an image."""
        node = self.took + seconds['own']
        self.rows.append({'take': self.took, **seconds, 'node': node})
        self.persons = persons

    def bad(self, kind: str) -> None:
        """Stop: nothing should be bad here."""
        raise SystemExit(kind)


def show(stages: dict[str, np.ndarray]) -> None:
    """Print a table of medians and 95th percentiles."""
    table = Table(title='one core, 640x480 in, milliseconds')
    for column in ('stage', 'median', 'p95'):
        table.add_column(column, justify='left' if column == 'stage' else 'right')
    for stage, seconds in stages.items():
        if stage not in ('wait', 'total'):
            p50, p95 = np.percentile(seconds * 1e3, [50, 95])
            table.add_row(stage, f'{p50:.2f}', f'{p95:.2f}', style='bold' * (stage == 'node'))
    Console().print(table)


def pin(core: int) -> None:
    """Keep this process on one core, before other work there if that is allowed."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def main() -> None:
    """Measure with the other side in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('source', type=Path, nargs='?', default=CLIP)
    parser.add_argument('--frames', type=int, default=200)
    parser.add_argument('--persons', type=int, default=1)
    parser.add_argument('--out', type=Path, help='write medians and 95th percentiles as JSON')
    parser.add_argument('--other-side', action='store_true', help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.other_side:
        pin(1)
        other_side(options.source)
    for name, value in NETWORK.items():
        os.environ.setdefault(name, value)
    other = subprocess.Popen([sys.executable, __file__, str(options.source), '--other-side'])
    pin(0)
    try:
        stages = measure(options.source, options.frames, options.persons)
    finally:
        other.kill()
    show(stages)
    if options.out:
        found = {stage: np.percentile(s * 1e3, [50, 95]).tolist() for stage, s in stages.items()}
        options.out.write_text(json.dumps(found, indent=1))


if __name__ == '__main__':
    main()
