"""
MeTRAbs' joints: their names in its files, ours, and how they hang together.

Its names are a letter for the side, three or four for the joint, and perhaps the data set whose
annotators meant it: ``lkne_h36m``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mesh_pose_ros.pipeline.joint_sets import JointSet
from mesh_pose_ros.skeletons import ROOT, SKELETONS, SMPL24, Skeleton
from training.systems.system import OrderError

Edges = tuple[tuple[int, int], ...]

SIDES = {'l': 'left_', 'r': 'right_'}
PAIRED = {
    'hip': 'hip', 'kne': 'knee', 'ank': 'ankle', 'toe': 'toe', 'foo': 'foot', 'cla': 'collar',
    'sho': 'shoulder', 'elb': 'elbow', 'wri': 'wrist', 'han': 'hand', 'eye': 'eye', 'ear': 'ear',
}  # fmt: skip
SINGLE = {
    'pelv': 'pelvis', 'neck': 'neck', 'head': 'head', 'htop': 'head_top', 'nose': 'nose',
    'tors': 'torso', 'spin': 'torso',
}  # fmt: skip
OF_SMPL = {
    'bell': 'spine1', 'spi1': 'spine1', 'spin': 'spine2', 'spi2': 'spine2', 'thor': 'spine3',
    'spi3': 'spine3', 'ltoe': 'left_foot', 'rtoe': 'right_foot',
}  # fmt: skip
OF_H36M = {'head': 'nose'}  # the tip of the nose is annotated

_SMPL = (
    'lhip:pelv rhip:pelv bell:pelv lkne:lhip rkne:rhip spin:bell lank:lkne rank:rkne thor:spin '
    'ltoe:lank rtoe:rank neck:thor lcla:neck rcla:neck head:neck lsho:lcla rsho:rcla lelb:lsho '
    'relb:rsho lwri:lelb rwri:relb lhan:lwri rhan:rwri'
)
# joints whose lists the files of 2020 do not bring, each with the one it hangs on
LISTS = {
    'smpl_24': f'pelv {_SMPL}',
    'smpl_24_root_last': f'{_SMPL} pelv',
    'h36m_17_root_last': 'rhip:pelv rkne:rhip rank:rkne lhip:pelv lkne:lhip lank:lkne tors:pelv '
    'neck:tors head:neck htop:head lsho:neck lelb:lsho lwri:lelb rsho:neck relb:rsho rwri:relb '
    'pelv',
    'mpi_inf_3dhp_17_root_last': 'htop:head neck:spin rsho:neck relb:rsho rwri:relb lsho:neck '
    'lelb:lsho lwri:lelb rhip:pelv rkne:rhip rank:rkne lhip:pelv lkne:lhip lank:lkne spin:pelv '
    'head:neck pelv',
}
# joint, joint, metres: means that the authors' demo of 2020 takes for SMPL
SMPL_BONES = """
    head neck 0.08394
    neck left_collar 0.12516
    left_collar left_shoulder 0.09803
    left_shoulder left_elbow 0.26469
    left_elbow left_wrist 0.24745
    left_wrist left_hand 0.08799
    neck right_collar 0.12550
    right_collar right_shoulder 0.10376
    right_shoulder right_elbow 0.25822
    right_elbow right_wrist 0.25064
    right_wrist right_hand 0.08743
    neck spine3 0.22048
    spine3 spine2 0.06697
    spine2 spine1 0.13754
    spine1 pelvis 0.11453
    pelvis left_hip 0.11578
    left_hip left_knee 0.38126
    left_knee left_ankle 0.40098
    left_ankle left_foot 0.15062
    pelvis right_hip 0.11386
    right_hip right_knee 0.38931
    right_knee right_ankle 0.40104
    right_ankle right_foot 0.15102
"""


def listed_joints(told: str) -> JointSet:
    """
    Read a list of joints.

    :param told: a key of `LISTS`, the path of a joint_info.npz, or names with commas between
        them, each perhaps with a colon and the joint that it hangs on
    :raises OrderError: it is none of these
    """
    if told.endswith('.npz'):
        return _from_file(Path(told))
    pairs = [entry.partition(':') for entry in LISTS.get(told, told).replace(',', ' ').split()]
    names = tuple(name for name, _, _ in pairs)
    if len(set(names)) != len(names):
        raise OrderError(f'names {told!r}: a joint occurs twice')
    strange = [parent for _, _, parent in pairs if parent and parent not in names]
    if strange:
        raise OrderError(f'names {told!r}: {", ".join(strange)} is not in the list')
    edges = tuple((names.index(parent), names.index(n)) for n, _, parent in pairs if parent)
    return JointSet(tuple(range(len(names))), names, edges)


def _from_file(path: Path) -> JointSet:
    try:
        with np.load(path, allow_pickle=False) as file:
            names = [n.decode() if isinstance(n, bytes) else str(n) for n in file['joint_names']]
            edges = file['joint_edges'].reshape(-1, 2).tolist()
    except Exception as err:  # a broken archive breaks in many ways
        raise OrderError(f'names {path}: cannot be read ({type(err).__name__} {err})') from err
    return JointSet(tuple(range(len(names))), tuple(names), tuple((a, b) for a, b in edges))


def skeleton_of(name: str, joints: JointSet) -> Skeleton:
    """
    Name and connect joints as we do; one of our skeletons where it has these joints.

    :param name: of the set
    """
    names = our_names(name, joints.names)
    for ours in SKELETONS.values():
        if ours.names == names:
            return ours
        if sorted(ours.names) == sorted(names):
            return Skeleton(name, names, _reordered(ours, names))
    return Skeleton(name, names, parents_of(names, joints.edges))


def our_names(name: str, theirs: Sequence[str]) -> tuple[str, ...]:
    """Our names of a set's joints; theirs where we have none or several would be the same."""
    bare = [joint.partition('_')[0] for joint in theirs]
    special = OF_H36M if name.startswith('h36m') else {}
    if {'bell', 'spi1'} & set(bare):
        special = OF_SMPL
    ours = [special.get(joint) or _translated(joint) for joint in bare]
    single = {joint for joint in ours if joint and ours.count(joint) == 1}
    return tuple(
        mine if mine in single else other for mine, other in zip(ours, theirs, strict=True)
    )


def _translated(joint: str) -> str | None:
    if joint in SINGLE:
        return SINGLE[joint]
    part = PAIRED.get(joint[1:])
    return SIDES[joint[0]] + part if part and joint[0] in SIDES else None


def _reordered(ours: Skeleton, names: tuple[str, ...]) -> tuple[int, ...]:
    parents = [ours.parents[ours.index(name)] for name in names]
    return tuple(ROOT if p == ROOT else names.index(ours.names[p]) for p in parents)


def parents_of(names: Sequence[str], edges: Edges) -> tuple[int, ...]:
    """Hang joints on each other along edges, from the pelvis; one that closes a ring is lost."""
    parents = [ROOT] * len(names)
    first = names.index('pelvis') if 'pelvis' in names else 0
    seen: set[int] = set()
    for root in (first, *range(len(names))):
        waiting = [] if root in seen else [root]
        seen.add(root)
        while waiting:
            joint = waiting.pop(0)
            ends = [a if b == joint else b for a, b in edges if joint in (a, b)]
            for end in dict.fromkeys(end for end in ends if end not in seen):
                parents[end] = joint
                seen.add(end)
                waiting.append(end)
    return tuple(parents)


def usual_bones(told: str, joints: JointSet) -> dict[tuple[int, int], float]:
    """
    Lengths of bones in metres, by pair of the mixed joints.

    :param told: none, smpl_24, or the path of a file with a line ``joint joint metres`` per bone
    :param joints: the set whose names are meant
    :raises OrderError: it is none of these, or a joint is not in the set
    """
    if told == 'none':
        return {}
    text = SMPL_BONES if told == 'smpl_24' else _read(Path(told))
    places = dict(zip(joints.names, joints.places, strict=True))
    places |= dict(zip(our_names('', joints.names), joints.places, strict=True))
    try:
        rows = [line.split() for line in text.splitlines() if line.strip()]
        return {(places[a], places[b]): float(length) for a, b, length in rows}
    except (KeyError, ValueError) as err:
        raise OrderError(
            f'bones {told!r}: each line must be two joints of {", ".join(joints.names)} and '
            f'metres ({type(err).__name__} {err})'
        ) from err


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as err:
        raise OrderError(f'bones {path}: cannot be read: {err}') from err


def is_smpl(joints: JointSet) -> bool:
    """Whether the joints are SMPL's 24, in any order."""
    return sorted(our_names('', joints.names)) == sorted(SMPL24.names)
