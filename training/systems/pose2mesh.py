"""Pose2Mesh: joints in a picture to joints in space and a mesh (Choi, Moon and Lee 2020)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from mesh_pose_ros.skeletons import SMPL24
from training.body_models import MANO, SMPL, BodyModelKind, known_as
from training.checkpoints import fill, read_arrays
from training.networks.joint_graphs import JOINT_GRAPHS
from training.networks.mesh_coarsening import coarsened
from training.networks.mesh_net import PUBLISHED
from training.networks.pose2mesh import (
    LIFTER_NAMING,
    NAMING,
    Pose2Mesh,
    Pose2MeshSettings,
    PoseNet,
    PoseNetSettings,
)
from training.networks.pose2mesh_graph import LifterGraph, Pose2MeshBodyGraph
from training.systems.system import (
    Arrays,
    Draft,
    Filled,
    Order,
    OrderError,
    System,
    unfinished_card,
)

LICENCE = (
    "the weights are the authors' (research only: Human3.6M, COCO, MuCo, 3DPW, FreiHAND); with a "
    'body model inside, its licence (non-commercial, not to be passed on) too'
)
SOURCE = 'github.com/hongsukchoi/Pose2Mesh_RELEASE; mesh_pose export --system pose2mesh'
PARTS = ('whole', 'lifter')
ORDER = 'order'  # ending of the file with the coarsening's order
COUNT, SPREAD, MIDDLE = 3, 120.0, 300.0  # examples: poses of random pixels


def filled(order: Order) -> Filled:
    """Fill the network, or its lifter alone, from a checkpoint."""
    lifter = PoseNetSettings(hidden=round(order.number('hidden', PoseNetSettings().hidden)))
    joints = JOINT_GRAPHS[order.variant]
    if order.chosen('part', PARTS) == 'lifter':
        network: Pose2Mesh | PoseNet = PoseNet(len(joints.skeleton), lifter)
        naming = LIFTER_NAMING
    else:
        settings = Pose2MeshSettings(lifter, PUBLISHED[order.variant])
        network, naming = Pose2Mesh(joints, faces_of(order), settings), NAMING
    report = fill(network.eval(), read_arrays(order.checkpoint), naming, str(order.checkpoint))
    return Filled({order.chosen('part', PARTS): network}, {order.checkpoint.name: report})


def faces_of(order: Order) -> np.ndarray:
    """
    Triangles of the body model, by which the mesh was coarsened.

    :raises OrderError: there is no body model
    """
    kind = body_model_of(order)
    if order.body_model is None:
        raise OrderError(
            f'pose2mesh needs --body-model {kind.file} ({kind.page}): the order in which its '
            'triangles are coarsened is part of the network. Without it only --set part=lifter '
            'can be had'
        )
    return known_as(kind, order.body_model)['faces']


def body_model_of(order: Order) -> BodyModelKind:
    """Whose mesh comes out."""
    return MANO if order.variant == 'mano' else SMPL


def drafts(order: Order, found: Filled) -> list[Draft]:
    """Describe the whole, or the lifter alone."""
    part = order.chosen('part', PARTS)
    network = found.networks[part]
    skeleton = JOINT_GRAPHS[order.variant].skeleton
    common: dict[str, Any] = {
        'licence': LICENCE,
        'source': SOURCE,
        'skeleton': skeleton,
        'partners': {'crop': order.settings.get('crop', 'default')},
    }
    inputs = {'joints2d': example_poses(len(skeleton))}
    if isinstance(network, PoseNet):
        card = unfinished_card(
            order.name,
            'lift',
            description=f"Pose2Mesh's lifter alone, {order.variant}: joints, no mesh.",
            outputs={'joints3d': 'root_relative_m'},
            **common,
        )
        return [Draft(LifterGraph(network), inputs, card)]
    assert isinstance(network, Pose2Mesh)
    assert order.body_model is not None
    card = unfinished_card(
        order.name,
        'lift',
        description=f'Pose2Mesh, {order.variant}: joints in a picture to a mesh.',
        outputs=dict.fromkeys(('vertices', 'body_joints', 'joints3d'), 'root_relative_m'),
        options={'coarsening': f'{order.name}_{ORDER}.npz'},
        **common,
    )
    graph = Pose2MeshBodyGraph(network, _regressor(order.body_model))
    topology, beside = topology_of(order), {ORDER: coarsening_of(order)}
    return [Draft(graph, inputs, card, topology, beside)]


def topology_of(order: Order) -> Arrays:
    """Triangles and bones of the body model."""
    assert order.body_model is not None
    known = known_as(body_model_of(order), order.body_model)
    if order.variant != 'mano':
        known['joint_names'] = np.array(SMPL24.names)
    return known


def coarsening_of(order: Order) -> Arrays:
    """Which node is in each row of each graph, and how many are real, from fine to coarse."""
    pyramid = coarsened(faces_of(order), PUBLISHED[order.variant].levels)
    orders = {f'order{level}': rows for level, rows in enumerate(pyramid.orders)}
    return orders | {'counts': np.array(pyramid.counts)}


def example_poses(joints: int) -> Tensor:
    """Poses in pixels, no two alike, (3, J, 2)."""
    generator = torch.Generator().manual_seed(0)
    return MIDDLE + SPREAD * torch.randn(COUNT, joints, 2, generator=generator)


def _regressor(arrays: Arrays) -> Tensor:
    regressor = arrays['J_regressor']
    dense = regressor.toarray() if hasattr(regressor, 'toarray') else regressor
    return torch.from_numpy(np.asarray(dense)).float()


SYSTEM = System(
    title='Pose2Mesh (Choi, Moon and Lee 2020): a mesh from joints in a picture',
    checkpoint='final.pth.tar of Pose2Mesh_RELEASE, of Pose2Mesh or of PoseNet alone',
    variants={
        'human36': '17 joints of Human3.6M, SMPL mesh',
        'coco': '17 joints of COCO with pelvis and neck, SMPL mesh',
        'smpl': '24 joints of SMPL, SMPL mesh',
        'mano': '21 joints of a right hand, MANO mesh',
    },
    fill=filled,
    draft=drafts,
    body_model='SMPL_NEUTRAL or MANO_RIGHT, always needed for the mesh: its triangles say in '
    'which order the mesh was coarsened',
    settings={
        'part': 'whole or lifter: PoseNet alone, joints without a mesh, needs no body model',
        'hidden': 'width of the lifter, 4096 as published',
        'crop': 'name or path of the model that finds joints in pictures, default. Joints of the '
        'trunk, hands and feet and the top of the head, which it does not find, are guessed '
        'between its joints; metrabs finds those of human36 (skeleton=h36m_17) and smpl '
        '(skeleton=smpl_24). mano wants a model of hands, i2l_meshnet or pose2pose',
    },
)
