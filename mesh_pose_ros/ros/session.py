"""ROS for the programs of this package: large images get through, Ctrl-C ends them well."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import rclpy
from rclpy.executors import ExternalShutdownException

from mesh_pose_ros.ros.large_images import make_room_for_images


@contextmanager
def ros(args: list[str] | None) -> Iterator[None]:
    """
    Initialise ROS for a program that sends images and that an interrupt ends well.

    rclpy shuts its context down on SIGINT and SIGTERM, which ends spinning; then Python would
    raise KeyboardInterrupt too, perhaps in the midst of cleaning up. So that is switched off.
    """
    signal.signal(signal.SIGINT, lambda *_: None)
    make_room_for_images()
    rclpy.init(args=args)
    try:
        yield
    except ExternalShutdownException:
        pass
    except Exception:
        if rclpy.ok():  # else the interrupt took ROS away in the midst of a call
            raise
    finally:
        rclpy.try_shutdown()
