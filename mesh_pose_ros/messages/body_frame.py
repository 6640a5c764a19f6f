"""
Where a person is and which way they face, as ROS means it.

The body frame of REP-155: origin midway between the hips, x forward out of the chest, y to the
person's left, z toward the head. Body models rest with x to the left, y up, z forward; here
every frame of theirs is renamed to ROS' axes, so a person at rest has all frames alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.rotations import global_to_relative, matrix_to_quaternion_xyzw
from mesh_pose_ros.people import Person, Pose
from mesh_pose_ros.skeletons import Skeleton, joint_mixer, mixed

Array = NDArray[np.floating]

FORWARD_LEFT_UP = (2, 0, 1)  # columns of a body model's rotation
# Parts of the standing height (Drillis and Contini, 1966): ankle to knee, knee to hip, hip to
# shoulder, with the joints in one line
LEG_AND_TRUNK = 0.246 + 0.245 + 0.288


@dataclass(frozen=True, eq=False)
class Body:
    """
    Place and turns of a person, in the camera frame.

    :param position: of the pelvis, (3,), metres
    :param rotation: body frame -> camera frame, (3, 3), None if unknown
    :param xyzw: the same as a quaternion, (4,); no turn if unknown
    :param orientations: body model's joints, ROS' axes -> camera frame, (B, 4), None without
    :param relative: body model's joints, own axes -> parent's own axes, (B, 4), None without
    """

    position: Array
    rotation: Array | None
    xyzw: Array
    orientations: Array | None = None
    relative: Array | None = None


@lru_cache(maxsize=16)  # several messages tell of the same people
def body_of(person: Person) -> Body:
    """Where a person is; from the mesh if there is one, else from hips and shoulders."""
    position = person.pose.pelvis
    mesh = person.mesh
    if mesh is None or mesh.rotations is None:
        rotation = _torso_rotation(person.pose)
        known = np.eye(3) if rotation is None else rotation
        return Body(position, rotation, matrix_to_quaternion_xyzw(known))
    in_ros = ros_axes(mesh.rotations)
    skeleton = mesh.topology.skeleton
    if skeleton is None:
        orientations = matrix_to_quaternion_xyzw(in_ros)
        return Body(position, in_ros[0], orientations[0], orientations)
    steps = global_to_relative(mesh.rotations, skeleton.parents)
    orientations, relative = matrix_to_quaternion_xyzw(np.stack([in_ros, steps]))
    return Body(position, in_ros[0], orientations[0], orientations, relative)


def ros_axes(rotations: Array) -> Array:
    """Body model rotations (..., 3, 3) with their axes renamed: x forward, y left, z up."""
    return np.asarray(rotations)[..., FORWARD_LEFT_UP]


@lru_cache(maxsize=64)
def _mixer(skeleton: Skeleton, names: tuple[str, ...]) -> Array:
    return joint_mixer(skeleton, names)


def _torso_rotation(pose: Pose) -> Array | None:
    weights = _mixer(pose.skeleton, ('left_hip', 'right_hip', 'pelvis', 'neck'))
    if not weights.any(axis=-1).all():
        return None
    left_hip, right_hip, pelvis, neck = mixed(weights, pose.joints3d)
    up = neck - pelvis
    forward = np.cross(left_hip - right_hip, up)
    left = np.cross(up, forward)
    axes = np.stack([forward, left, up], axis=-1)
    lengths = np.linalg.norm(axes, axis=0)
    return axes / lengths if (lengths > 0).all() else None  # False for NaN too


def standing_height(person: Person) -> float:
    """
    How tall the person is, metres, from the lengths of legs and trunk; NaN if these are unknown.

    The body model's joints are preferred: their bones do not stretch from frame to frame.
    """
    for skeleton, joints in _joint_sets(person):
        weights = _mixer(skeleton, _CHAIN)
        if weights.any(axis=-1).all():
            return _height_of(mixed(weights, joints))
    return float('nan')


_CHAIN = tuple(
    f'{side}_{joint}'
    for joint in ('ankle', 'knee', 'hip', 'shoulder')
    for side in ('left', 'right')
)


def _joint_sets(person: Person) -> list[tuple[Skeleton, Array]]:
    sets = [(person.pose.skeleton, person.pose.joints3d)]
    mesh = person.mesh
    if mesh is not None and mesh.joints is not None and mesh.topology.skeleton is not None:
        sets.insert(0, (mesh.topology.skeleton, mesh.joints))
    return sets


def _height_of(chain: Array) -> float:
    """Height from ankles, knees, hips and shoulders, (8, 3), left and right in turn."""
    ankles, knees, hips, shoulders = chain.reshape(4, 2, 3)
    legs = np.linalg.norm([knees - ankles, hips - knees], axis=-1).mean(axis=-1).sum()
    trunk = np.linalg.norm(shoulders.mean(axis=0) - hips.mean(axis=0))
    return float(legs + trunk) / LEG_AND_TRUNK
