"""
Put a person who only turns joints on the ground: where do the feet say the body is?

Rotations from motion capture come without a path. A foot on the ground does not slide, so the
body moves against it: at each step one foot is held still, the lower one unless that would jerk
the body.

World: y up, the ground is y = 0; x and z as the rotations have them, metres.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from mesh_pose_ros.geometry.body_model import ShapedBody
from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix, quaternion_xyzw_to_matrix
from mesh_pose_ros.skeletons import SMPL24
from training.synthetic.rasteriser import Array

HEIGHT_DOUBT = 0.03  # metres the standing foot may seem above the other
STEP_DOUBT = 0.01  # metres the body's step may change from frame to frame
CHUNK = 64  # frames posed at once


@dataclass(frozen=True, eq=False)
class Motion:
    """
    One person's movement.

    :param rotations: (T, 24, 3, 3) each joint's axes -> its parent's, the root's -> world
    :param fps: frames a second
    """

    rotations: Array
    fps: float

    def __len__(self) -> int:
        return len(self.rotations)

    def __getitem__(self, frames: slice) -> Motion:
        return replace(self, rotations=self.rotations[frames])

    def turned(self, yaw: Array | float) -> Motion:
        """Turned by ``yaw`` radians about the vertical, left positive; one value or (T,)."""
        rotations = self.rotations.copy()
        turns = axis_angle_to_matrix(np.multiply.outer(yaw, [0.0, 1.0, 0.0]))
        rotations[:, 0] = turns @ rotations[:, 0]
        return replace(self, rotations=rotations)

    def facing(self, direction: float, frame: int = 0) -> Motion:
        """Turned so that at ``frame`` the person looks ``direction`` radians left of z."""
        return self.turned(direction - heading(self.rotations[frame, 0]))

    def slowed(self, factor: float) -> Motion:
        """The same in ``factor`` times as many frames."""
        at = np.arange(0, len(self) - 1, 1 / factor)
        first, share = at.astype(int), (at % 1)[:, None, None, None]
        start, end = self.rotations[first], self.rotations[first + 1]
        return replace(self, rotations=nearest_rotations(start + (end - start) * share))

    def smoothed(self, frames: float = 1.5) -> Motion:
        """Without the jitter of capture."""
        mean = gaussian_filter1d(self.rotations, frames, axis=0, mode='nearest')
        return replace(self, rotations=nearest_rotations(mean))

    def followed_by(self, other: Motion, blend: int) -> Motion:
        """Then ``other``, turned to go on where this looks, ``blend`` frames mixed."""
        ahead = heading(self.rotations[-blend, 0])
        other = other.facing(ahead)
        share = np.linspace(0, 1, blend + 2)[1:-1, None, None, None]
        start, end = self.rotations[-blend:], other.rotations[:blend]
        mixed = nearest_rotations(start + (end - start) * share)
        parts = [self.rotations[:-blend], mixed, other.rotations[blend:]]
        return replace(self, rotations=np.concatenate(parts))


def heading(root: Array) -> float:
    """Where a root rotation (3, 3) looks, radians left of z about y."""
    return float(np.arctan2(root[0, 2], root[2, 2]))


def nearest_rotations(matrices: Array) -> Array:
    """Make means of rotations (..., 3, 3) rotations again."""
    left, _, right = np.linalg.svd(matrices)
    return left @ right


def from_quaternions(quaternions: Array, fps: float) -> Motion:
    """
    Read a clip of a pose bank; the hands stay in line with the forearms.

    :param quaternions: (T, 22, 4) x y z w, SMPL's first 22 joints
    """
    body = quaternion_xyzw_to_matrix(quaternions)
    hands = np.broadcast_to(np.eye(3), (len(body), 2, 3, 3))
    return Motion(np.concatenate([body, hands], axis=1), fps)


def walked(person: ShapedBody, motion: Motion, start: tuple[float, float] = (0, 0)) -> Array:
    """
    The path of the root that lets the feet stand, (T, 3) metres, to be given to ``posed``.

    :param start: x, z of the pelvis in the first frame
    """
    points = _soles(person, motion)
    steps = (points[:-1] - points[1:]).mean(2)[..., [0, 2]]  # (T - 1, 2 feet, 2)
    foot = _standing(points[:-1, :, :, 1].mean(2), steps)
    path = np.zeros((len(motion), 3))
    path[1:, [0, 2]] = np.cumsum(steps[np.arange(len(steps)), foot], axis=0)
    path = gaussian_filter1d(path, 1.5, axis=0, mode='nearest')
    path[:, [0, 2]] += np.array(start) - path[0, [0, 2]] - person.joints[0, [0, 2]]
    path[:, 1] = gaussian_filter1d(-points[..., 1].min(axis=(1, 2)), 0.7, mode='nearest')
    return path


def flat_footed(person: ShapedBody, motion: Motion) -> Motion:
    """
    Turn the ankles so that a foot that stands lies flat.

    Skeletons of motion capture end in a shoe at some angle; the angle is the same all along.
    """
    rotations = motion.rotations.copy()
    points = _soles(person, motion)
    for foot, ankle in enumerate(ANKLES):
        sole, height = points[:, foot], points[:, foot, :, 1].mean(1)
        still = height < np.quantile(height, 0.3)
        along = sole[still, -SOLE // 6 :].mean(1) - sole[still, : SOLE // 6].mean(1)
        pitch = np.arctan2(along[:, 1], np.hypot(along[:, 0], along[:, 2]))
        rotations[:, ankle] = rotations[:, ankle] @ axis_angle_to_matrix((np.median(pitch), 0, 0))
    return replace(motion, rotations=rotations)


ANKLES = (SMPL24.index('left_ankle'), SMPL24.index('right_ankle'))
SOLE = 60  # vertices under a foot


def _soles(person: ShapedBody, motion: Motion) -> Array:
    """Points under both feet, heel to toe, the root held in place, (T, 2, SOLE, 3)."""
    chosen = np.stack([_sole_points(person, side) for side in (1, -1)])
    starts = range(0, len(motion), CHUNK)
    posed = (person.posed(motion.rotations[i : i + CHUNK]) for i in starts)
    return np.concatenate([p.vertices[:, chosen] for p in posed])


def _sole_points(person: ShapedBody, side: int) -> NDArray[np.int64]:
    height = np.where(person.vertices[:, 0] * side > 0, person.vertices[:, 1], np.inf)
    lowest = np.argsort(height)[:SOLE]
    return lowest[np.argsort(person.vertices[lowest, 2])]


def _standing(height: Array, steps: Array) -> NDArray[np.int64]:
    """
    Which foot carries the body at each step, (T,): the cheapest sequence (Viterbi).

    :param height: (T, 2) metres
    :param steps: (T, 2, 2) how the body moves if that foot holds still, metres a frame
    """
    cost = (height - height.min(1, keepdims=True)) / HEIGHT_DOUBT
    best, came = cost[0], []
    for t in range(1, len(cost)):
        jerk = np.linalg.norm(steps[t][None] - steps[t - 1][:, None], axis=-1) / STEP_DOUBT
        total = best[:, None] + jerk  # (before, now)
        came.append(total.argmin(0))
        best = total.min(0) + cost[t]
    path = [int(best.argmin())]
    for step in reversed(came):
        path.append(int(step[path[-1]]))
    return np.array(path[::-1])
