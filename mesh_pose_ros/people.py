"""
What the pipeline knows about people, as frozen values of arrays.

Frames: *image* is pixels of the original image, pixel centres at whole numbers, u right,
v down. *Camera* is the optical frame of the camera: x right, y down, z forward, metres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, IntFlag
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.skeletons import Skeleton, joint_mixer, mixed

Array = NDArray[np.floating]


class TrackState(IntEnum):
    """The life of a track; values as in Person.msg."""

    TENTATIVE = 0
    TRACKED = 1
    OCCLUDED = 2
    LOST = 3


class Flags(IntFlag):
    """What to know before trusting an estimate; values as in Person.msg."""

    NONE = 0
    TRUNCATED = 1
    INTERPOLATED = 2
    SMOOTHED = 4
    FALLBACK_INTRINSICS = 8
    OUT_OF_RANGE = 16


@dataclass(frozen=True)
class Region:
    """
    A square of the image, perhaps turned: what a crop shows.

    :param centre: (u, v) in image pixels
    :param side: pixels
    :param angle: radians, clockwise as seen in the image; the crop's x axis points there
    """

    centre: tuple[float, float]
    side: float
    angle: float = 0.0


@dataclass(frozen=True)
class Box:
    """
    A person found in an image.

    :param x, y, width, height: image pixels, top left corner and size
    :param score: 0 to 1
    :param region: where a crop should look, if the detector knows better than the box
    """

    x: float
    y: float
    width: float
    height: float
    score: float = 1.0
    region: Region | None = None

    @property
    def xywh(self) -> Array:
        """The box as an array, (4,)."""
        return np.array([self.x, self.y, self.width, self.height])

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box in image pixels."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, eq=False)
class Pose:
    """
    The joints of one person.

    :param skeleton: names and order of the joints
    :param joints2d: (J, 2) image pixels
    :param joints3d: (J, 3) metres, camera frame, absolute
    :param confidence: (J,) 0 to 1, chance that the joint is where it is said to be
    """

    skeleton: Skeleton
    joints2d: Array
    joints3d: Array
    confidence: Array

    @cached_property  # several stages and messages ask
    def pelvis(self) -> Array:
        """
        Middle of the hips, or of all known joints where the skeleton has no hips, (3,), metres.

        Only a joint that it is made of makes it none (NaN).
        """
        mixer = _pelvis_mixer(self.skeleton)
        if mixer.any():
            return mixed(mixer, self.joints3d)[0]
        known = self.joints3d[np.isfinite(self.joints3d).all(axis=1)]
        return known.mean(axis=0) if len(known) else np.full(3, np.nan)


@lru_cache(maxsize=64)
def _pelvis_mixer(skeleton: Skeleton) -> Array:
    return joint_mixer(skeleton, ('pelvis',))


@dataclass(frozen=True, eq=False)
class Topology:
    """
    What all meshes of one body model share.

    :param name: body model, e.g. 'open_body'
    :param faces: (F, 3) vertex indices, counter-clockwise from outside
    :param skeleton: the joints that move the body
    """

    name: str
    vertex_count: int
    faces: NDArray[np.int32]
    skeleton: Skeleton | None = None


@dataclass(frozen=True, eq=False)
class Mesh:
    """
    A body surface with the joints that move it.

    :param vertices: (V, 3) metres, camera frame, absolute
    :param joints: (B, 3) metres, camera frame: the body model's joints, None if unknown
    :param rotations: (B, 3, 3) joint axes to camera frame, None if unknown; the axes are the
        body model's rest pose axes (x to the person's left, y up, z forward)
    :param shape: shape coefficients (betas), None if unknown
    """

    topology: Topology
    vertices: Array
    joints: Array | None = None
    rotations: Array | None = None
    shape: Array | None = None

    @property
    def is_sound(self) -> bool:
        """Whether all places and turns are numbers."""
        parts = (self.vertices, self.joints, self.rotations)
        return all(part is None or bool(np.isfinite(part).all()) for part in parts)


@dataclass(frozen=True, eq=False)
class Person:
    """
    One person in one frame.

    :param parameters: what else a network says, by the name of its output; never smoothed. See
        `pipeline.parameters`
    """

    box: Box
    score: float
    pose: Pose
    mesh: Mesh | None = None
    track_id: int = 0
    state: TrackState = TrackState.TRACKED
    age: float = 0.0  # seconds since the track began
    velocity: Array | None = None  # (3,) m/s of the pelvis, camera frame
    depth_stddev: float = float('nan')  # metres
    flags: Flags = Flags.NONE
    parameters: Mapping[str, Array] = field(default_factory=dict)

    def with_(self, **changes: object) -> Person:
        """Return a copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]
