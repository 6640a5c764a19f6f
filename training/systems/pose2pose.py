"""Pose2Pose: the body or a hand alone, as SMPL or MANO (Moon, Choi and Lee 2022)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mesh_pose_ros.runtime.card import ImageInput
from mesh_pose_ros.skeletons import MANO21, SMPL24, SMPLX25, Skeleton
from training.body_models import MANO, SMPL, BodyModelKind, known_as
from training.checkpoints import fill, read_arrays
from training.networks.body_layer import BodyLayer
from training.networks.i2l_graph import HAND_POINTS, PointSet
from training.networks.mirrored_graph import MirroredGraph
from training.networks.pose2pose import BODY, HAND, NAMING, Pose2Pose, Pose2PoseSettings
from training.networks.pose2pose_graph import (
    BODY_POINTS,
    BODY_SPAN,
    HAND_SPAN,
    Pose2PoseBodyGraph,
    Pose2PoseGraph,
)
from training.systems.hand4whole import (
    SETTINGS,
    crop_options,
    refuse_root,
    root_partner,
    surface_options,
    trunk_depth,
)
from training.systems.pictures import example_pictures
from training.systems.system import Arrays, Draft, Filled, Order, System, unfinished_card

SOURCE = (
    'github.com/mks0601/Hand4Whole_RELEASE, branch Pose2Pose; mesh_pose export --system pose2pose'
)
SIDES = ('right', 'left')
PARAMETERS = {'pose': 'axis_angle_rad', 'betas': 'coefficients'}
PLACES = {'joints_uvd': 'crop_px_m', **PARAMETERS, 'translation': 'virtual_camera_m'}
SURFACE = {
    'joints2d': 'crop_px',
    'joints3d': 'root_relative_m',
    'vertices': 'root_relative_m',
    'body_joints': 'root_relative_m',
    'rotations': 'rest_to_camera',
    **PARAMETERS,
    'root3d': 'virtual_camera_m',
}
FINGERS = ('index', 'middle', 'pinky', 'ring', 'thumb')  # in MANO's order
MANO16 = ('wrist', *(f'{finger}{i}' for finger in FINGERS for i in (1, 2, 3)))


@dataclass(frozen=True)
class Part:
    """
    What differs between body and hand.

    :param bones: names of the body model's joints
    :param trained_on: data sets, whose terms go with the weights
    """

    settings: Pose2PoseSettings
    skeleton: Skeleton
    points: PointSet
    span: float
    body_model: BodyModelKind
    bones: tuple[str, ...]
    trained_on: str
    partners: dict[str, str]


PARTS = {
    'body': Part(
        BODY,
        SMPLX25,
        BODY_POINTS,
        BODY_SPAN,
        SMPL,
        SMPL24.names,
        'Human3.6M, MPII, COCO or AGORA',
        {'detector': 'own_detector'},
    ),
    'hand': Part(
        HAND,
        MANO21,
        HAND_POINTS,
        HAND_SPAN,
        MANO,
        MANO16,
        'FreiHAND, InterHand2.6M, COCO',
        {},
    ),
}


def filled(order: Order) -> Filled:
    """Fill the network from a snapshot."""
    usual = PARTS[order.variant].settings
    settings = replace(
        usual,
        depth=trunk_depth(order, 'trunk', '50'),
        span=order.number('camera_span', usual.span),
    )
    network = Pose2Pose(settings).eval()
    report = fill(network, read_arrays(order.checkpoint), NAMING, str(order.checkpoint))
    return Filled({order.variant: network}, {order.checkpoint.name: report})


def drafts(order: Order, found: Filled) -> list[Draft]:
    """Describe the model: with the surface of SMPL or MANO if its arrays are there."""
    part, arrays = PARTS[order.variant], order.body_model
    network = found.networks[order.variant]
    assert isinstance(network, Pose2Pose)
    mirrored = order.variant == 'hand' and order.chosen('side', SIDES) == 'left'
    settings = network.settings
    card = unfinished_card(
        order.name,
        'crop',
        licence=licence_of(part),
        source=SOURCE,
        image=ImageInput(settings.height, settings.width),
        skeleton=part.skeleton,
        **(_places(order, part) if arrays is None else _surface(order, part)),
    )
    inputs = {'image': example_pictures(settings.height, settings.width)}
    topology = None if arrays is None else topology_of(part, arrays, mirrored)
    graph = graph_of(part, network, arrays)
    return [Draft(MirroredGraph(graph) if mirrored else graph, inputs, card, topology)]


def licence_of(part: Part) -> str:
    """Whose terms a model is under, in words."""
    return (
        f"the weights are the authors' (MIT code; trained on {part.trained_on}: research only); "
        f'with {part.body_model.name} inside, its licence (non-commercial, not to be passed on) '
        'too'
    )


def graph_of(part: Part, network: Pose2Pose, arrays: Arrays | None) -> Pose2PoseGraph:
    """Put the body model's arrays beside the network, if there are any."""
    if arrays is None:
        return Pose2PoseGraph(network, part.span)
    rest = arrays.get('hands_mean')
    return Pose2PoseBodyGraph(
        network,
        BodyLayer(arrays),
        part.points.regressor(_dense(arrays['J_regressor'])),
        part.span,
        None if rest is None else _dense(rest),
    )


def topology_of(part: Part, arrays: Arrays, mirrored: bool) -> dict[str, np.ndarray]:
    """Triangles and bones; a mirror turns triangles inside out, so their corners go back."""
    known = known_as(part.body_model, arrays) | {'joint_names': np.array(part.bones)}
    if mirrored:
        known['faces'] = known['faces'][:, ::-1]
    return known


def _surface(order: Order, part: Part) -> dict[str, Any]:
    refuse_root(order)
    return {
        'description': f'Pose2Pose, {_named(order)}: joints on the surface of '
        f'{part.body_model.name}.',
        'outputs': SURFACE,
        'options': {**crop_options(order), **surface_options(order)},
        'partners': part.partners,
    }


def _places(order: Order, part: Part) -> dict[str, Any]:
    return {
        'description': f'Pose2Pose, {_named(order)}, without {part.body_model.name}: joints and '
        'parameters.',
        'outputs': PLACES,
        'options': {**crop_options(order), 'span': part.span},
        'partners': {**part.partners, **root_partner(order)},
    }


def _named(order: Order) -> str:
    side = f'{order.chosen("side", SIDES)} ' if order.variant == 'hand' else ''
    return side + order.variant


def _dense(values: Any) -> Tensor:
    dense = values.toarray() if hasattr(values, 'toarray') else values
    return torch.from_numpy(np.asarray(dense)).float()


SYSTEM = System(
    title='Pose2Pose (Moon, Choi and Lee 2022): the parts of Hand4Whole, body or hand alone',
    checkpoint='snapshot_6_body.pth.tar or snapshot_12_hand.pth.tar of Hand4Whole_RELEASE, '
    'branch Pose2Pose',
    variants={'body': 'SMPL: 25 joints, 6890 vertices', 'hand': 'MANO: 21 joints, 778 vertices'},
    fill=filled,
    draft=drafts,
    body_model='SMPL_NEUTRAL, or MANO_RIGHT for either hand: surface, rotations in the picture, '
    'and a distance that follows from the size of the body; without it there are joints as '
    'pixels and depths, and the parameters',
    settings=SETTINGS
    | {
        'side': 'right or left, of the hand: a left one is seen in a mirror',
        'trunk': 'layers of the ResNet: 50, 18, 34, 101 or 152',
        'camera_span': 'metres, 2.5 (hand 0.4) as trained: camera_3d_size of the training script',
    },
)
