"""
Poses refined over time: a network that sees a followed person's crops and remembers.

The graph takes ``image`` (N, S, S, 3) and ``memory`` (N, R, H), which is what it gave as
``new_memory`` for the same person's picture before, zeros at a beginning. It gives ``joints3d``
(N, J, 3), metres from the root in the axes of the crop's camera. One memory is kept per track; it
is dropped when the person is not seen for ``patience`` seconds, when tracks begin anew, and when
time goes back.

If the card names a ``correction`` (npz beside it, see `pipeline.correction`), the graph also gives
``coarse`` (N, 3 J), the pose before refinement, and the joints that the crop network saw correct
it. The pose is then placed by the rays of those joints; where that is far from where the crop
network has the person, the pose takes the pelvis from there.

Options of the card: ``memory`` ([R, H]), ``margin`` of the crop, ``patience``, ``correction``,
``correct`` (fields of `CorrectionOptions`), ``seen`` (confidence from which a joint counts).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BadCameraError, ModelError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box, Person, Pose, Region
from mesh_pose_ros.pipeline.adam import NO_MOMENTS, Moments
from mesh_pose_ros.pipeline.correction import CorrectionNetwork, CorrectionOptions, Corrector
from mesh_pose_ros.pipeline.crops import cut_as_seen
from mesh_pose_ros.pipeline.lift_stage import matching
from mesh_pose_ros.pipeline.placement import place
from mesh_pose_ros.pipeline.tensors import image_tensor
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.session import Session
from mesh_pose_ros.skeletons import mixed

Array = NDArray[np.floating]

MARGIN = 1.25
PATIENCE = 0.5  # seconds
SEEN = 0.3
UNSEEN_CONFIDENCE = 0.3  # of joints that only the network knows of
# A pose that has little to do with the joints seen fits their rays best close to the camera. Limbs
# of mean lengths put children too far away, by less than this.
MISFIT = 1.6


@dataclass(frozen=True, eq=False)
class Remembered:
    """What is kept of a person: the network's memory, the correction's, and from when."""

    memory: Array
    moments: Moments
    stamp: float


@dataclass(frozen=True, eq=False)
class Look:
    """
    A person's crop, and where in it the crop network saw the joints.

    :param joints2d: the refining network's joints, pixels of the crop, (J, 2)
    :param confidence: (J,), 0 where nobody saw the joint
    """

    person: Person
    region: Region
    own: Camera
    joints2d: Array
    confidence: Array


class RefineStage:
    """
    A network that refines the poses of people who are followed.

    :raises ModelError: the card cannot be followed
    """

    def __init__(self, session: Session, card: ModelCard) -> None:
        if card.image is None or card.skeleton is None or 'memory' not in card.options:
            raise ModelError(f'{card.path}: a refine card must say image, skeleton and memory')
        self._session = session
        self._image = card.image
        self._options = card.options
        self._empty = np.zeros(card.options['memory'], np.float32)
        self._correct = corrector_of(card)
        self._known: dict[int, Remembered] = {}
        self._stamp = -np.inf
        self.skeleton = card.skeleton

    def reset(self) -> None:
        """Forget everybody."""
        self._known.clear()
        self._stamp = -np.inf

    def __call__(
        self, image: NDArray[np.uint8], camera: Camera, people: Sequence[Person], stamp: float
    ) -> list[Person]:
        """
        Refine the poses of people, who are told apart by their track.

        :param image: (H, W, 3) RGB, taken by ``camera``
        :return: the same people, with poses of the network's skeleton
        """
        self._forget(stamp)
        looks = [self._look(person, camera) for person in people]
        able = [look for look in looks if look is not None]
        refined = dict(zip(map(id, able), self._refined(image, camera, able, stamp), strict=True))
        return [
            self._unrefined(person) if look is None else refined[id(look)]
            for person, look in zip(people, looks, strict=True)
        ]

    def _forget(self, stamp: float) -> None:
        if stamp < self._stamp:
            self.reset()
        self._stamp = stamp
        patience = float(self._options.get('patience', PATIENCE))
        self._known = {
            track: known for track, known in self._known.items() if stamp - known.stamp <= patience
        }

    def _look(self, person: Person, camera: Camera) -> Look | None:
        region = square_round(person.box, float(self._options.get('margin', MARGIN)))
        try:
            own = camera.looking_at(region, self._image.height)
        except BadCameraError:
            return None
        joints2d, confidence = self._joints_of(person.pose)
        ahead = np.concatenate([camera.rays(joints2d), np.ones((len(joints2d), 1))], axis=1)
        pixels = own.project(camera.to_optical(ahead))
        sound = np.asarray(np.isfinite(pixels).all(axis=1))
        pixels, confidence = (
            np.where(sound[:, None], pixels, 0.0),
            np.where(sound, confidence, 0.0),
        )
        return Look(person, region, own, pixels, confidence)

    def _joints_of(self, pose: Pose) -> tuple[Array, Array]:
        """Joints of the network's skeleton in the image, and how sure they are; 0 if unknown."""
        mixer, known = matching(pose.skeleton, self.skeleton.names)
        joints = mixed(mixer, pose.joints2d)
        sound = np.isfinite(joints).all(axis=1)
        return joints, np.where(known & sound, mixer @ pose.confidence, 0.0)

    def _refined(
        self, image: NDArray[np.uint8], camera: Camera, looks: Sequence[Look], stamp: float
    ) -> list[Person]:
        if not looks:
            return []
        crops = cut_as_seen(image, camera, [v.region for v in looks], [v.own for v in looks])
        before = [self._known.get(look.person.track_id) for look in looks]
        memory = np.stack([self._empty if known is None else known.memory for known in before])
        found = self._session(
            **{self._image.name: image_tensor(crops, self._image), 'memory': memory}
        )
        people = []
        for i, (look, known) in enumerate(zip(looks, before, strict=True)):
            told = {name: values[i] for name, values in found.items()}
            offsets, moments = self._corrected(look, told, known.moments if known else NO_MOMENTS)
            if np.isfinite(told['new_memory']).all():
                kept = Remembered(told['new_memory'], moments, stamp)
                self._known[look.person.track_id] = kept
            people.append(self._placed(look, offsets, camera))
        return people

    def _corrected(
        self, look: Look, told: dict[str, Array], moments: Moments
    ) -> tuple[Array, Moments]:
        """Joints in metres from the root, corrected by what was seen if the card wants it."""
        if self._correct is None:
            return told['joints3d'].astype(float), moments
        network, correct = self._correct
        seen = look.confidence >= float(self._options.get('seen', SEEN))
        places = look.joints2d / self._image.height
        found = correct(told['coarse'], places, seen, moments)
        return network.metres(found.pose).astype(float), found.moments

    def _placed(self, look: Look, offsets: Array, camera: Camera) -> Person:
        """Put the pose where its joints are seen, or where the crop network has the person."""
        person, own = look.person, look.own
        pelvis = person.pose.pelvis
        if not np.isfinite(offsets).all():
            return self._unrefined(person)
        at = place(own, look.joints2d, offsets, look.confidence, ray_share=0.0)
        if at is not None:
            placed = self._posed(look, own.to_optical(at.joints), camera)
            if not _far_apart(placed.pose.pelvis, pelvis):
                return placed.with_(depth_stddev=at.depth_stddev)
        if not np.isfinite(pelvis).all():
            return self._unrefined(person)
        posed = self._posed(look, own.to_optical(offsets), camera)
        return self._posed(look, posed.pose.joints3d - posed.pose.pelvis + pelvis, camera)

    def _posed(self, look: Look, joints3d: Array, camera: Camera) -> Person:
        known = look.confidence > 0
        confidence = np.where(known, look.confidence, UNSEEN_CONFIDENCE * look.confidence.max())
        pose = Pose(self.skeleton, camera.project(joints3d), joints3d, confidence)
        return look.person.with_(pose=pose)

    def _unrefined(self, person: Person) -> Person:
        """The person with the pose they had, in the skeleton that all poses have here."""
        pose = person.pose
        joints2d, confidence = self._joints_of(pose)
        mixer, _ = matching(pose.skeleton, self.skeleton.names)
        joints3d = mixed(mixer, pose.joints3d)
        lost = confidence <= 0
        joints3d[lost], joints2d[lost] = np.nan, np.nan
        return person.with_(pose=Pose(self.skeleton, joints2d, joints3d, confidence))


def _far_apart(place: Array, other: Array) -> bool:
    """Whether one distance is a misfit if the other is none; places may be unknown (NaN)."""
    ratio = np.linalg.norm(place) / np.linalg.norm(other)
    return bool(ratio > MISFIT or ratio < 1 / MISFIT)


def square_round(box: Box, margin: float) -> Region:
    """An upright square; a region of the box may be turned and follows another network's wish."""
    return Region(box.centre, max(box.width, box.height) * margin)


def corrector_of(card: ModelCard) -> tuple[CorrectionNetwork, Corrector] | None:
    """
    Read the correction that a card names.

    :return: None if it names none
    :raises ModelError: the file is missing or lacks an array, or an option means nothing
    """
    name = card.options.get('correction')
    if not name:
        return None
    assert card.skeleton
    path = card.path.parent / str(name)
    try:
        options = replace(CorrectionOptions(), **card.options.get('correct', {}))
        with np.load(path) as file:
            network = CorrectionNetwork.from_arrays(file)
    except OSError as err:
        raise ModelError(
            f'{path}: the correction of model {card.name} is missing: {err.strerror}'
        ) from err
    except (KeyError, TypeError, ValueError, EOFError, BadZipFile) as err:
        raise ModelError(f'{path}: not a correction for model {card.name}: {err}') from err
    return network, Corrector(network, card.skeleton.parents, options)
