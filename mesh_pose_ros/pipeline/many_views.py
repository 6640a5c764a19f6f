"""
See each person several times, rolled, zoomed, mirrored, brighter and darker, and take the mean.

Errors of a network differ from view to view and cancel in part (test-time augmentation, as in
Sárándi et al., TBIOM 2020). Every view is a camera at the same place, so that what a network says
about it is turned back by that camera's own rotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.errors import BadCameraError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.geometry.distortion import make_lens
from mesh_pose_ros.people import Box

Array = NDArray[np.floating]

GAMMAS = (0.6, 1.0)
ROLL = float(np.deg2rad(25))
SMALLEST, LARGEST = 0.8, 1.1
UP = (0.0, -1.0, 0.0)  # in the axes of a camera that is held level
TINY = 1e-9  # a ray along the axis
MIRROR = np.diag([-1.0, 1.0, 1.0])
# middle of a box, then of its upper, right, lower and left side, in shares of its size
BOX_POINTS = np.array([[0.5, 0.5], [0.5, 0.0], [1.0, 0.5], [0.5, 1.0], [0.0, 0.5]])


@dataclass(frozen=True)
class View:
    """
    A way to look at a person.

    :param gamma: of the crop; see `linear_light.crops_in_linear_light`
    :param angle: the camera is rolled by it, radians
    :param scale: how much larger the person appears
    :param mirrored: left and right are swapped
    """

    gamma: float = 1.0
    angle: float = 0.0
    scale: float = 1.0
    mirrored: bool = False


def views(count: int, roll: float = ROLL) -> tuple[View, ...]:
    """
    Spread views over the ranges that published results were made with.

    :param count: at least 1; the middle one is level and not mirrored
    :param roll: furthest to both sides, radians
    """
    half = count // 2
    gammas, angles = _spread(*GAMMAS, count), _spread(-roll, roll, count)
    scales = np.concatenate(
        [
            np.linspace(SMALLEST, 1.0, half, endpoint=False),
            np.linspace(1.0, LARGEST, count - half),
        ]
    )
    flips = (np.arange(count) - half) % 2 != 0
    rows = zip(gammas, angles, scales, flips, strict=True)
    return tuple(View(float(g), float(a), float(s), bool(f)) for g, a, s, f in rows)


def camera_towards(
    camera: Camera, box: Box, side: int, up: ArrayLike = UP, undistort_steps: int = 0
) -> Camera:
    """
    Turn a camera to a box and zoom until the box's longer extent fills the image.

    Unlike `Camera.looking_at`, pixels keep their shape and the axis goes through pixel
    ``side / 2``, as the published networks saw it in training.

    :param side: width and height of the new image, pixels
    :param up: direction that shall point up in the new image, axes of ``camera``
    :param undistort_steps: see `rays_in_steps`; until the rays are exact if 0
    :raises BadCameraError: the box has no area, or lies where the lens sees nothing
    """
    points = BOX_POINTS * (box.width, box.height) + (box.x, box.y)
    rays = rays_in_steps(camera, points, undistort_steps)
    ahead = np.concatenate([rays, np.ones_like(rays[:, :1])], axis=-1)
    turn = upright_turn(ahead[0], up)
    seen = ahead[1:] @ (camera.intrinsics @ turn).T
    top, right, bottom, left = seen[:, :2] / seen[:, 2:]
    extent = max(np.linalg.norm(top - bottom), np.linalg.norm(right - left))
    if not np.isfinite(extent) or not extent > 0:
        raise BadCameraError(f'the lens sees nothing to fill a crop with in {box}')
    intrinsics = np.array(camera.intrinsics)
    intrinsics[:2, :2] *= side / extent
    intrinsics[:2, 2] = side / 2
    return Camera(
        intrinsics, (side, side), rotation=turn @ camera.rotation, guessed=camera.guessed
    )


def rays_in_steps(camera: Camera, pixels: Array, steps: int) -> Array:
    """
    Where pixels look, as code sees it that takes a few steps from the distorted ray.

    Published numbers were made with five steps of the usual iteration, which near the border
    of a strongly distorted image is hundredths of a pixel off.

    :param steps: 0 for `Camera.rays`, which is exact
    :return: points on the plane z = 1, (..., 2)
    """
    if not steps or not camera.has_distortion or camera.model == 'equidistant':
        return camera.rays(pixels)
    coefficients = np.pad(np.asarray(camera.distortion)[:12], (0, 12))[:12]
    coefficients[[2, 3, 8, 9, 10, 11]] = 0.0
    radial = make_lens('rational_polynomial', coefficients)
    start = found = replace(camera, distortion=()).rays(pixels)
    for _ in range(steps):
        seen = radial.distort(found)
        length = np.linalg.norm(found, axis=-1, keepdims=True)
        gain = np.linalg.norm(seen, axis=-1, keepdims=True) / np.maximum(length, TINY)
        step = (start - camera.lens.distort(found)) / np.where(length < TINY, 1.0, gain)
        found = found + step
    return found


def upright_turn(forward: ArrayLike, up: ArrayLike = UP) -> Array:
    """
    Turn axes so that z points forward and y down, as far as z leaves it free to.

    :param forward, up: (3,), of any length but zero
    :return: old axes -> new axes, (3, 3)
    """
    forward = np.asarray(forward, dtype=float)
    z = forward / np.linalg.norm(forward)
    x = np.cross(z, np.asarray(up, dtype=float))
    if not x.any():  # looking straight up or down: any right will do
        x = np.array([z[2], 0.0, -z[0]]) if z[[0, 2]].any() else np.array([1.0, 0.0, 0.0])
    x = x / np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])


def seen_in(view: View, camera: Camera) -> Camera:
    """Roll, zoom and mirror a camera that looks at a person."""
    cos, sin = np.cos(view.angle), np.sin(view.angle)
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    turn = MIRROR @ turn if view.mirrored else turn
    intrinsics = np.array(camera.intrinsics)
    intrinsics[:2, :2] *= view.scale
    return replace(camera, intrinsics=intrinsics, rotation=turn @ camera.rotation)


def turned_back(
    poses: Array, cameras: Sequence[Camera], ways: Sequence[View], mirror: Sequence[int]
) -> Array:
    """
    Bring poses from the axes of their views to the optical frame.

    :param poses: (N, J, 3), each in its camera's own axes
    :param ways: the view of each
    :param mirror: each joint's fellow on the other side, (J,)
    :return: (N, J, 3)
    """
    rows = zip(poses, cameras, ways, strict=True)
    return np.stack(
        [
            camera.to_optical(pose[list(mirror)] if way.mirrored else pose)
            for pose, camera, way in rows
        ]
    )


def _spread(start: float, end: float, count: int) -> Array:
    """Numbers from start to end; a single one is their middle."""
    return np.linspace(start, end, count) if count > 1 else np.array([(start + end) / 2])
