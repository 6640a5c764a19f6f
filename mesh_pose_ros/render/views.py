"""
From where a scene is drawn: the camera itself, or an eye placed anywhere.

A view turns points of the camera frame into pixels and a nearness for the z-buffer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.geometry.camera import Camera

Array = NDArray[np.floating]

NEAR = 0.05  # metres; what is closer to the eye is not drawn
FAR = 1e4  # metres; the zero of an orthographic view's nearness


class View(Protocol):
    """Somewhere to look from."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the picture, pixels."""
        ...

    def project(self, points: Array) -> tuple[Array, Array]:
        """Pixels (..., 2), NaN where not seen, and nearness (...,) of points of the scene."""
        ...

    def towards_eye(self, points: Array) -> Array:
        """Unit vectors (..., 3) from points to the eye."""
        ...


@dataclass(frozen=True, eq=False)
class CameraView:
    """What the real camera sees, lens distortion included."""

    camera: Camera

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), pixels."""
        return self.camera.size

    def project(self, points: Array) -> tuple[Array, Array]:
        """See `View`."""
        pixels, depth = self.camera.project(points), points[..., 2]
        seen = depth > NEAR
        nearness = 1 / np.where(seen, depth, np.inf)
        return np.where(seen[..., None], pixels, np.nan), nearness

    def towards_eye(self, points: Array) -> Array:
        """See `View`."""
        return _unit(-points)


@dataclass(frozen=True, eq=False)
class PlacedView:
    """
    An eye anywhere.

    :param rotation: scene -> view axes (x right, y down, z into the picture), (3, 3)
    :param eye: (3,) in the scene; the middle of the picture for an orthographic view
    :param scale: pixels per metre (orthographic) or focal length in pixels (perspective)
    :param size: (width, height) of the picture
    """

    rotation: Array
    eye: Array
    scale: float
    size: tuple[int, int]
    perspective: bool = False

    def project(self, points: Array) -> tuple[Array, Array]:
        """See `View`."""
        local = (np.asarray(points, dtype=float) - self.eye) @ self.rotation.T
        middle = (np.array(self.size) - 1) / 2
        depth = local[..., 2]
        if not self.perspective:
            return local[..., :2] * self.scale + middle, FAR - depth
        seen = depth > NEAR
        nearness = 1 / np.where(seen, depth, np.inf)
        pixels = local[..., :2] * nearness[..., None] * self.scale + middle
        return np.where(seen[..., None], pixels, np.nan), nearness

    def towards_eye(self, points: Array) -> Array:
        """See `View`."""
        if self.perspective:
            return _unit(self.eye - points)
        return np.broadcast_to(-self.rotation[2], points.shape)


def looking_from(
    eye: ArrayLike, target: ArrayLike, field_deg: float, size: tuple[int, int]
) -> PlacedView:
    """
    Look from one point of the scene at another, upright (the scene's y points down).

    :param field_deg: horizontal field of view, degrees
    """
    eye, target = np.asarray(eye, dtype=float), np.asarray(target, dtype=float)
    forward = _unit(target - eye)
    right = _unit(np.cross([0.0, 1.0, 0.0], forward))
    rotation = np.stack([right, np.cross(forward, right), forward])
    focal = size[0] / 2 / np.tan(np.radians(field_deg) / 2)
    return PlacedView(rotation, eye, focal, size, perspective=True)


def _unit(vectors: Array) -> Array:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-12)
