"""
Sample people from Anny and stand them in SMPL's T-pose.

Anny (https://github.com/naver/anny, code Apache-2.0) is a parametric body over MakeHuman's and
MPFB2's data (CC0). It is read at build time only. Here its 53 bones become SMPL's 24 joints,
its axes (x to the person's left, z up, facing -y) become SMPL's (x left, y up, z forward), and
its resting arms and legs are turned to the directions of a T-pose, the same for every body, so
that joint rotations mean the same on every body.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_pose_ros.skeletons import COCO17, SMPL24
from training.synthetic.decimation import mirror_of
from training.synthetic.t_pose import skinned, turns_to_t_pose

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

BONE_OF_JOINT = {  # SMPL joint -> Anny's bone (rig 'game_engine'); its head is the joint
    'pelvis': 'pelvis', 'spine1': 'spine_01', 'spine2': 'spine_02', 'spine3': 'spine_03',
    'neck': 'neck_01', 'head': 'head',
    'left_hip': 'thigh_l', 'left_knee': 'calf_l', 'left_ankle': 'foot_l', 'left_foot': 'ball_l',
    'left_collar': 'clavicle_l', 'left_shoulder': 'upperarm_l', 'left_elbow': 'lowerarm_l',
    'left_wrist': 'hand_l', 'left_hand': 'middle_01_l',
}  # fmt: skip
BONE_OF_JOINT |= {
    joint.replace('left_', 'right_'): bone[:-1] + 'r'
    for joint, bone in BONE_OF_JOINT.items()
    if joint.startswith('left_')
}
FINGERS = ('index', 'middle', 'ring', 'pinky', 'thumb')
FACE = COCO17.names[:5]
# knuckle -> bone whose head it is
KNUCKLES = {'index': 'index_01', 'pinky': 'pinky_01', 'thumb': 'thumb_02'}
ADULT = 18.0  # years


@dataclass(frozen=True, eq=False)
class TPosedBodies:
    """
    A crowd in T-pose, pelvis at the origin.

    :param vertices: (N, V, 3) metres
    :param joints: (N, 24, 3) metres, SMPL's order
    :param landmarks: (N, L, 3) metres, knuckles and face (COCO's points by Anny's authors)
    :param weights: (V, 24) skinning weights, rows sum to one
    :param faces: (F, 3) counter-clockwise from outside
    :param age: (N,) years
    """

    vertices: Array
    joints: Array
    landmarks: Array
    landmark_names: tuple[str, ...]
    weights: Array
    faces: NDArray[np.int64]
    age: Array


def sample_bodies(adults: int, children: int, seed: int) -> TPosedBodies:
    """
    Draw people as they are found in WHO's growth charts, by Anny's own distribution.

    :raises ImportError: ``anny`` is not installed (``pip install anny==0.6.2``)
    """
    import anny
    from anny.shape_distribution import SimpleShapeDistribution

    model = anny.Anny(rig='game_engine')
    torch.manual_seed(seed)
    draws = [
        SimpleShapeDistribution(model, torch.distributions.Uniform(low, high)).sample(count)
        for low, high, count in (
            (_f64(ADULT), _f64(85.0), adults),
            (_f64(1.5), _f64(ADULT), children),
        )
    ]
    age = torch.cat([age for age, _ in draws])
    kwargs = {key: torch.cat([kw[key] for _, kw in draws]) for key in draws[0][1]}
    rest = _rest_bodies(model, kwargs)
    return _t_posed(model, *rest, age.numpy())


def _f64(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def _symmetric(points: Array, mirror: NDArray[np.int64]) -> Array:
    """Take the skew out of the targets, at most some millimetres: mean with the mirror image."""
    return (points + points[..., mirror, :] * [-1, 1, 1]) / 2


def _rest_bodies(model, phenotypes: dict[str, torch.Tensor]) -> tuple[Array, Array]:
    """Vertices (N, V, 3) and bone heads (N, B, 3) in rest pose, SMPL's axes."""
    count = len(phenotypes['age'])
    vertices, heads = [], []
    for chunk in torch.arange(count).split(50):
        pose = torch.eye(4, dtype=model.dtype).repeat(len(chunk), model.bone_count, 1, 1)
        part = {key: value[chunk] for key, value in phenotypes.items()}
        out = model(pose_parameters=pose, phenotype_kwargs=part)
        vertices.append(out['rest_vertices'].numpy())
        heads.append(out['rest_bone_heads'].numpy())
    mirrors = (mirror_of(model.template_vertices.numpy()), _mirror_of_bones(model.bone_labels))
    rest = (_to_smpl_axes(np.concatenate(part)) for part in (vertices, heads))
    bodies, bones = map(_symmetric, rest, mirrors)
    return bodies, bones


def _mirror_of_bones(labels: Sequence[str]) -> NDArray[np.int64]:
    swap = {'_l': '_r', '_r': '_l'}
    names = [bone[:-2] + swap.get(bone[-2:], bone[-2:]) for bone in labels]
    return np.array([list(labels).index(name) for name in names])


def _to_smpl_axes(points: Array) -> Array:
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def _t_posed(model, vertices: Array, heads: Array, age: Array) -> TPosedBodies:
    joints, knuckles, names = _named_heads(model, heads)
    turns = turns_to_t_pose(joints, knuckles, names)
    wrists = np.eye(len(SMPL24))[[SMPL24.index(name.split('_')[0] + '_wrist') for name in names]]
    weights = _merged_weights(model)
    points = np.concatenate([vertices, knuckles], axis=1)
    points, joints = skinned(points, np.concatenate([weights, wrists]), joints, turns)
    points, joints = points - joints[:, :1], joints - joints[:, :1]
    vertices, knuckles = np.split(points, [len(weights)], axis=1)
    skin, faces = _largest_part(model.faces.numpy(), len(weights))
    return TPosedBodies(
        vertices=vertices[:, skin],
        joints=joints,
        landmarks=np.concatenate([knuckles, _faces_points(model, vertices)], axis=1),
        landmark_names=names + FACE,
        weights=weights[skin],
        faces=faces,
        age=age,
    )


def _named_heads(model, heads: Array) -> tuple[Array, Array, tuple[str, ...]]:
    """SMPL's joints (N, 24, 3), knuckles (N, 6, 3) and the knuckles' names."""
    bones = list(model.bone_labels)
    joints = heads[:, [bones.index(BONE_OF_JOINT[name]) for name in SMPL24.names]]
    marks = {
        f'{s}_{k}': f'{bone}_{s[0]}' for s in ('left', 'right') for k, bone in KNUCKLES.items()
    }
    return joints, heads[:, [bones.index(bone) for bone in marks.values()]], tuple(marks)


def _faces_points(model, vertices: Array) -> Array:
    """COCO's points of the face by Anny's authors, (N, 5, 3), with the eyes in their sockets."""
    import anny

    rows = anny.KeypointsRegressor.coco(model).regression_weights.numpy()[: len(FACE)]
    return np.einsum('pv,nvi->npi', rows, vertices)


def _merged_weights(model) -> Array:
    """Anny's skinning weights summed into SMPL's joints, (V, 24)."""
    joint_of = {bone: joint for joint, bone in BONE_OF_JOINT.items()} | {'Root': 'pelvis'}
    for bone in model.bone_labels:
        if bone.split('_')[0] in FINGERS:
            joint_of[bone] = ('left' if bone.endswith('_l') else 'right') + '_hand'
    dense = model.dense_vertex_bone_weights
    dense = (dense() if callable(dense) else dense).numpy()
    mirror = mirror_of(model.template_vertices.numpy())
    bones = _mirror_of_bones(model.bone_labels)
    dense = (dense + dense[mirror][:, bones]) / 2
    merged = np.zeros((len(dense), len(SMPL24)))
    for bone, column in zip(model.bone_labels, dense.T, strict=True):
        merged[:, SMPL24.index(joint_of[bone])] += column
    return merged / merged.sum(axis=1, keepdims=True)


def _largest_part(faces: Indices, count: int) -> tuple[Indices, Indices]:
    """Vertices of the skin without eyes and tongue, and its faces renumbered."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = (faces.ravel(), np.roll(faces, 1, axis=1).ravel())
    graph = coo_matrix((np.ones(faces.size), edges), (count, count))
    part = connected_components(graph, directed=False)[1]
    body = np.flatnonzero(part == np.bincount(part).argmax())
    new = np.full(count, -1)
    new[body] = np.arange(len(body))
    renumbered = new[faces]
    return body, renumbered[(renumbered >= 0).all(axis=1)]
