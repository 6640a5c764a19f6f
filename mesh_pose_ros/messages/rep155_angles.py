"""
Rotations as the angles of REP-155's joints.

`human_description` gives each ball joint three hinges in a row. Arms and legs hang down (-z) at
zero, x is forward, y to the left; ``side`` is 1 on the left and -1 on the right, where axes are
mirrored. With Rx, Ry, Rz for turns about one axis:

shoulder  R = Rz(-side yaw) Rx(side pitch) Rz(side roll)
hip       R = Rz(-yaw) Rx(side pitch) Ry(-roll)
head      R = Rx(roll) Rz(yaw) Ry(-pitch)
elbow, knee  R = Ry(-bend): an elbow bends forward (+), a knee backward (-)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.rotations import TINY, minimal_rotation

Array = NDArray[np.floating]
Angles = tuple[float, float, float]

POLE = 1e-10  # sine below which two hinges are in one line and share their angle as they like
STRAIGHT = 0.002  # sine of a bend below which the twist, not the bend, says where a hinge is
HYPEREXTENSION = np.sin(np.deg2rad(20))  # a joint this little bent may be bent the wrong way
# of people's shoulders, as human_description has them: yaw, pitch, roll
LOW, HIGH = np.array([-1.1, -0.4, -1.7]), np.array([1.9, 3.3, 1.5])


def turn(axis: int, angle: float) -> Array:
    """The matrix that turns about x (0), y (1) or z (2), (3, 3)."""
    made = np.eye(3)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    made[i, i] = made[j, j] = np.cos(angle)
    made[j, i] = np.sin(angle)
    made[i, j] = -made[j, i]
    return made


def shoulder_angles(rotation: Array, side: int, yaw_before: float = 0.0) -> Angles:
    """
    Yaw, pitch and roll of a shoulder.

    Of the two ways to turn there, the one that people's shoulders can do better.

    :param rotation: upper arm -> torso, (3, 3)
    :param yaw_before: taken where an arm straight down or up leaves the yaw free
    """
    mirror = np.diag([1.0, side, 1.0])
    q = mirror @ rotation @ mirror  # the left arm's
    sine = np.hypot(q[0, 2], q[1, 2])
    yaw = -np.arctan2(q[0, 2], -q[1, 2]) if sine > POLE else yaw_before
    pitch = np.arctan2(sine, q[2, 2])
    ways = [_with_roll(q, yaw, pitch), _with_roll(q, yaw + np.pi, -pitch)]
    return min(ways, key=_strain)


def _with_roll(q: Array, yaw: float, pitch: float) -> Angles:
    rest = turn(0, -pitch) @ turn(2, yaw) @ q
    return _wrapped(yaw), float(pitch), float(np.arctan2(rest[1, 0], rest[0, 0]))


def _strain(angles: Angles) -> float:
    """How far beyond a shoulder's limits, square radians."""
    values = np.array(angles)
    return float((np.clip(values, LOW, HIGH) - values) @ (np.clip(values, LOW, HIGH) - values))


def hip_angles(rotation: Array, side: int, yaw_before: float = 0.0) -> Angles:
    """
    Yaw, pitch and roll of a hip.

    :param rotation: thigh -> pelvis, (3, 3)
    :param yaw_before: taken where a leg stretched straight aside leaves the yaw free
    """
    cosine = np.hypot(rotation[0, 1], rotation[1, 1])
    yaw = np.arctan2(rotation[0, 1], rotation[1, 1]) if cosine > POLE else yaw_before
    pitch = side * np.arctan2(rotation[2, 1], cosine)
    rest = turn(0, -side * pitch) @ turn(2, yaw) @ rotation
    return _wrapped(yaw), float(pitch), float(np.arctan2(-rest[0, 2], rest[0, 0]))


def head_angles(rotation: Array, roll_before: float = 0.0) -> Angles:
    """
    Roll, yaw and pitch of a head.

    :param rotation: head -> torso, (3, 3)
    :param roll_before: taken where a head turned by a right angle leaves the roll free
    """
    cosine = np.hypot(rotation[1, 1], rotation[2, 1])
    roll = np.arctan2(rotation[2, 1], rotation[1, 1]) if cosine > POLE else roll_before
    yaw = np.arctan2(-rotation[0, 1], cosine)
    rest = turn(2, -yaw) @ turn(0, -roll) @ rotation
    return _wrapped(roll), float(yaw), float(np.arctan2(-rest[0, 2], rest[0, 0]))


def limb_frame(upper: Array, lower: Array, front: Array, bends: int) -> tuple[Array, float]:
    """
    The frame of an upper arm or thigh, and the bend of the elbow or knee below it.

    The axis of the hinge is where the bend shows it. A straight limb does not, so there, and
    where a nearly straight one seems to be bent the wrong way, its twist decides.

    :param upper, lower: along the bones, away from the body, (3,) each
    :param front: forward of the upper bone as its twist has it, (3,)
    :param bends: 1 if the hinge bends forward, -1 if backward
    :return: axes of the upper bone, (3, 3), and the bend, radians
    """
    up = -upper / np.linalg.norm(upper)
    aside = bends * _across(lower / np.linalg.norm(lower), up)
    front = _across(front, up)
    if aside @ front < 0 and np.linalg.norm(aside) < HYPEREXTENSION and lower @ up < 0:
        aside = -aside
    x = aside + STRAIGHT * front
    if np.linalg.norm(x) < TINY:
        x = minimal_rotation((0.0, 0.0, 1.0), up)[:, 0]
    x = x / np.linalg.norm(x)
    frame = np.stack([x, np.cross(up, x), up], axis=-1)
    return frame, float(np.arctan2(lower @ x, -lower @ up))


def _across(vector: Array, axis: Array) -> Array:
    return vector - axis * (vector @ axis)


def _wrapped(angle: float) -> float:
    return float(np.arctan2(np.sin(angle), np.cos(angle)))
