"""
A camera for machines without one: images from anywhere as Image and CameraInfo topics.

    ros2 run mesh_pose_ros replay people.mp4 --loop
    ros2 run mesh_pose_ros replay 0                   # the first webcam
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import rclpy
from rclpy.node import Node
from rclpy.utilities import remove_ros_args
from rich.console import Console
from rich.progress import Progress
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from mesh_pose_ros.errors import MeshPoseError
from mesh_pose_ros.messages.cameras import camera_info, read_camera_yaml
from mesh_pose_ros.messages.images import compressed_message, image_message
from mesh_pose_ros.messages.types import encode
from mesh_pose_ros.ros.qos import RELIABILITY, profile
from mesh_pose_ros.ros.session import ros
from mesh_pose_ros.sources import FOLDER_RATE, Frame, Source, open_source

PATIENCE = 60.0  # seconds to wait for listeners
LATE = 1_000_000_000  # nanoseconds behind its time after which a frame is not hurried any more
AFTERGLOW = 0.5  # seconds the last images have to arrive


class Camera(Node):
    """Publishes frames with their calibration."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__('replay')
        quality = profile(options.depth, options.qos)
        kind, topic = (CompressedImage, 'image/compressed') if options.jpeg else (Image, 'image')
        self._make = compressed_message if options.jpeg else image_message
        self._frame_id = options.frame_id
        self._images = self.create_publisher(kind, topic, quality)
        self._infos = self.create_publisher(CameraInfo, 'camera_info', quality)

    def wait_for_listeners(self, count: int) -> None:
        """Wait until so many take images, and calibration too."""
        start = time.monotonic()
        while self._listeners() < count:
            if time.monotonic() - start > PATIENCE:
                raise MeshPoseError(
                    f'{self._listeners()} instead of {count} listen to {self._images.topic} and '
                    f'{self._infos.topic} after {PATIENCE:.0f} s; is the node up, with the same '
                    'ROS_DOMAIN_ID and topics?'
                )
            rclpy.spin_once(self, timeout_sec=0.1)

    def _listeners(self) -> int:
        return min(p.get_subscription_count() for p in (self._images, self._infos))

    def show(self, frame: Frame) -> None:
        """Publish a frame; the calibration first, so that it is known when the image comes."""
        if frame.camera is not None:
            info = camera_info(frame.camera, frame.stamp_ns, self._frame_id)
            self._infos.publish(encode(info))
        self._images.publish(encode(self._make(frame.image, frame.stamp_ns, self._frame_id)))


def paced(
    frames: Iterable[Frame], speed: float, *, keep_stamps: bool, gap_ns: int = round(1e9 / 30)
) -> Iterator[Frame]:
    """
    Give each frame when its time has come.

    :param speed: 1 as recorded, 0 as fast as they are read
    :param keep_stamps: leave the stamps of the source; else they are the time of day
    :param gap_ns: from the last frame to the first one when the source starts again, until a
        better value is seen
    """
    due = before = 0
    for frame in frames:
        if not due or not speed:
            due = time.time_ns()
        else:
            step = frame.stamp_ns - before
            gap_ns = step if step > 0 else gap_ns
            due += round(gap_ns / speed)
            late = time.time_ns() - due
            due += late if late > LATE else 0  # a slow machine plays slowly, not in the past
        before = frame.stamp_ns
        time.sleep(max(0.0, (due - time.time_ns()) / 1e9))
        yield frame if keep_stamps else replace(frame, stamp_ns=due)


def rounds(source: Source, *, loop: bool) -> Iterator[Frame]:
    """All frames of a source, again and again if asked to."""
    while True:
        empty = True
        for frame in source:
            empty = False
            yield frame
        if empty or not loop:
            return


def play(camera: Camera, source: Source, options: argparse.Namespace) -> int:
    """Publish the whole source, again and again if asked to; the number of frames sent."""
    gap_ns = round(1e9 / (options.rate or FOLDER_RATE))
    frames = rounds(source, loop=options.loop)
    total = options.count or (None if options.loop else source.count or None)
    sent = 0
    with Progress(console=Console(stderr=True), disable=options.quiet) as bar:
        task = bar.add_task('frames', total=total)
        for frame in paced(frames, options.speed, keep_stamps=options.keep_stamps, gap_ns=gap_ns):
            camera.show(frame)
            sent += 1
            bar.advance(task)
            if not rclpy.ok() or sent == options.count:
                break
    return sent


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    made = argparse.ArgumentParser('replay', description=__doc__.split('\n\n')[0])
    add = made.add_argument
    add('source', help='video, folder of pictures, picture, bag, webcam number or /dev/video*')
    add('--rate', type=float, default=0.0, help='frames a second of pictures or video')
    add('--speed', type=float, default=1.0, help='1 as recorded, 0 as fast as possible')
    add('--loop', action='store_true', help='start again at the end')
    add('--count', type=int, default=0, help='stop after so many frames')
    add('--camera', type=Path, help='calibration, YAML as camera_calibration writes it')
    add('--fov', type=float, help='horizontal field of view in degrees, if there is none')
    add('--topic', default='', help='image topic of a bag that has several')
    add('--frame-id', default='camera_optical_frame', help='frame of the images')
    add('--jpeg', action='store_true', help='publish image/compressed')
    add('--qos', choices=tuple(RELIABILITY), default='reliable')
    add('--depth', type=int, default=5, help='images kept for a slow listener')
    add('--keep-stamps', action='store_true', help='stamps of the source, not the time of day')
    add('--wait', type=int, default=0, help='wait until so many listen to images')
    add('--quiet', action='store_true', help='no progress bar')
    return made


def main(args: list[str] | None = None) -> int:
    """Play a source; 0 when all was sent or it was interrupted, 1 if it cannot be read."""
    args = sys.argv[1:] if args is None else args
    options = parser().parse_args(remove_ros_args(['replay', *args])[1:])
    try:
        with ros(args):
            return _run(options)
    except MeshPoseError as err:
        print(f'replay: {err}', file=sys.stderr)
        return 1
    return 0  # interrupted


def _run(options: argparse.Namespace) -> int:
    calibration = read_camera_yaml(options.camera) if options.camera else None
    source = open_source(
        options.source, camera=calibration, fov=options.fov, rate=options.rate, topic=options.topic
    )
    camera = Camera(options)
    if options.wait:
        camera.wait_for_listeners(options.wait)
    start = time.monotonic()
    sent = play(camera, source, options)
    seconds = time.monotonic() - start
    time.sleep(AFTERGLOW)
    for problem in source.problems:
        print(f'replay: {problem}', file=sys.stderr)
    print(f'replay: {sent} frames in {seconds:.1f} s')
    camera.destroy_node()
    return 0 if sent or not rclpy.ok() else 1


if __name__ == '__main__':
    sys.exit(main())
