"""
Joints go through a network; the body round them comes out.

Serves networks that see no pixels. Their joints are said relative to a root (the middle of the
joints of the card's option ``root``, the hips if it says nothing) in the axes of a camera that
looks at that root without roll, so that the same posture looks the same wherever in the image
it is seen. The network's skeleton need not be the pose's: joints are matched by name, and a
joint the pose lacks goes in with confidence 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.geometry.camera import turn_towards
from mesh_pose_ros.people import Mesh, Pose
from mesh_pose_ros.pipeline.topology import read_topology
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.session import Session
from mesh_pose_ros.skeletons import Skeleton, guessing_mixer, joint_mixer, mixed

Array = NDArray[np.floating]

HIPS = ('left_hip', 'right_hip')


@dataclass(frozen=True, eq=False)
class Facing:
    """
    People as cameras see them that look straight at each.

    :param roots: optical frame, (N, 3), metres
    :param turns: optical frame -> axes of the camera that looks at the person, (N, 3, 3)
    :param joints: the network's skeleton, relative to the root, those axes, (N, J, 3), metres
    :param confidence: (N, J), 0 where the pose lacks the joint
    """

    roots: Array
    turns: Array
    joints: Array
    confidence: Array


FEEDS: dict[str, Callable[[Facing], Array]] = {  # input of a graph -> what fills it
    'joints3d': lambda people: people.joints,
    'confidence': lambda people: people.confidence,
}


class LiftStage:
    """
    A network that turns joints into meshes.

    :raises ModelError: the graph wants an input nobody fills, or the card lacks a topology
    """

    def __init__(self, session: Session, card: ModelCard) -> None:
        assert card.skeleton
        strange = sorted(set(session.inputs) - set(FEEDS))
        if strange:
            raise ModelError(f'{card.path}: nobody fills the input {strange}, only {list(FEEDS)}')
        topology = read_topology(card)
        if topology is None:
            raise ModelError(f'{card.path}: a lift card must name a topology')
        self._session = session
        self._card = card
        self._skeleton = card.skeleton
        self._root = tuple(card.options.get('root', HIPS))
        self.topology = topology

    def __call__(self, poses: Sequence[Pose]) -> list[Mesh | None]:
        """
        Lift people of one skeleton.

        :return: a mesh per pose; None where the root is not known or not in front of the camera
        """
        meshes: list[Mesh | None] = [None] * len(poses)
        roots = [self._root_of(pose) for pose in poses]
        able = [i for i, root in enumerate(roots) if np.isfinite(root).all() and root[2] > 0]
        if able:
            chosen = [poses[i] for i in able]
            people = facing(chosen, np.stack([roots[i] for i in able]), self._skeleton)
            for i, mesh in zip(able, self._lifted(people), strict=True):
                meshes[i] = mesh
        return meshes

    def demand(self, skeleton: Skeleton) -> None:
        """
        Check that bodies can be hung on poses of a skeleton.

        :raises ModelError: it lacks joints of the root
        """
        if not has_all(skeleton, self._root):
            raise ModelError(
                f'{self._card.path}: hangs bodies on {", ".join(self._root)}, which poses of '
                f'{skeleton.name} lack; take a model that has them, or no lift model (none)'
            )

    def _root_of(self, pose: Pose) -> Array:
        if not has_all(pose.skeleton, self._root):
            return np.full(3, np.nan)
        mixer, _ = matching(pose.skeleton, self._root)
        return mixed(mixer, pose.joints3d).mean(axis=0)

    def _lifted(self, people: Facing) -> list[Mesh | None]:
        feed = {name: FEEDS[name](people).astype(np.float32) for name in self._session.inputs}
        found = self._session(**feed)
        meshes = [
            self._mesh({name: values[i] for name, values in found.items()}, root, turn)
            for i, (root, turn) in enumerate(zip(people.roots, people.turns, strict=True))
        ]
        return meshes

    def _mesh(self, outputs: dict[str, Array], root: Array, turn: Array) -> Mesh | None:
        root, turn = root.astype(np.float32), turn.astype(np.float32)
        joints, rotations = outputs.get('body_joints'), outputs.get('rotations')
        mesh = Mesh(
            topology=self.topology,
            vertices=outputs['vertices'] @ turn + root,
            joints=None if joints is None else joints @ turn + root,
            rotations=None if rotations is None else turn.T @ rotations,
            shape=outputs.get('betas'),
        )
        return mesh if mesh.is_sound else None


def facing(poses: Sequence[Pose], roots: Array, skeleton: Skeleton) -> Facing:
    """
    Look straight at people.

    :param poses: of one skeleton
    :param roots: of the people, in front of the camera, (N, 3)
    :param skeleton: of the joints that are wanted
    """
    mixer, known = matching(poses[0].skeleton, skeleton.names)
    turns = np.stack([turn_towards(root[:2] / root[2]) for root in roots])
    joints = mixed(mixer, np.stack([pose.joints3d for pose in poses])) - roots[:, None]
    confidence = known * (mixer @ np.stack([pose.confidence for pose in poses])[..., None])[..., 0]
    sound = np.isfinite(joints).all(axis=-1) & (confidence > 0)
    return Facing(
        roots,
        turns,
        np.where(sound[..., None], joints @ turns.transpose(0, 2, 1), 0.0),
        np.where(sound, confidence, 0.0),
    )


def has_all(skeleton: Skeleton, names: tuple[str, ...]) -> bool:
    """Whether a skeleton has joints of the given names, or stand-ins for them."""
    mixer, _ = matching(skeleton, names)
    return bool(mixer.any(axis=1).all())


@lru_cache
def matching(
    source: Skeleton, names: tuple[str, ...], guess: bool = False
) -> tuple[Array, NDArray[np.bool_]]:
    """
    Weights that make joints of the given names, and which of them are worth anything.

    The middle of a pair is a joint (pelvis, neck); one joint in place of another is not: better
    no nose than a head for a nose.

    :param guess: for a network that must have them all: also joints that lie between others
    """
    mixer = (guessing_mixer if guess else joint_mixer)(source, names)
    own = source.places_of(names) >= 0
    return mixer, own | (np.count_nonzero(mixer, axis=1) > 1)
