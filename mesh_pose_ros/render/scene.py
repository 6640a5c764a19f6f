"""
The scene in metres, in axes whose y points straight down.

The camera alone does not tell which way down is; without a `Ground` it is taken to be level,
and the ground to lie under the lowest foot in sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Mesh, Person

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Ground:
    """
    The floor as the camera sees it.

    :param up: (3,) unit vector of the camera frame
    :param height: of the camera above the floor, metres
    """

    up: Array
    height: float

    @cached_property
    def levelling(self) -> Array:
        """Rotation of camera axes that makes y point straight down, (3, 3)."""
        down = -np.asarray(self.up, dtype=float) / np.linalg.norm(self.up)
        ahead = np.array([0.0, 0, 1]) - down[2] * down
        if np.linalg.norm(ahead) < 1e-6:  # the camera looks straight down or up
            ahead = np.array([0.0, 1, 0]) - down[1] * down
        ahead = ahead / np.linalg.norm(ahead)
        return np.stack([np.cross(down, ahead), down, ahead])


@dataclass(frozen=True, eq=False)
class Scene:
    """
    People in level axes.

    :param floor: y of the ground
    :param guessed: the ground is a guess
    :param frustum: (5, 3) the camera's eye and the four corners of what it sees
    """

    people: tuple[Person, ...]
    floor: float
    guessed: bool
    frustum: Array

    @classmethod
    def of(cls, people: Sequence[Person], camera: Camera, ground: Ground | None) -> Scene:
        """Turn people into level axes and find the floor."""
        turn = ground.levelling if ground else np.eye(3)
        level = tuple(_turned(person, turn) for person in people)
        lowest = [float(points_of(person)[:, 1].max()) for person in level]
        floor = ground.height if ground else max(lowest, default=1.5)
        frustum = frustum_of(camera, 0.6) @ turn.T
        return cls(level, floor, ground is None, frustum)

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """Lowest and highest x, y, z of everything in the scene, (3,) each."""
        content = [points_of(person) for person in self.people]
        content = content or [np.array([[-2.0, 0, 0], [2, self.floor, 4]])]
        points = np.concatenate([self.frustum, *content])
        points = points[np.isfinite(points).all(axis=1)]
        low, high = points.min(axis=0) - 0.3, points.max(axis=0) + 0.3
        high[1] = max(high[1], self.floor + 0.2)
        return low, high


def frustum_of(camera: Camera, depth: float) -> Array:
    """The eye and the image corners at a depth, camera frame, (5, 3); corners in a circle."""
    right, bottom = camera.size[0] - 0.5, camera.size[1] - 0.5
    corners = np.array([[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom]])
    rays = np.nan_to_num(camera.rays(corners))
    ends = np.concatenate([rays, np.ones((4, 1))], axis=1) * depth
    return np.concatenate([np.zeros((1, 3)), camera.to_optical(ends)])


def points_of(person: Person) -> Array:
    """All that is known of a person's body in space, (N, 3)."""
    trusted = person.pose.joints3d[person.pose.confidence >= 0.1]
    joints = trusted if len(trusted) else person.pose.joints3d
    return np.concatenate([joints, person.mesh.vertices]) if person.mesh else joints


def _turned(person: Person, turn: Array) -> Person:
    pose = replace(person.pose, joints3d=person.pose.joints3d @ turn.T)
    mesh = person.mesh and Mesh(person.mesh.topology, person.mesh.vertices @ turn.T)
    return replace(person, pose=pose, mesh=mesh)
