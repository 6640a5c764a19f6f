"""
Images, boxes and cameras in, absolute poses out: a network seen through many views, as a call.

For programs that have images and want joints, without a node and without tracking. Any number
of images with cameras of their own go into one call; their crops share the network's batches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box
from mesh_pose_ros.pipeline.linear_light import LightPyramid, crops_in_linear_light
from mesh_pose_ros.pipeline.many_views import (
    ROLL,
    UP,
    View,
    camera_towards,
    seen_in,
    turned_back,
    views,
)
from mesh_pose_ros.pipeline.plausible import Plausibility

Array = NDArray[np.floating]
Image = NDArray[np.uint8]

# crops (N, S, S, 3) RGB 0 to 1 and their intrinsics (N, 3, 3) -> joints in front of the crops'
# cameras, in their own axes, (N, J, 3)
CropNetwork = Callable[[NDArray[np.float32], Array], Array]
Detector = Callable[[Image], Sequence[Box]]


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


@dataclass(frozen=True, eq=False)
class PoseEstimator:
    """
    Estimates poses in images.

    :param network: see `CropNetwork`
    :param side: of its crops, pixels
    :param mirror: each joint's fellow on the other side, (J,)
    :param mixing: further joints as weighted sums of the network's, (J, K); none if None
    :param skeletons: places of joints by the name of a set
    :param plausible: what detected people have to look like
    """

    network: CropNetwork
    side: int
    mirror: Sequence[int]
    mixing: Array | None = None
    skeletons: Mapping[str, Sequence[int]] = field(default_factory=dict)
    plausible: Plausibility = field(default_factory=Plausibility)

    def detect_poses(
        self, detect: Detector, shot: Shot | Image, options: Options = Options()
    ) -> Poses:
        """Find people in an image, then their poses. See `detect_poses_batched`."""
        return self.detect_poses_batched(detect, [shot], options)[0]

    def detect_poses_batched(
        self, detect: Detector, shots: Sequence[Shot | Image], options: Options = Options()
    ) -> list[Poses]:
        """
        Find people in images, then their poses; leave out whoever is not plausible.

        :param detect: gives the boxes of people in one image
        :param shots: images, with or without their cameras
        :return: of each image
        """
        known = [_shot(shot) for shot in shots]
        boxes = [detect(shot.image) for shot in known]
        return self._estimated(known, boxes, options, options.suppress_implausible_poses)

    def estimate_poses(
        self, shot: Shot | Image, boxes: Sequence[Box], options: Options = Options()
    ) -> Poses:
        """Estimate poses of people in boxes of one image. See `estimate_poses_batched`."""
        return self.estimate_poses_batched([shot], [boxes], options)[0]

    def estimate_poses_batched(
        self,
        shots: Sequence[Shot | Image],
        boxes: Sequence[Sequence[Box]],
        options: Options = Options(),
    ) -> list[Poses]:
        """
        Estimate poses of people in boxes of several images.

        :param shots: images, with or without their cameras
        :param boxes: of each image; an image may have none
        :return: of each image
        """
        return self._estimated([_shot(shot) for shot in shots], boxes, options, False)

    def _estimated(
        self,
        shots: Sequence[Shot],
        boxes: Sequence[Sequence[Box]],
        options: Options,
        selective: bool,
    ) -> list[Poses]:
        if not shots:
            return []
        cameras = [shot.camera_or(options.default_fov_degrees) for shot in shots]
        poses = self._in_cameras(shots, cameras, boxes, options)
        rows = zip(shots, cameras, boxes, poses, strict=True)
        return [self._finished(*row, options, selective) for row in rows]

    def _in_cameras(
        self,
        shots: Sequence[Shot],
        cameras: Sequence[Camera],
        boxes: Sequence[Sequence[Box]],
        options: Options,
    ) -> list[Array]:
        """Joints of each image's people in all views, (N, A, J, 3), optical frame."""
        pyramids = [LightPyramid(s.image, c) for s, c in zip(shots, cameras, strict=True)]
        ways = views(options.num_aug, options.roll)
        steps = options.undistort_steps
        people = [
            (pyramids[n], camera_towards(cameras[n], box, self.side, shot.up_in_camera, steps))
            for n, shot in enumerate(shots)
            for box in boxes[n]
        ]
        step = options.boxes_at_once or max(len(people), 1)
        chunks = [
            self._seen(people[start : start + step], ways, options.antialias_factor)
            for start in range(0, len(people), step)
        ]
        flat = np.concatenate(chunks) if chunks else np.zeros((0, len(ways), len(self.mirror), 3))
        return np.split(flat, np.cumsum([len(b) for b in boxes])[:-1])

    def _seen(
        self, people: Sequence[tuple[LightPyramid, Camera]], ways: Sequence[View], antialias: int
    ) -> Array:
        """Joints of people in all views, (N, A, J, 3); the network gets view after view."""
        jobs = [(pyramid, seen_in(way, own), way) for way in ways for pyramid, own in people]
        crops = [crops_in_linear_light(p, [own], [way.gamma], antialias) for p, own, way in jobs]
        cameras = [own for _, own, _ in jobs]
        intrinsics = np.stack([own.intrinsics for own in cameras])
        poses = np.asarray(self.network(np.concatenate(crops), intrinsics), dtype=float)
        back = turned_back(poses, cameras, [way for *_, way in jobs], self.mirror)
        return back.reshape(len(ways), len(people), *back.shape[1:]).swapaxes(0, 1)

    def _finished(
        self,
        shot: Shot,
        camera: Camera,
        boxes: Sequence[Box],
        poses: Array,
        options: Options,
        selective: bool,
    ) -> Poses:
        """Mix joints, project them, leave people out, choose joints and average."""
        if self.mixing is not None:
            poses = np.einsum('najc,jk->nakc', poses, self.mixing)
        pixels = camera.project(poses)
        kept = self.plausible.kept(boxes, poses, pixels) if selective else range(len(boxes))
        which = np.ix_(list(kept), range(options.num_aug), self._places(options, poses.shape[2]))
        pixels, joints = pixels[which], shot.in_world(poses[which])
        if options.average_aug:
            pixels, joints = pixels.mean(axis=1), joints.mean(axis=1)
        return Poses(tuple(boxes[place] for place in kept), joints, pixels)

    def _places(self, options: Options, count: int) -> Sequence[int]:
        if options.skeleton and options.skeleton not in self.skeletons:
            raise ValueError(f'no skeleton {options.skeleton}; there are {sorted(self.skeletons)}')
        return self.skeletons.get(options.skeleton, range(count))


def guessed_camera(image: Image, fov_degrees: float) -> Camera:
    """
    Make a pinhole camera with a field of view along the image's longer side.

    Its axis goes through pixel (W / 2, H / 2), half a pixel from `Camera.from_fov`'s.
    """
    height, width = image.shape[:2]
    focal = max(height, width) / (2 * np.tan(np.deg2rad(fov_degrees) / 2))
    intrinsics = np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
    return Camera(intrinsics, (width, height), guessed=True)


def _shot(shot: Shot | Image) -> Shot:
    return shot if isinstance(shot, Shot) else Shot(shot)
