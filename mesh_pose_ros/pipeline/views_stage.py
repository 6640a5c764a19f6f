"""
Crops of people go through a network several times; the mean of their poses comes out.

Serves networks whose crops and poses have to be made as they were in training: linear light,
views that are rolled, zoomed and mirrored, published rules of placing. Cards that say ``views``
mean this stage, all others `pipeline.crop_stage`. Further options:

``joints``
    npz beside the card with the network's joints, see `pipeline.joint_sets`
``set``
    which of its sets the card's skeleton is; all joints if ''
``in_view``
    least and largest pixel of the crop where a joint tells where the person stands
``perspective``, ``ray_share``, ``ridge``, ``together``
    how people are placed, see `geometry.reconstruction.Rule`; full or weak
``antialias``, ``roll`` (radians), ``undistort_steps``, ``max_batch``
    see `pipeline.shots.Options`
``plausible``
    whether detected people who cannot be any are left out, see `pipeline.plausible`

A distance said by a root model is of no use here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BadCameraError, ModelError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box, Flags, Person, Pose, Topology
from mesh_pose_ros.pipeline.left_out import NOBODY, NOT_PLACED, UNSEEN
from mesh_pose_ros.pipeline.many_views import ROLL, camera_towards
from mesh_pose_ros.pipeline.placement import SIZE_STDDEV
from mesh_pose_ros.pipeline.pose_estimator import PoseEstimator
from mesh_pose_ros.pipeline.shots import Options, Shot
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.session import Session

Array = NDArray[np.floating]

MAX_BATCH = 16
NEAREST = 0.05  # metres; what is nearer than this, or behind the camera, is drawn as if here
FEWEST = 2  # joints in the image, below which nothing tells where a person stands


@dataclass(frozen=True, eq=False)
class Sight:
    """
    What the network says about one person.

    :param image: where the person was seen
    :param poses: all joints of the network in all views, (A, J, 3), optical frame, metres
    """

    image: NDArray[np.uint8]
    box: Box
    poses: Array


class ViewsStage:
    """
    A network that sees people from the same place in several ways.

    ``left_out`` counts boxes of the last image that became nobody, by `pipeline.left_out`.

    :raises ModelError: the card cannot be followed
    """

    topology: Topology | None = None

    def __init__(self, session: Session, card: ModelCard) -> None:
        assert card.skeleton
        self._estimator = PoseEstimator.of_card(session, card)
        self._options = options_of(card)
        self.left_out: Counter[str] = Counter()
        self.skeleton = card.skeleton
        names = self._estimator.joint_names.get(self._options.skeleton)
        if names is None or len(names) != len(card.skeleton):
            raise ModelError(
                f'{card.path}: option set is {self._options.skeleton!r}, it must be a set of '
                f'{len(card.skeleton)} joints like the skeleton; there are '
                f'{sorted(self._estimator.skeletons)}'
            )

    def look(self, image: NDArray[np.uint8], camera: Camera, boxes: Sequence[Box]) -> list[Sight]:
        """
        Run the network on every box; a box the camera cannot look at is left out.

        :param image: (H, W, 3) RGB, taken by ``camera``
        """
        able = [seen for box in boxes if (seen := self._seen(box, camera)) is not None]
        self.left_out = Counter({UNSEEN: len(boxes) - len(able)})
        (poses,) = self._estimator.in_views([Shot(image, camera)], [able], self._options)
        return [Sight(image, box, pose) for box, pose in zip(able, poses, strict=True)]

    def place(
        self,
        views: Sequence[Sight],
        camera: Camera,
        given: bool = False,
        depths: Sequence[float] | None = None,
    ) -> list[Person]:
        """
        Make people of what was seen in one image.

        :param given: the boxes come from somebody who knows; everybody is taken for a person
        :param depths: of no use
        """
        sound = [sight for sight in views if np.isfinite(sight.poses).all()]
        self.left_out[NOT_PLACED] += len(views) - len(sound)
        if not sound:
            return []
        found = self._estimator.finished(
            Shot(sound[0].image, camera),
            [sight.box for sight in sound],
            np.stack([sight.poses for sight in sound]),
            replace(self._options, average_aug=False),
            self._options.suppress_implausible_poses and not given,
        )
        self.left_out[NOBODY] += len(sound) - len(found.boxes)
        rows = zip(found.boxes, found.poses3d, found.poses2d, strict=True)
        placed = [self._person(*row, camera) for row in rows]
        people = [person for person in placed if person is not None]
        self.left_out[NOT_PLACED] += len(placed) - len(people)
        return people

    def _seen(self, box: Box, camera: Camera) -> Box | None:
        """A box, or its part in the image where a strong lens sees no more; None if nothing."""
        for part in (box, _in_image(box, camera)):
            try:
                camera_towards(camera, part, self._estimator.side)
            except BadCameraError:
                continue
            return part
        return None

    def _person(self, box: Box, poses3d: Array, poses2d: Array, camera: Camera) -> Person | None:
        """
        Make one person.

        :param poses3d, poses2d: in all views, (A, J, 3) and (A, J, 2)
        """
        joints, depths = poses3d.mean(axis=0), poses3d[..., 2].mean(axis=1)
        if not depths.mean() > 0:
            return None
        pixels = poses2d.mean(axis=0)
        lost = ~np.isfinite(pixels).all(axis=-1)
        pixels[lost] = _drawn(joints[lost], camera)
        return Person(
            box=box,
            score=box.score,
            pose=Pose(self.skeleton, pixels, joints, np.ones(len(joints))),
            depth_stddev=float(np.hypot(SIZE_STDDEV * depths.mean(), depths.std())),
            flags=_flags(pixels, camera),
        )


def options_of(card: ModelCard) -> Options:
    """
    Read how a card wants its network to be used.

    :raises ModelError: an option is no number it could be
    """
    told = card.options
    try:
        options = Options(
            num_aug=int(told.get('views', 1)),
            antialias_factor=int(told.get('antialias', 1)),
            internal_batch_size=int(told.get('max_batch', MAX_BATCH)),
            skeleton=str(told.get('set', '')),
            suppress_implausible_poses=bool(told.get('plausible', True)),
            roll=float(told.get('roll', ROLL)),
            undistort_steps=int(told.get('undistort_steps', 0)),
        )
    except (TypeError, ValueError) as err:
        raise ModelError(f'{card.path}: bad option: {err}') from err
    if min(options.num_aug, options.antialias_factor) < 1:
        raise ModelError(f'{card.path}: options views and antialias must be at least 1')
    return options


def _in_image(box: Box, camera: Camera) -> Box:
    corners = np.array([[box.x, box.y], [box.x + box.width, box.y + box.height]])
    (left, top), (right, bottom) = np.clip(corners, 0, np.array(camera.size) - 1.0).tolist()
    return replace(box, x=left, y=top, width=right - left, height=bottom - top)


def _drawn(joints: Array, camera: Camera) -> Array:
    """Pixels of joints (J, 3) that the lens does not show, as if it were a pinhole."""
    near = np.maximum(joints[..., 2:], NEAREST)
    pinhole = replace(camera, distortion=(), model='plumb_bob')
    return pinhole.project(np.concatenate([joints[..., :2], near], axis=-1))


def _flags(pixels: Array, camera: Camera) -> Flags:
    inside = ((pixels >= -0.5) & (pixels <= np.array(camera.size) - 0.5)).all(axis=-1)
    flags = Flags.NONE if inside.all() else Flags.TRUNCATED
    if camera.guessed:
        flags |= Flags.FALLBACK_INTRINSICS
    return flags if np.count_nonzero(inside) >= FEWEST else flags | Flags.OUT_OF_RANGE
