"""
A body model's joints as the 20 joints and the sizes of REP-155's human.

That human is simpler than a body model: hips and shoulders sit on straight bars, one hinge
between the hips bends the whole trunk forward, elbows and knees are hinges. So head and limbs
point in space as the body model's do, bend for bend; but a trunk that leans aside, twists or
curves, and shoulders that are raised, cannot be said: then the arms hang where the straight
trunk has its shoulders.

Hands and feet come before twist: hinges are laid where elbows and knees bend, so the shoulder's
roll and the hip's yaw say little of a limb that is nearly straight.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.rotations import tree_levels
from mesh_pose_ros.messages.body_frame import ros_axes
from mesh_pose_ros.messages.rep155_angles import (
    head_angles,
    hip_angles,
    limb_frame,
    shoulder_angles,
    turn,
)
from mesh_pose_ros.people import Mesh

Array = NDArray[np.floating]
Pair = tuple[float, float]  # left, right

SIDES = {'l': 1, 'r': -1}
WORDS = ('left', 'right')
TRUNK = ('waist', 'r_head', 'y_head', 'p_head')
ARM, LEG = (
    (*(f'{letter}_{ball}' for letter in 'ypr'), hinge)
    for ball, hinge in (('shoulder', 'elbow'), ('hip', 'knee'))
)
JOINTS = (*TRUNK, *(f'{side}_{joint}' for limb in (ARM, LEG) for side in SIDES for joint in limb))
CHAINS = (('shoulder', 'elbow', 'wrist'), ('hip', 'knee', 'ankle'))
NEEDED = (
    'head', 'neck', *(f'{s}_{j}' for c in CHAINS for s in WORDS for j in c),
)  # fmt: skip


@dataclass(frozen=True)
class Sizes:
    """
    What differs between two people, metres.

    :param torso: middle of the hips to middle of the shoulders
    :param neck: middle of the shoulders to where the neck begins to turn
    :param shoulder, hip: from the middle to one of them
    """

    torso: float
    neck: float
    shoulder: float
    hip: float
    upper_arm: Pair
    forearm: Pair
    thigh: Pair
    shin: Pair

    def differs(self, other: Sizes, tolerance: float) -> bool:
        """Whether any size differs by more than a tolerance, metres."""
        ours, theirs = (np.hstack(astuple(sizes)) for sizes in (self, other))
        return bool(np.abs(ours - theirs).max() > tolerance)


def is_known(mesh: Mesh | None) -> bool:
    """Whether a body tells enough for joints and sizes."""
    if mesh is None or mesh.joints is None or mesh.rotations is None:
        return False
    skeleton = mesh.topology.skeleton
    if skeleton is None or (skeleton.places_of(NEEDED) < 0).any():
        return False
    return bool(np.isfinite(mesh.joints).all() and np.isfinite(mesh.rotations).all())


def sizes_of(mesh: Mesh) -> Sizes:
    """The sizes of a body that `is_known`, whatever its pose."""
    rest = _named(mesh, _rest_joints(mesh))
    hips, shoulders = _middle(rest, 'hip'), _middle(rest, 'shoulder')

    def bones(upper: str, lower: str) -> Pair:
        left, right = (_length(rest[f'{s}_{lower}'] - rest[f'{s}_{upper}']) for s in WORDS)
        return left, right

    return Sizes(
        torso=_length(shoulders - hips),
        neck=max(0.0, float(rest['neck'][2] - shoulders[2])),
        shoulder=_length(rest['left_shoulder'] - shoulders),
        hip=_length(rest['left_hip'] - hips),
        upper_arm=bones('shoulder', 'elbow'),
        forearm=bones('elbow', 'wrist'),
        thigh=bones('hip', 'knee'),
        shin=bones('knee', 'ankle'),
    )


def joint_angles(mesh: Mesh, before: Array | None = None) -> Array:
    """
    The angles of all `JOINTS` of a body that `is_known`, (20,), radians.

    :param before: those of the image before, for what a joint leaves free in some poses
    """
    before = np.zeros(len(JOINTS)) if before is None else before
    turns = _ros_turns(mesh)
    pelvis = turns[_root(mesh)]
    turned = _named(mesh, pelvis.T @ turns)
    joints = _named(mesh, np.asarray(mesh.joints, dtype=float) @ pelvis)
    shoulders = _middle(joints, 'shoulder') - _middle(joints, 'hip')
    waist = float(np.arctan2(shoulders[0], shoulders[2]))
    torso = turn(1, waist)
    angles = [waist, *head_angles(torso.T @ turned['head'], before[1])]
    for chain, bends, solve, above in (
        (CHAINS[0], 1, shoulder_angles, torso),
        (CHAINS[1], -1, hip_angles, np.eye(3)),
    ):
        for word, side in zip(WORDS, SIDES.values()):
            ball, hinge, end = (joints[f'{word}_{joint}'] for joint in chain)
            front = turned[f'{word}_{chain[0]}'][:, 0]
            frame, bend = limb_frame(hinge - ball, end - hinge, front, bends)
            angles += [*solve(above.T @ frame, side, before[len(angles)]), bend]
    return np.array(angles)


def _ros_turns(mesh: Mesh) -> Array:
    assert mesh.rotations is not None
    return ros_axes(mesh.rotations.astype(float))


def _root(mesh: Mesh) -> int:
    assert mesh.topology.skeleton is not None
    return tree_levels(mesh.topology.skeleton.parents)[0][0]


def _named(mesh: Mesh, values: Array) -> dict[str, Array]:
    assert mesh.topology.skeleton is not None
    return dict(zip(mesh.topology.skeleton.names, values))


def _rest_joints(mesh: Mesh) -> Array:
    """Where the joints are when nothing is turned, ROS' axes, root at zero, (B, 3)."""
    assert mesh.topology.skeleton is not None
    assert mesh.joints is not None
    parents, turns = mesh.topology.skeleton.parents, _ros_turns(mesh)
    rest = np.zeros((len(parents), 3))
    for joint in (joint for level in tree_levels(parents)[1:] for joint in level):
        above = parents[joint]
        rest[joint] = rest[above] + turns[above].T @ (mesh.joints[joint] - mesh.joints[above])
    return rest


def _middle(joints: dict[str, Array], name: str) -> Array:
    return (joints[f'left_{name}'] + joints[f'right_{name}']) / 2


def _length(vector: Array) -> float:
    return float(np.linalg.norm(vector))
