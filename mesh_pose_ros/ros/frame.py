"""What all outputs of the node share: a frame to tell of and the publishers to tell it with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Person


class Publisher(Protocol):
    """What is needed of rclpy's publisher."""

    def publish(self, msg: bytes) -> None:
        """Send a serialised message."""

    def get_subscription_count(self) -> int:
        """How many listen."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One image with what was found in it; stamp in nanoseconds, latency in seconds."""

    image: NDArray[np.uint8]
    camera: Camera
    stamp_ns: int
    frame_id: str
    people: Sequence[Person]
    model_id: str
    latency: float
