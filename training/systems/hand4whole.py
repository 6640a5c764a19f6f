"""Hand4Whole: body, fingers and face at once, as SMPL-X (Moon, Choi and Lee 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np

from mesh_pose_ros.runtime.card import ImageInput
from mesh_pose_ros.skeletons import SMPLX55, SMPLX65, SMPLX137
from training.body_models import SMPLX, known_as
from training.checkpoints import fill, read_arrays
from training.networks.hand4whole import NAMING, Hand4Whole, Hand4WholeSettings
from training.networks.hand4whole_graph import Hand4WholeBodyGraph, Hand4WholeGraph
from training.networks.pose2pose_graph import BODY_SPAN
from training.networks.resnet import LAYOUTS
from training.networks.smplx_layer import SmplxLayer
from training.systems.pictures import example_pictures
from training.systems.system import (
    Draft,
    Filled,
    Order,
    OrderError,
    System,
    unfinished_card,
)

LICENCE = (
    "the weights are the authors' (MIT code; trained on Human3.6M, MPII, COCO or AGORA: research "
    'only); with SMPL-X inside, its licence (non-commercial, not to be passed on) too'
)
SOURCE = 'github.com/mks0601/Hand4Whole_RELEASE; mesh_pose export --system hand4whole'
MARGIN = 1.25
AXES = ('turned', 'picture')
TRUNKS = {'body_trunk': '50', 'hand_trunk': '50', 'face_trunk': '18'}
PARAMETERS = {
    'pose': 'axis_angle_rad',
    'betas': 'coefficients',
    'expression': 'coefficients',
    'part_boxes': 'crop_px_corners',
}
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


def filled(order: Order) -> Filled:
    """Fill the network from a snapshot."""
    depths = {name: trunk_depth(order, name, usual) for name, usual in TRUNKS.items()}
    settings = Hand4WholeSettings(
        depths['body_trunk'],
        depths['hand_trunk'],
        depths['face_trunk'],
        span=order.number('camera_span', Hand4WholeSettings.span),
    )
    network = Hand4Whole(settings).eval()
    report = fill(network, read_arrays(order.checkpoint), NAMING, str(order.checkpoint))
    return Filled({'whole_body': network}, {order.checkpoint.name: report})


def drafts(order: Order, found: Filled) -> list[Draft]:
    """Describe the model: all of SMPL-X if its arrays are there, else what needs none."""
    network = found.networks['whole_body']
    assert isinstance(network, Hand4Whole)
    height, width = network.settings.height, network.settings.width
    card = unfinished_card(
        order.name,
        'crop',
        licence=LICENCE,
        source=SOURCE,
        image=ImageInput(height, width),
        **(_places(order) if order.body_model is None else _surface(order)),
    )
    inputs = {'image': example_pictures(height, width)}
    if order.body_model is None:
        return [Draft(Hand4WholeGraph(network), inputs, card)]
    topology = known_as(SMPLX, order.body_model) | {'joint_names': np.array(SMPLX55.names)}
    graph = Hand4WholeBodyGraph(network, SmplxLayer(order.body_model))
    return [Draft(graph, inputs, card, topology)]


def _surface(order: Order) -> dict[str, Any]:
    refuse_root(order)
    return {
        'description': 'Hand4Whole: joints of body, fingers and face, on the surface of SMPL-X.',
        'outputs': SURFACE,
        'skeleton': SMPLX137,
        'options': {**crop_options(order), **surface_options(order)},
        'partners': {'detector': 'own_detector'},
    }


def _places(order: Order) -> dict[str, Any]:
    return {
        'description': 'Hand4Whole without SMPL-X: joints of body and fingers, and parameters.',
        'outputs': PLACES,
        'skeleton': SMPLX65,
        'options': {**crop_options(order), 'span': BODY_SPAN},
        'partners': {'detector': 'own_detector', **root_partner(order)},
    }


def trunk_depth(order: Order, setting: str, usual: str) -> int:
    """Layers of a trunk, the usual ones unless the order says so."""
    return int(order.chosen(setting, (usual, *(str(d) for d in LAYOUTS if str(d) != usual))))


def crop_options(order: Order) -> dict[str, Any]:
    """How the authors cut their crops."""
    return {'view': 'rectangle', 'margin': order.number('margin', MARGIN)}


def surface_options(order: Order) -> dict[str, Any]:
    """A body keeps the shape that its parameters give it, its joints stay on it."""
    return {'axes': order.chosen('axes', AXES), 'ray_share': 0.0}


def root_partner(order: Order) -> dict[str, str]:
    """The model that says the distance, if the order names one."""
    return {name: order.settings[name] for name in ('root',) if name in order.settings}


def refuse_root(order: Order) -> None:
    """
    Refuse what would do nothing.

    :raises OrderError: a root model is asked for beside a body model
    """
    if root_partner(order):
        raise OrderError(
            'root is of no use with a body model, whose size in metres says the distance; '
            'leave out --set root or --body-model'
        )


SETTINGS = {
    'margin': 'sides of the crop per side of the grown box, 1.25 as trained',
    'axes': 'turned or picture: what the rotations are in. turned: a camera that looks straight '
    "at the crop, which the network takes every crop for. picture: the picture's camera, as the "
    "authors' evaluations take it; right near the middle only. With a body model",
    'root': 'name or path of a root model (system rootnet) that says the distance. Without a '
    'body model; without both, the size of the box says it',
}

SYSTEM = System(
    title='Hand4Whole (Moon, Choi and Lee 2022): whole-body mesh with accurate hands',
    checkpoint='snapshot_6.pth.tar of Hand4Whole_RELEASE, also the one fine-tuned on AGORA',
    variants={'whole_body': 'SMPL-X: 137 joints with fingers and face, 10475 vertices'},
    fill=filled,
    draft=drafts,
    body_model='SMPLX_NEUTRAL (npz or pkl): surface, face, rotations in the picture, and a '
    'distance that follows from the size of the body; without it there are 65 joints of body '
    'and fingers as pixels and depths, and the parameters',
    settings=SETTINGS
    | {
        'body_trunk': 'layers of the ResNet: 50, 18, 34, 101 or 152; of the body',
        'hand_trunk': 'the same of the hands',
        'face_trunk': 'the same of the face, 18 as published',
        'camera_span': 'metres, 2.5 as trained: camera_3d_size of the training script',
    },
)
