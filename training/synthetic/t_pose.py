"""Stand resting bodies in SMPL's T-pose by turning their limbs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.skeletons import SMPL24, other_side

Array = NDArray[np.float64]

# joint -> where its bone leads and its way in the T-pose, left side, as SMPL's template stands
LEGS = {
    'left_hip': ('left_knee', (0.090, -0.995, -0.012)),
    'left_knee': ('left_ankle', (-0.034, -0.993, -0.109)),
}
UP, FORWARD = np.array([0, 1.0, 0]), np.array([0, 0, 1.0])


def turns_to_t_pose(joints: Array, knuckles: Array, names: Sequence[str]) -> Array:
    """
    Find how much each joint turns from a rest pose of any kind to the T-pose.

    :param joints: (N, 24, 3)
    :param knuckles: (N, K, 3) with their ``names``: left_index, left_pinky, ...
    :return: global rotations (N, 24, 3, 3), the same way of every limb for every body
    """
    turns = np.tile(np.eye(3), (len(joints), len(SMPL24), 1, 1))
    for own, out in ((str, np.array([1.0, 0, 0])), (other_side, np.array([-1.0, 0, 0]))):
        for joint, (end, way) in LEGS.items():
            a, b = (SMPL24.index(own(name)) for name in (joint, end))
            sides = np.array([out[0], 1, 1])
            turns[:, a] = _least_turn(joints[:, b] - joints[:, a], np.array(way) * sides)
        index, pinky = (names.index(own(f'left_{name}')) for name in ('index', 'pinky'))
        across = knuckles[:, index] - knuckles[:, pinky]
        arm = [SMPL24.index(own(f'left_{n}')) for n in ('shoulder', 'elbow', 'wrist', 'hand')]
        turns[:, arm] = _arm_turns(joints[:, arm], across, out)
    return turns


def _arm_turns(arm: Array, across: Array, out: Array) -> Array:
    """
    Turn an arm straight out, elbow ready to bend forward, palm down.

    :param arm: shoulder, elbow, wrist, hand, (N, 4, 3)
    :param across: from the little finger's knuckle to the index', (N, 3)
    :param out: where the arm is to point, (3,)
    """
    upper, fore, hand = (arm[:, i + 1] - arm[:, i] for i in range(3))
    hinge, to_hinge = np.cross(upper, fore), np.cross(out, FORWARD)
    palm_down = _turn(hand, out, across, FORWARD)
    # half of the hand's twist is the forearm's, as its two bones share it
    forearm = _half_way(_turn(fore, out, hinge, to_hinge), _turn(fore, out, across, FORWARD))
    return np.stack([_turn(upper, out, hinge, to_hinge), forearm, palm_down, palm_down], axis=1)


def _least_turn(a: Array, to_a: Array) -> Array:
    """Smallest rotations that take a to to_a; their axis stays where it is."""
    axis = np.cross(a, to_a)
    return _turn(a, to_a, axis, axis)


def _turn(a: Array, to_a: Array, b: Array, to_b: Array) -> Array:
    """Rotations that take a to to_a and b, as far as it can, to to_b."""
    return _frame(to_a, to_b) @ np.swapaxes(_frame(a, b), -1, -2)


def _frame(a: Array, b: Array) -> Array:
    """Orthonormal columns: along a, b without its part along a, and their cross product."""
    first = a / np.linalg.norm(a, axis=-1, keepdims=True)
    second = b - (b * first).sum(-1, keepdims=True) * first
    second = second / np.linalg.norm(second, axis=-1, keepdims=True)
    first, second = np.broadcast_arrays(first, second)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def _half_way(a: Array, b: Array) -> Array:
    """Half way from rotation a to rotation b."""
    from scipy.spatial.transform import Rotation

    half = Rotation.from_rotvec(Rotation.from_matrix(b @ a.swapaxes(-1, -2)).as_rotvec() / 2)
    return half.as_matrix() @ a


def skinned(points: Array, weights: Array, joints: Array, turns: Array) -> tuple[Array, Array]:
    """
    Turn joints and carry points along by linear blend skinning.

    :param points: (N, V, 3) at rest
    :param weights: (V, 24)
    :param joints: (N, 24, 3) at rest
    :param turns: (N, 24, 3, 3) global rotations
    :return: points (N, V, 3) and joints (N, 24, 3); the pelvis stays where it is
    """
    moved = joints.copy()
    for child, parent in enumerate(SMPL24.parents):
        if parent >= 0:
            bone = joints[:, child] - joints[:, parent]
            moved[:, child] = moved[:, parent] + np.einsum('nij,nj->ni', turns[:, parent], bone)
    shift = moved - np.einsum('njab,njb->nja', turns, joints)
    carried = np.stack([_blend(*one, weights) for one in zip(points, turns, shift, strict=True)])
    return carried, moved


def _blend(points: Array, turns: Array, shift: Array, weights: Array) -> Array:
    blend = (weights @ turns.reshape(len(turns), 9)).reshape(-1, 3, 3)
    return np.einsum('vab,vb->va', blend, points) + weights @ shift
