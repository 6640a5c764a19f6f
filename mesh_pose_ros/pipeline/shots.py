"""What is asked of a pose estimator and what it answers: images, effort, poses."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box
from mesh_pose_ros.pipeline.many_views import ROLL, UP

Array = NDArray[np.floating]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Options:
    """
    How much effort goes into a pose; names as in the interface of Sárándi et al. (2021).

    :param num_aug: views per person
    :param average_aug: whether their mean is returned, or all of them
    :param antialias_factor: see `linear_light.crops_in_linear_light`
    :param internal_batch_size: most crops that the network gets at once; 0 for all
    :param skeleton: which joints, a key of `PoseEstimator.skeletons`; all if empty
    :param default_fov_degrees: along the longer side of an image whose camera is not known
    :param suppress_implausible_poses: whether detected people who cannot be any are left out
    :param roll: furthest that views are rolled to both sides, radians
    :param undistort_steps: see `many_views.rays_in_steps`; 5 gives the published numbers
    """

    num_aug: int = 5
    average_aug: bool = True
    antialias_factor: int = 1
    internal_batch_size: int = 64
    skeleton: str = ''
    default_fov_degrees: float = 55.0
    suppress_implausible_poses: bool = True
    roll: float = ROLL
    undistort_steps: int = 0

    @property
    def boxes_at_once(self) -> int:
        """How many people's views fit into a batch; 0 for all."""
        full = self.internal_batch_size // self.num_aug
        return max(full, 1) if self.internal_batch_size else 0


DEFAULTS = Options()


@dataclass(frozen=True, eq=False)
class Poses:
    """
    The people of one image; with an axis A of views before J if those are not averaged.

    :param boxes: (N,)
    :param poses3d: (N, J, 3), optical frame, or that of the world if extrinsics were given;
        in the network's unit
    :param poses2d: (N, J, 2), pixels; the mean of the views' pixels
    """

    boxes: tuple[Box, ...]
    poses3d: Array
    poses2d: Array


@dataclass(frozen=True, eq=False)
class Shot:
    """
    An image and what is known about how it was taken.

    :param camera: guessed from `Options.default_fov_degrees` if None
    :param extrinsics: world -> optical frame, (4, 4)
    :param up: direction that is up in the world
    """

    image: Image
    camera: Camera | None = None
    extrinsics: Array = field(default_factory=lambda: np.eye(4))
    up: ArrayLike = UP

    @property
    def up_in_camera(self) -> Array:
        """Which way is up in the optical frame, (3,)."""
        return self.extrinsics[:3, :3] @ np.asarray(self.up, dtype=float)

    def camera_or(self, fov_degrees: float) -> Camera:
        """Return the camera, or one with that field of view along the longer side."""
        return self.camera or guessed_camera(self.image, fov_degrees)

    def in_world(self, joints: Array) -> Array:
        """Bring joints (..., 3) from the optical frame to the world."""
        inverse = np.linalg.inv(self.extrinsics)
        return joints @ inverse[:3, :3].T + inverse[:3, 3]


def guessed_camera(image: Image, fov_degrees: float) -> Camera:
    """
    Make a pinhole camera with a field of view along the image's longer side.

    Its axis goes through pixel (W / 2, H / 2), half a pixel from `Camera.from_fov`'s.
    """
    height, width = image.shape[:2]
    focal = max(height, width) / (2 * np.tan(np.deg2rad(fov_degrees) / 2))
    intrinsics = np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
    return Camera(intrinsics, (width, height), guessed=True)
