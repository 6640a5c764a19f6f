"""
Joints in a picture go through a network; joints in space and the body round them come out.

Serves networks that see where joints are in pixels and nothing else, whatever found them. The
graph takes ``joints2d`` (N, J, 2), pixels of the picture, every joint of the card's skeleton, and
gives ``joints3d`` (N, J, 3) and perhaps ``vertices`` (N, V, 3), ``body_joints`` (N, B, 3): metres
from a root in the axes of the picture's camera. Joints of the trunk, hands and feet that nobody
finds are guessed between others (`skeletons.BETWEEN`). People stand where the rays of the joints
and ``joints3d`` agree best (`geometry.absolute`), so that the body covers the person in the
picture; how far away that is follows from the size that the network gives them. Where such a model
is asked for, its joints are the people's; as the partner of another it gives the meshes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.geometry.absolute import (
    UnobservableRootError,
    root_position,
    root_position_weak,
)
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Mesh, Person, Pose, Topology
from mesh_pose_ros.pipeline.lift_stage import LiftStage, matching
from mesh_pose_ros.pipeline.topology import read_topology
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.session import Session
from mesh_pose_ros.skeletons import Skeleton, mixed

Array = NDArray[np.floating]

LEAST = 1e-3  # weight of a joint that nobody is sure of; it still tells more than nothing


@dataclass(frozen=True, eq=False)
class Lifted:
    """
    A person lifted from pixels.

    :param pose: joints of the network's skeleton, as the network has them in space
    :param mesh: None for networks that give none
    """

    pose: Pose
    mesh: Mesh | None


class PixelLift:
    """
    A network that lifts joints from a picture.

    :raises ModelError: the card cannot be followed
    """

    def __init__(self, session: Session, card: ModelCard) -> None:
        if tuple(session.inputs) != ('joints2d',):
            raise ModelError(f'{card.path}: a graph of joints2d takes nothing else')
        if 'joints3d' not in card.outputs:
            raise ModelError(f'{card.path}: a graph that takes joints2d must give joints3d')
        assert card.skeleton
        self._session = session
        self._card = card
        self.name = card.name
        self.skeleton: Skeleton = card.skeleton
        self.topology: Topology | None = read_topology(card)

    def demand(self, skeleton: Skeleton) -> None:
        """
        Check that poses of a skeleton have all joints that the network wants.

        :raises ModelError: one is missing
        """
        _, known = self._matching(skeleton)
        missing = [name for name, is_known in zip(self.skeleton.names, known) if not is_known]
        if missing:
            raise ModelError(
                f'{self._card.path}: wants the joints {", ".join(missing)}, which poses of '
                f'{skeleton.name} lack; take a crop model that has them, or a lift model of '
                'another joint set'
            )

    def __call__(self, poses: Sequence[Pose]) -> list[Mesh | None]:
        """Meshes of poses of one skeleton; None where a joint is not known."""
        return [found.mesh if found else None for found in self.lifted(poses)]

    def people(self, people: Sequence[Person]) -> list[Person]:
        """
        People with the network's joints and meshes.

        Who cannot be lifted has no mesh, and keeps the joints that were found, by their names.
        """
        poses = [person.pose for person in people]
        pairs = zip(people, self.lifted(poses), strict=True)
        return [
            person.with_(pose=found.pose, mesh=found.mesh)
            if found
            else person.with_(pose=self._renamed(person.pose), mesh=None)
            for person, found in pairs
        ]

    def _matching(self, skeleton: Skeleton) -> tuple[Array, NDArray[np.bool_]]:
        return matching(skeleton, self.skeleton.names, guess=True)

    def _renamed(self, pose: Pose) -> Pose:
        mixer, _ = self._matching(pose.skeleton)
        joints2d, joints3d = mixed(mixer, pose.joints2d), mixed(mixer, pose.joints3d)
        return Pose(self.skeleton, joints2d, joints3d, _mixed_confidence(mixer, pose))

    def lifted(self, poses: Sequence[Pose]) -> list[Lifted | None]:
        """Joints and meshes of poses of one skeleton; None where a joint is not known."""
        if not poses:
            return []
        mixer, _ = self._matching(poses[0].skeleton)
        pixels, places = (
            np.stack([mixed(mixer, getattr(pose, name)) for pose in poses])
            for name in ('joints2d', 'joints3d')
        )
        confidence = np.stack([_mixed_confidence(mixer, pose) for pose in poses])
        able = np.flatnonzero(np.isfinite(pixels).all((1, 2)) & np.isfinite(places).all((1, 2)))
        people: list[Lifted | None] = [None] * len(poses)
        if len(able):
            found = self._session(joints2d=pixels[able].astype(np.float32))
            for row, i in enumerate(able):
                told = {name: values[row].astype(float) for name, values in found.items()}
                ahead = places[i, :, 2:] > 0
                rays = np.where(
                    ahead, places[i, :, :2] / np.where(ahead, places[i, :, 2:], 1), np.nan
                )
                people[i] = self._placed(told, pixels[i], rays, confidence[i])
        return people

    def _placed(
        self, told: dict[str, Array], pixels: Array, rays: Array, confidence: Array
    ) -> Lifted | None:
        root = _root(rays, told['joints3d'], np.maximum(confidence, LEAST))
        if root is None:
            return None
        pose = Pose(self.skeleton, pixels, told['joints3d'] + root, confidence)
        if self.topology is None or 'vertices' not in told:
            return Lifted(pose, None)
        joints = told.get('body_joints')
        mesh = Mesh(
            topology=self.topology,
            vertices=(told['vertices'] + root).astype(np.float32),
            joints=None if joints is None else joints + root,
        )
        return Lifted(pose, mesh)


def _mixed_confidence(mixer: Array, pose: Pose) -> Array:
    return np.clip(mixer @ pose.confidence, 0, 1)  # some shares are negative


def _root(rays: Array, offsets: Array, weights: Array) -> Array | None:
    if not np.isfinite(offsets).all():
        return None
    for solve in (root_position, root_position_weak):
        try:
            return solve(rays, offsets, weights)
        except UnobservableRootError:
            continue
    return None


def pose_from_pixels(
    skeleton: Skeleton, pixels: Array, camera: Camera, confidence: Array | None = None
) -> Pose:
    """
    Make a pose of which only pixels are known: every joint is taken for one metre away.

    :param pixels: (J, 2), of the camera's image
    """
    rays = camera.rays(pixels)
    ahead = np.concatenate([rays, np.ones_like(rays[:, :1])], axis=1)
    sure = np.ones(len(pixels)) if confidence is None else confidence
    return Pose(skeleton, pixels, camera.to_optical(ahead), sure)


def lift_stage_of(session: Session, card: ModelCard) -> LiftStage | PixelLift:
    """Make the stage that a lift card wants, by what its graph takes."""
    return PixelLift(session, card) if 'joints2d' in session.inputs else LiftStage(session, card)
