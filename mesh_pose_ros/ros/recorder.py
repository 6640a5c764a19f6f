"""
Records what the node says into an MCAP file that viewers open without a workspace.

    ros2 run mesh_pose_ros recorder out.mcap

Ends by Ctrl-C, or by itself when nothing has come for a while (`--idle`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.utilities import remove_ros_args

from mesh_pose_ros.bag.writing import McapFile
from mesh_pose_ros.errors import MeshPoseError
from mesh_pose_ros.messages.images import compressed_message, to_rgb
from mesh_pose_ros.messages.types import decode, encode, stamp_ns
from mesh_pose_ros.ros.interface import INPUTS, NODE, OUTPUTS, Topic
from mesh_pose_ros.ros.message_classes import message_class
from mesh_pose_ros.ros.qos import RELIABILITY, profile
from mesh_pose_ros.ros.session import ros
from mesh_pose_ros.ros.statistics import Complaints

TOPICS = {topic.name: topic for topic in INPUTS} | OUTPUTS
NOT_ASKED = ('overlay',)  # left out unless named: a second copy of the image
DEPTH = 50  # messages that may wait while the disk is slow
QUALITY = 85  # of the JPEG that images are recorded as


class Tally:
    """What was heard, in numbers."""

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()
        self.persons: list[int] = []  # in each image
        self.tracks: set[int] = set()
        self._times: dict[str, list[float]] = defaultdict(list)
        self._stages: dict[str, list[float]] = defaultdict(list)

    def add(self, name: str, data: bytes) -> None:
        """Count a serialised message of a topic in `TOPICS`."""
        self.messages[name] += 1
        self._times[name].append(time.monotonic())
        if name == 'persons':
            array = decode(data, TOPICS[name].kind)
            self.persons.append(len(array.persons))
            self.tracks |= {person.track_id for person in array.persons}
        elif name == 'latency':
            for value in decode(data, TOPICS[name].kind).status[0].values:
                self._stages[value.key].append(float(value.value))

    def rate(self, name: str) -> float:
        """Messages a second between the first and the last."""
        times = self._times[name]
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0

    def summary(self) -> dict[str, Any]:
        """All of it, ready for JSON; milliseconds."""
        return {
            'messages': dict(self.messages),
            'images_in': self.messages['image'],
            'images_out': self.messages['persons'],
            'images_with_persons': sum(count > 0 for count in self.persons),
            'persons': sum(self.persons),
            'most_persons': max(self.persons, default=0),
            'tracks': len(self.tracks),
            'fps_in': self.rate('image'),
            'fps_out': self.rate('persons'),
            'latency_ms': {
                stage: dict(zip(('p50', 'p95'), np.percentile(values, [50, 95]).tolist()))
                for stage, values in self._stages.items()
            },
        }


def as_text(summary: dict[str, Any]) -> str:
    """The summary as lines for people."""
    lines = [
        'images in {images_in} ({fps_in:.1f}/s), out {images_out} ({fps_out:.1f}/s), with persons '
        '{images_with_persons}'.format(**summary),
        'persons {persons}, at most {most_persons} in an image, {tracks} tracks'.format(**summary),
        f'{"stage":12} {"p50":>8} {"p95":>8}  ms',
    ]
    for stage, of in summary['latency_ms'].items():
        lines.append(f'{stage:12} {of["p50"]:8.1f} {of["p95"]:8.1f}')
    counts = ', '.join(f'{name} {count}' for name, count in summary['messages'].items())
    return '\n'.join([*lines, f'recorded: {counts}'])


class Recorder(Node):
    """
    Writes the messages of some topics as they come.

    It listens to the node first and to the camera when the node is there, so whoever waits for
    its interest in images (`replay --wait`) knows that no result will be missed.
    """

    def __init__(self, file: McapFile, names: list[str], node: str, image_qos: str) -> None:
        super().__init__('recorder')
        self.tally = Tally()
        self.last = time.monotonic()
        self._file, self._image_qos, self._node = file, image_qos, node
        self._complaints = Complaints()
        self._outputs = [self._listen(name) for name in names if TOPICS[name] not in INPUTS]
        self._inputs = [name for name in names if TOPICS[name] in INPUTS]
        self._timer = self.create_timer(0.1, self._on_timer)

    def _on_timer(self) -> None:
        """Listen to the camera as soon as everything else is connected."""
        if all(self.count_publishers(topic) for topic in self._outputs):
            self._timer.cancel()
            for name in self._inputs:
                self._listen(name)

    def _listen(self, name: str) -> str:
        """Subscribe to a topic; its full name."""
        topic: Topic = TOPICS[name]
        resolved = self.resolve_topic_name(topic.name.replace('~', self._node))
        is_image = topic.kind == 'sensor_msgs/Image'
        kind = 'sensor_msgs/CompressedImage' if is_image else topic.kind
        written = f'{resolved}/compressed' if is_image else resolved
        channel = self._file.channel(written, kind, latched=topic.latched)

        def on_message(data: bytes) -> None:
            try:
                data = _smaller(data) if is_image else data
                self.tally.add(name, data)
            except Exception as err:  # one broken message does not end the recording
                if self._complaints.is_new(f'{name}: {err}'):
                    self.get_logger().error(f'{resolved}: a message is left out: {err}')
                return
            if name != 'diagnostics':  # comes for ever
                self.last = time.monotonic()
            self._file.write(channel, data, time.time_ns())

        reliability = self._image_qos if topic in INPUTS else 'reliable'
        quality = profile(DEPTH, reliability, latched=topic.latched)
        self.create_subscription(
            message_class(topic.kind), resolved, on_message, quality, raw=True
        )
        return resolved


def _smaller(data: bytes) -> bytes:
    """A serialised Image as a CompressedImage."""
    msg = decode(data, 'sensor_msgs/Image')
    rgb = to_rgb(msg)
    return encode(compressed_message(rgb, stamp_ns(msg), msg.header.frame_id, QUALITY))


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    made = argparse.ArgumentParser('recorder', description=__doc__.split('\n\n')[0])
    add = made.add_argument
    names = [name for name in TOPICS if name not in NOT_ASKED]
    add('out', type=Path, help='MCAP file to write')
    add('--topics', default=','.join(names), help=f'of {", ".join(TOPICS)}; default %(default)s')
    add('--node', default=NODE, help='name of the node to listen to')
    add('--qos', choices=tuple(RELIABILITY), default='best_effort', help='of the images')
    add('--idle', type=float, default=0.0, help='end when nothing came for so many seconds')
    add('--patience', type=float, default=60.0, help='seconds to wait for the first image result')
    add('--summary', type=Path, help='JSON file for the figures')
    return made


def main(args: list[str] | None = None) -> int:
    """Record; 0 when at least one result was recorded, else 1."""
    args = sys.argv[1:] if args is None else args
    options = parser().parse_args(remove_ros_args(['recorder', *args])[1:])
    try:
        with ros(args):
            return _run(options)
    except MeshPoseError as err:
        print(f'recorder: {err}', file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> int:
    names = options.topics.split(',')
    unknown = [name for name in names if name not in TOPICS]
    if unknown:
        raise MeshPoseError(f'no topic {", ".join(unknown)}; there are {", ".join(TOPICS)}')
    with McapFile(options.out) as file:
        recorder = Recorder(file, names, options.node, options.qos)
        try:
            _spin(recorder, options)
        except ExternalShutdownException:
            pass
        finally:
            recorder.destroy_node()
    summary = recorder.tally.summary()
    print(as_text(summary))
    print(f'recorder: {options.out}')
    if options.summary:
        options.summary.write_text(json.dumps(summary, indent=1))
    return 0 if summary['images_out'] else 1


def _spin(recorder: Recorder, options: argparse.Namespace) -> None:
    """Listen until interrupted, or until it has become quiet."""
    while rclpy.ok():
        rclpy.spin_once(recorder, timeout_sec=0.2)
        silence = time.monotonic() - recorder.last
        begun = recorder.tally.messages['persons'] > 0
        if options.idle and silence > (options.idle if begun else options.patience):
            return


if __name__ == '__main__':
    sys.exit(main())
