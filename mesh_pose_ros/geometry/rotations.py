"""
Rotations in the forms that networks, body models and ROS use.

A matrix turns column vectors: ``turned = matrix @ vector``. An axis-angle is a vector along the
axis whose length is the angle in radians. Quaternions are x, y, z, w as in ROS. The 6D form is
the first column of the matrix followed by the second (Zhou et al., CVPR 2019). Leading batch
axes are free everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

TINY = 1e-8  # below it, squares vanish beside 1 in double precision


def axis_angle_to_matrix(axis_angle: ArrayLike) -> Array:
    """Turn axis-angles (..., 3) into matrices (..., 3, 3) by Rodrigues' formula."""
    axis_angle = np.asarray(axis_angle, dtype=float)
    angle = np.linalg.norm(axis_angle, axis=-1)[..., None, None]
    cross = cross_matrix(axis_angle)
    # sin(a) / a and (1 - cos(a)) / a^2, finite at zero
    sine, half_sine = np.sinc(angle / np.pi), np.sinc(angle / 2 / np.pi)
    return np.eye(3) + sine * cross + half_sine**2 / 2 * (cross @ cross)


def matrix_to_axis_angle(matrix: ArrayLike) -> Array:
    """Turn matrices (..., 3, 3) into axis-angles (..., 3) of at most pi."""
    return quaternion_xyzw_to_axis_angle(matrix_to_quaternion_xyzw(matrix))


def axis_angle_to_quaternion_xyzw(axis_angle: ArrayLike) -> Array:
    """Turn axis-angles (..., 3) into unit quaternions (..., 4)."""
    half = np.asarray(axis_angle, dtype=float) / 2
    angle = np.linalg.norm(half, axis=-1, keepdims=True)
    return np.concatenate([half * np.sinc(angle / np.pi), np.cos(angle)], axis=-1)


def quaternion_xyzw_to_axis_angle(quaternion: ArrayLike) -> Array:
    """Turn quaternions (..., 4) of any length into axis-angles (..., 3) of at most pi."""
    quaternion = _unit(quaternion)
    quaternion = np.where(quaternion[..., 3:] < 0, -quaternion, quaternion)
    axis, cosine = quaternion[..., :3], quaternion[..., 3:]
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)
    safe = np.where(sine < TINY, 1.0, sine)
    return axis * np.where(sine < TINY, 2.0, 2 * np.arctan2(sine, cosine) / safe)


def matrix_to_quaternion_xyzw(matrix: ArrayLike) -> Array:
    """Turn matrices (..., 3, 3) into unit quaternions (..., 4) with w >= 0."""
    m = np.asarray(matrix, dtype=float)
    # 4 q q^T; its longest row is the quaternion, well away from zero (Shepperd, 1978)
    outer = np.empty((*m.shape[:-2], 4, 4))
    trace = np.trace(m, axis1=-2, axis2=-1)[..., None, None]
    outer[..., :3, :3] = m + np.swapaxes(m, -1, -2) + (1 - trace) * np.eye(3)
    outer[..., 3, 3] = 1 + trace[..., 0, 0]
    twist = np.stack(
        [m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]], -1
    )
    outer[..., :3, 3] = outer[..., 3, :3] = twist
    longest = np.argmax(np.einsum('...ii->...i', outer), axis=-1)[..., None, None]
    quaternion = _unit(np.take_along_axis(outer, longest, axis=-2)[..., 0, :])
    return np.where(quaternion[..., 3:] < 0, -quaternion, quaternion)


def quaternion_xyzw_to_matrix(quaternion: ArrayLike) -> Array:
    """Turn quaternions (..., 4) of any length but zero into matrices (..., 3, 3)."""
    quaternion = _unit(quaternion)
    axis, w = quaternion[..., :3], quaternion[..., 3, None, None]
    cross = cross_matrix(axis)
    return np.eye(3) + 2 * w * cross + 2 * cross @ cross


def sixd_to_matrix(sixd: ArrayLike) -> Array:
    """
    Turn 6D forms (..., 6), orthonormal or not, into matrices (..., 3, 3).

    The two halves must be neither zero nor parallel: they would give NaN.
    """
    sixd = np.asarray(sixd, dtype=float)
    first = _unit(sixd[..., :3])
    second = sixd[..., 3:]
    second = _unit(second - first * (first * second).sum(axis=-1, keepdims=True))
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def matrix_to_sixd(matrix: ArrayLike) -> Array:
    """Turn matrices (..., 3, 3) into 6D forms (..., 6)."""
    matrix = np.asarray(matrix)
    return np.concatenate([matrix[..., 0], matrix[..., 1]], axis=-1)


def cross_matrix(vector: ArrayLike) -> Array:
    """Matrices (..., 3, 3) with ``cross_matrix(a) @ b == cross(a, b)``, for vectors (..., 3)."""
    vector = np.asarray(vector)
    matrix = np.zeros((*vector.shape, 3), dtype=vector.dtype)
    matrix[..., (2, 0, 1), (1, 2, 0)] = vector
    matrix[..., (1, 2, 0), (2, 0, 1)] = -vector
    return matrix


def angle_of(matrix: ArrayLike) -> Array:
    """Angles that matrices (..., 3, 3) turn by, (...), radians in 0 to pi."""
    return np.linalg.norm(matrix_to_axis_angle(matrix), axis=-1)


def minimal_rotation(source: ArrayLike, target: ArrayLike) -> Array:
    """
    Matrices that turn one direction into another on the shortest way.

    :param source, target: vectors (..., 3) of any length but zero
    :return: (..., 3, 3); for opposite directions half a turn about one of the axes that do
    """
    source, target = np.broadcast_arrays(_unit(source), _unit(target))
    middle = source + target
    opposite = np.linalg.norm(middle, axis=-1, keepdims=True) < TINY
    middle = _unit(np.where(opposite, _perpendicular(source), middle))
    cosine = np.where(opposite, 0.0, (source * middle).sum(axis=-1, keepdims=True))
    return quaternion_xyzw_to_matrix(np.concatenate([np.cross(source, middle), cosine], axis=-1))


def slerp(start: ArrayLike, end: ArrayLike, share: ArrayLike) -> Array:
    """
    Turn from one rotation to another on the shortest way at constant speed.

    :param start, end: unit quaternions x, y, z, w, (..., 4)
    :param share: 0 at the start, 1 at the end, (...)
    :return: unit quaternions, (..., 4)
    """
    start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    share = np.asarray(share, dtype=float)[..., None]
    cosine = (start * end).sum(axis=-1, keepdims=True)
    end = np.where(cosine < 0, -end, end)
    # from chord lengths, since arccos is blind near 1
    angle = 2 * np.arctan2(
        np.linalg.norm(end - start, axis=-1, keepdims=True),
        np.linalg.norm(end + start, axis=-1, keepdims=True),
    )
    # sin(s a) / sin(a), written so that it stays finite at zero; a is at most pi / 2
    weights = [part * np.sinc(part * angle / np.pi) for part in (1 - share, share)]
    return _unit(weights[0] * start + weights[1] * end)


def relative_to_global(relative: ArrayLike, parents: Sequence[int]) -> Array:
    """
    Chain rotations from the root outwards.

    :param relative: joint axes -> parent's axes, (..., J, 3, 3)
    :param parents: index of each joint's parent, negative where there is none, (J,)
    :return: joint axes -> the axes that the root is given in, (..., J, 3, 3)
    """
    chained = np.array(relative)
    for joints in tree_levels(tuple(parents))[1:]:
        above = [parents[joint] for joint in joints]
        chained[..., joints, :, :] = chained[..., above, :, :] @ chained[..., joints, :, :]
    return chained


def global_to_relative(rotations: ArrayLike, parents: Sequence[int]) -> Array:
    """Undo `relative_to_global`, (..., J, 3, 3)."""
    rotations = np.asarray(rotations)
    places = np.asarray(parents, dtype=int)
    above = np.where((places < 0)[:, None, None], np.eye(3), rotations[..., places, :, :])
    return (np.swapaxes(above, -1, -2) @ rotations).astype(rotations.dtype, copy=False)


@lru_cache(maxsize=64)
def tree_levels(parents: tuple[int, ...]) -> tuple[list[int], ...]:
    """
    Joints by their distance from the root, the roots first.

    :raises ValueError: the parents form a ring
    """
    depths = [_depth(joint, parents) for joint in range(len(parents))]
    levels = range(max(depths, default=-1) + 1)
    return tuple([j for j, depth in enumerate(depths) if depth == level] for level in levels)


def _depth(joint: int, parents: tuple[int, ...]) -> int:
    for steps in range(len(parents)):
        joint = parents[joint]
        if joint < 0:
            return steps
    raise ValueError('the joint tree has a ring: no root above some joint')


def _unit(vectors: ArrayLike) -> Array:
    vectors = np.asarray(vectors, dtype=float)
    with np.errstate(invalid='ignore'):
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _perpendicular(vectors: Array) -> Array:
    """Some vector at right angles to each, (..., 3): crossed with the axis furthest from it."""
    return np.cross(vectors, np.eye(3)[np.argmin(np.abs(vectors), axis=-1)])
