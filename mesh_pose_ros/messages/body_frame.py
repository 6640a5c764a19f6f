"""
Where a person is and which way they face, as ROS means it.

The body frame of REP-155: origin midway between the hips, x forward out of the chest, y to the
person's left, z toward the head. Body models rest with x to the left, y up, z forward; here
every frame of theirs is renamed to ROS' axes, so a person at rest has all frames alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.people import Person, Pose
from mesh_pose_ros.skeletons import Skeleton, joint_mixer

Array = NDArray[np.floating]

FORWARD_LEFT_UP = (2, 0, 1)  # columns of a body model's rotation
# Parts of the standing height (Drillis and Contini, 1966): ankle to knee, knee to hip, hip to
# shoulder, with the joints in one line
LEG_AND_TRUNK = 0.246 + 0.245 + 0.288


def ros_axes(rotations: Array) -> Array:
    """Body model rotations (..., 3, 3) with their axes renamed: x forward, y left, z up."""
    return np.asarray(rotations)[..., FORWARD_LEFT_UP]


def pelvis_position(pose: Pose) -> Array:
    """Midway between the hips, or the mean of all joints if there are no hips, (3,) metres."""
    weights = joint_mixer(pose.skeleton, ['pelvis'])[0]
    if not weights.any():
        return pose.joints3d.mean(axis=0)
    return weights @ pose.joints3d


def body_rotation(person: Person) -> Array | None:
    """
    Body frame -> camera frame, (3, 3).

    Taken from the mesh's root; without a mesh from hips and shoulders. None if neither is known.
    """
    if person.mesh is not None and person.mesh.rotations is not None:
        return ros_axes(person.mesh.rotations[0])
    return _torso_rotation(person.pose)


def _torso_rotation(pose: Pose) -> Array | None:
    weights = joint_mixer(pose.skeleton, ['left_hip', 'right_hip', 'pelvis', 'neck'])
    if not weights.any(axis=-1).all():
        return None
    left_hip, right_hip, pelvis, neck = weights @ pose.joints3d
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
        weights = joint_mixer(skeleton, _CHAIN)
        if weights.any(axis=-1).all():
            return _height_of(weights @ joints)
    return float('nan')


_CHAIN = [
    f'{side}_{joint}'
    for joint in ('ankle', 'knee', 'hip', 'shoulder')
    for side in ('left', 'right')
]


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
