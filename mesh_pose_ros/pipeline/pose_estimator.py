"""
Images, boxes and cameras in, absolute poses out: a network seen through many views, as a call.

For programs that have images and want joints, without a node and without tracking. Any number
of images with cameras of their own go into one call; their crops share the network's batches::

    estimator = PoseEstimator.open('models/metric')  # a folder that `mesh_pose export` wrote
    poses = estimator.estimate_poses(Shot(image, camera), boxes, Options(skeleton='smpl_24'))
    poses.poses3d, poses.poses2d  # (N, 24, 3) metres, (N, 24, 2) pixels
    estimator.joint_names['smpl_24'], estimator.joint_edges['smpl_24']

Who has no boxes asks for them too, with any call that makes boxes of an image::

    detect = open_detector('own_detector')  # or the user's own
    poses = estimator.detect_poses(detect, image, Options(num_aug=1, default_fov_degrees=60))

What the interface of Sárándi et al. (2021) calls ``intrinsic_matrix`` and ``distortion_coeffs``
is a `Camera`, ``extrinsic_matrix`` and ``world_up_vector`` go into the `Shot`, all other
arguments keep their names in `Options`; lengths are metres, not millimetres.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box
from mesh_pose_ros.pipeline.detection import Detector as DetectorStage
from mesh_pose_ros.pipeline.joint_sets import read_joint_sets
from mesh_pose_ros.pipeline.linear_light import LightPyramid, crops_in_linear_light
from mesh_pose_ros.pipeline.many_views import (
    View,
    camera_towards,
    seen_in,
    turned_back,
    views,
)
from mesh_pose_ros.pipeline.metric_crops import MetricCrops
from mesh_pose_ros.pipeline.plausible import Plausibility
from mesh_pose_ros.pipeline.shots import (
    DEFAULTS,
    Array,
    Image,
    Options,
    Poses,
    Shot,
    guessed_camera,
)
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.models import find_card
from mesh_pose_ros.runtime.session import Session, open_session

__all__ = ['Options', 'PoseEstimator', 'Poses', 'Shot', 'guessed_camera', 'open_detector']

# crops (N, S, S, 3) RGB 0 to 1 and their intrinsics (N, 3, 3) -> joints in front of the crops'
# cameras, in their own axes, (N, J, 3)
CropNetwork = Callable[[NDArray[np.float32], Array], Array]
Detector = Callable[[Image], Sequence[Box]]


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
    :param joint_names, joint_edges: of the sets, where known
    """

    network: CropNetwork
    side: int
    mirror: Sequence[int]
    mixing: Array | None = None
    skeletons: Mapping[str, Sequence[int]] = field(default_factory=dict)
    plausible: Plausibility = field(default_factory=Plausibility)
    joint_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    joint_edges: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)

    @classmethod
    def open(cls, model: str | Path, backend: str = 'auto', threads: int = 0) -> PoseEstimator:
        """
        Load an exported model.

        :param model: its name, or the path of its folder, card or graph
        :param backend, threads: see `runtime.session.open_session`
        :raises ModelError: it is missing, broken, or not made to be seen through many views
        """
        card = find_card(model)
        return cls.of_card(open_session(card, backend, threads), card)

    @classmethod
    def of_card(cls, session: Session, card: ModelCard) -> PoseEstimator:
        """
        Make one of an opened graph.

        :raises ModelError: see `open`
        """
        if 'joints' not in card.options or card.image is None:
            raise ModelError(
                f'{card.path}: names no image, or no file of joint sets in its option joints; '
                'use MeshPose with this model'
            )
        joints = read_joint_sets(card.path.parent / str(card.options['joints']))
        bones = joints.bone_lengths
        return cls(
            MetricCrops(session, card, len(joints.names)),
            card.image.width,
            joints.mirror,
            joints.mixing if joints.mixes else None,
            {name: chosen.places for name, chosen in joints.sets.items()},
            Plausibility(tuple(bones), tuple(bones.values())),
            {name: chosen.names for name, chosen in joints.sets.items()},
            {name: chosen.edges for name, chosen in joints.sets.items()},
        )

    def detect_poses(
        self, detect: Detector, shot: Shot | Image, options: Options = DEFAULTS
    ) -> Poses:
        """Find people in an image, then their poses. See `detect_poses_batched`."""
        return self.detect_poses_batched(detect, [shot], options)[0]

    def detect_poses_batched(
        self, detect: Detector, shots: Sequence[Shot | Image], options: Options = DEFAULTS
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
        self, shot: Shot | Image, boxes: Sequence[Box], options: Options = DEFAULTS
    ) -> Poses:
        """Estimate poses of people in boxes of one image. See `estimate_poses_batched`."""
        return self.estimate_poses_batched([shot], [boxes], options)[0]

    def estimate_poses_batched(
        self,
        shots: Sequence[Shot | Image],
        boxes: Sequence[Sequence[Box]],
        options: Options = DEFAULTS,
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
        poses = self.in_views(shots, boxes, options)
        rows = zip(shots, boxes, poses, strict=True)
        return [self.finished(*row, options, selective) for row in rows]

    def in_views(
        self, shots: Sequence[Shot], boxes: Sequence[Sequence[Box]], options: Options
    ) -> list[Array]:
        """Joints of each image's people in all views, (N, A, J, 3), optical frame."""
        cameras = [shot.camera_or(options.default_fov_degrees) for shot in shots]
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

    def finished(
        self,
        shot: Shot,
        boxes: Sequence[Box],
        poses: Array,
        options: Options,
        selective: bool,
    ) -> Poses:
        """
        Mix joints, project them, leave people out, choose joints and average.

        :param poses: of one image, see `in_views`
        :param selective: whether people who are not plausible are left out
        """
        camera = shot.camera_or(options.default_fov_degrees)
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


def _shot(shot: Shot | Image) -> Shot:
    return shot if isinstance(shot, Shot) else Shot(shot)


def open_detector(model: str | Path, backend: str = 'auto', threads: int = 0) -> Detector:
    """
    Load a model that finds people, for `PoseEstimator.detect_poses`.

    :param model: see `PoseEstimator.open`
    :raises ModelError: it is missing, broken, or none that finds people
    """
    card = find_card(model)
    if card.kind != 'detector':
        raise ModelError(f'{card.path}: a detector is wanted, this is a {card.kind} model')
    return DetectorStage(open_session(card, backend, threads), card)
