"""The points of a body that other joint sets speak of, as rows over its vertices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.skeletons import COCO17, COCO20, H36M17, SMPL24, other_side
from training.data.joint_sets import LIFT27
from training.synthetic.anny_bodies import TPosedBodies
from training.synthetic.regressors import fit_regressor
from training.synthetic.t_pose import skinned

Array = NDArray[np.float64]

SETS = (COCO17, COCO20, H36M17, LIFT27)
MIDDLES = {'pelvis': 'hip', 'neck': 'shoulder'}  # halfway between the sides
# Where people who mark joints in pictures put them, seen from MakeHuman's bones: towards a
# joint, by that share of the way. Makes trunk : thigh : shin 1 : 0.79 : 0.79 as in 582 marked
# photographs of people with straight legs; the bones themselves have 1 : 0.82 : 0.94.
MARKED = {
    'left_shoulder': ('left_collar', 'left_hip', -0.035),
    'left_hip': ('pelvis', 'left_knee', 0.045),
    'left_knee': ('left_knee', 'left_ankle', 0.075),
    'left_ankle': ('left_knee', 'left_knee', 0.035),
}  # joint -> what it rides on, towards which joint, how far
POSED = 400  # examples in random poses behind the regressors


def named_regressors(people: TPosedBodies, mirror: NDArray[np.int64]) -> dict[str, NDArray]:
    """Rows over vertices for the joint sets other networks speak."""
    vertices, joints, marks = in_random_poses(people, POSED)
    points = {name: joints[:, i] for i, name in enumerate(SMPL24.names)}
    points |= {name: marks[:, i] for i, name in enumerate(people.landmark_names)}  # these win
    points['torso'] = points['spine2']
    names = [n for n in dict.fromkeys(n for s in SETS for n in s.names) if n not in MIDDLES]
    rows = fit_regressor(vertices, np.stack([points[n] for n in names], axis=1), names, mirror)
    row = dict(zip(names, rows, strict=True))
    for name, part in MIDDLES.items():
        row[name] = (row[f'left_{part}'] + row[f'right_{part}']) / 2
    arrays: dict[str, NDArray] = {}
    for skeleton in SETS:
        key = f'regressor_{skeleton.name}'
        arrays[key] = np.stack([row[name] for name in skeleton.names])
        arrays[f'{key}_names'] = np.array(skeleton.names)
    return arrays


def surface_points(people: TPosedBodies) -> dict[str, Array]:
    """Heels, big toes and the top of the head, each (N, 1, 3)."""
    points = {}
    mean = people.vertices.mean(axis=0)
    for side, sign in (('left', 1), ('right', -1)):
        foot = [SMPL24.index(f'{side}_{part}') for part in ('ankle', 'foot')]
        low = people.weights[:, foot].sum(axis=1) > 0.9
        low &= mean[:, 1] < mean[:, 1].min() + 0.045
        inner = low & (sign * mean[:, 0] < sign * mean[low, 0].mean())
        heel = np.argmin(np.where(low, mean[:, 2], np.inf))
        toe = np.argmax(np.where(inner, mean[:, 2], -np.inf))
        points[f'{side}_heel'] = people.vertices[:, [heel]]
        points[f'{side}_foot_index'] = people.vertices[:, [toe]]
    points['head_top'] = people.vertices[:, [mean[:, 1].argmax()]]
    return points


def marked_joints(people: TPosedBodies) -> dict[str, Array]:
    """Joints that pictures' annotators place beside the bones' ends, each (N, 1, 3)."""
    points = {}
    for name, (_, towards, share) in MARKED.items():
        for side in (str, other_side):
            a, b = (people.joints[:, [SMPL24.index(side(joint))]] for joint in (name, towards))
            points[side(name)] = a + share * (b - a)
    return points


def in_random_poses(people: TPosedBodies, count: int) -> tuple[Array, Array, Array]:
    """Vertices, joints and landmarks of some people with every joint turned at random."""
    from scipy.spatial.transform import Rotation

    draw = np.random.default_rng(1)
    some = draw.permutation(len(people.vertices))[:count]
    vectors = draw.normal(scale=0.35, size=(count, len(SMPL24), 3))
    local = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(count, -1, 3, 3)
    turns = local.copy()
    for child, parent in enumerate(SMPL24.parents):
        if parent >= 0:
            turns[:, child] = turns[:, parent] @ local[:, child]
    # landmarks ride on the joint that carries them
    carriers = [SMPL24.index(carrier_of(name)) for name in people.landmark_names]
    own = np.eye(len(SMPL24))[carriers]
    points = np.concatenate([people.vertices[some], people.landmarks[some]], axis=1)
    weights = np.concatenate([people.weights, own])
    posed, joints = skinned(points, weights, people.joints[some], turns)
    split = people.vertices.shape[1]
    return posed[:, :split], joints, posed[:, split:]


def carrier_of(landmark: str) -> str:
    """Name the joint that moves a landmark."""
    for turn in (str, other_side):
        if turn(landmark) in MARKED:
            return turn(MARKED[turn(landmark)][0])
    side, _, part = landmark.partition('_')
    if part in ('index', 'pinky', 'thumb'):
        return f'{side}_wrist'
    return {'heel': f'{side}_ankle', 'foot_index': f'{side}_foot'}.get(part, 'head')
