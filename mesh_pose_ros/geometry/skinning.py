"""
Linear blend skinning: a surface follows the joints inside it.

Pure functions on arrays; leading batch axes are free and broadcast. `body_model` wraps them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.rotations import tree_levels

Array = NDArray[np.floating]


def moved_joints(rotations: Array, rest_joints: Array, parents: Sequence[int]) -> Array:
    """
    Where joints go when each bone turns with its parent; roots stay.

    :param rotations: joint axes -> model axes, global, (..., J, 3, 3)
    :param rest_joints: (..., J, 3), metres
    :param parents: index of each joint's parent, negative for a root, (J,)
    :return: (..., J, 3), metres
    """
    batch = np.broadcast_shapes(rotations.shape[:-3], rest_joints.shape[:-2])
    moved = np.array(np.broadcast_to(rest_joints, (*batch, *rest_joints.shape[-2:])))
    for joints in tree_levels(tuple(parents))[1:]:
        above = [parents[joint] for joint in joints]
        bones = rest_joints[..., joints, :] - rest_joints[..., above, :]
        turned = (rotations[..., above, :, :] @ bones[..., None])[..., 0]
        moved[..., joints, :] = moved[..., above, :] + turned
    return moved


def skinned(
    vertices: Array, weights: Array, rotations: Array, rest_joints: Array, joints: Array
) -> Array:
    """
    Move a surface with its joints.

    :param vertices: rest pose, (..., V, 3), metres
    :param weights: how much each joint moves each vertex, (V, J), rows sum to 1
    :param rotations: joint axes -> model axes, global, (..., J, 3, 3)
    :param rest_joints: (..., J, 3), where the joints are in the rest pose
    :param joints: (..., J, 3), where they are now
    :return: (..., V, 3), metres
    """
    shifts = joints - (rotations @ rest_joints[..., None])[..., 0]
    rotations = np.broadcast_to(rotations, (*shifts.shape, 3))
    motions = np.concatenate([rotations, shifts[..., None]], axis=-1)  # (..., J, 3, 4)
    flat = motions.reshape(*motions.shape[:-2], 12)
    blended = (weights @ flat).reshape(*flat.shape[:-2], len(weights), 3, 4)
    return np.einsum('...ij,...j->...i', blended[..., :3], vertices) + blended[..., 3]
