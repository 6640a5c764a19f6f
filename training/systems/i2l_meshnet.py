"""I2L-MeshNet: bodies and right hands as lixels, and as SMPL or MANO (Moon and Lee 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mesh_pose_ros.runtime.card import ImageInput
from mesh_pose_ros.skeletons import MANO21, SMPL29, Skeleton
from training.body_models import MANO, SMPL, BodyModelKind, known_as
from training.checkpoints import fill, read_arrays
from training.networks.body_layer import BodyLayer
from training.networks.i2l_graph import (
    BODY_POINTS,
    BODY_SPAN,
    HAND_POINTS,
    HAND_SPAN,
    I2lBodyGraph,
    I2lGraph,
    ParametricMesh,
    PointSet,
)
from training.networks.i2l_meshnet import BODY, HAND, NAMING, I2lMeshNet, I2lMeshNetSettings
from training.systems.pictures import example_pictures
from training.systems.system import Arrays, Draft, Filled, Order, System, unfinished_card

LICENCE = (
    "the weights are the authors' (research only: Human3.6M, MuCo, COCO, 3DPW or FreiHAND); "
    'with a body model inside, its licence (non-commercial, not to be passed on) too'
)
SOURCE = 'github.com/mks0601/I2L-MeshNet_RELEASE; mesh_pose export --system i2l_meshnet'
MARGIN = 1.25
MESHES = ('lixel', 'param')
LIXELS = {'joints_uvd': 'crop_px_m', 'vertices_uvd': 'crop_px_m'}
PARAMETERS = {
    'vertices': 'root_relative_m',
    'body_joints': 'root_relative_m',
    'rotations': 'rest_to_camera',
    'pose': 'axis_angle_rad',
    'betas': 'coefficients',
}


@dataclass(frozen=True)
class Part:
    """What differs between body and hand."""

    settings: I2lMeshNetSettings
    skeleton: Skeleton
    points: PointSet
    span: float
    body_model: BodyModelKind
    partners: dict[str, str]


PARTS = {
    'body': Part(BODY, SMPL29, BODY_POINTS, BODY_SPAN, SMPL, {'detector': 'own_detector'}),
    'hand': Part(HAND, MANO21, HAND_POINTS, HAND_SPAN, MANO, {}),
}


def filled(order: Order) -> Filled:
    """Fill the network from a snapshot."""
    network = I2lMeshNet(PARTS[order.variant].settings).eval()
    report = fill(network, read_arrays(order.checkpoint), NAMING, str(order.checkpoint))
    return Filled({'lixels': network}, {order.checkpoint.name: report})


def drafts(order: Order, found: Filled) -> list[Draft]:
    """Describe the model: the lixels, and SMPL or MANO in them if its arrays are there."""
    part, arrays = PARTS[order.variant], order.body_model
    network = found.networks['lixels']
    assert isinstance(network, I2lMeshNet)
    mesh = order.chosen('mesh', MESHES if arrays is None else MESHES[::-1])
    partners = part.partners | {k: order.settings[k] for k in ('root',) if k in order.settings}
    side = part.settings.side
    if arrays is None:
        graph, outputs, topology = I2lGraph(network, part.span), LIXELS, None
    else:
        graph = I2lBodyGraph(network, parametric_mesh(part, arrays), part.span)
        outputs, topology = LIXELS | PARAMETERS, known_as(part.body_model, arrays)
    card = unfinished_card(
        order.name,
        'crop',
        licence=LICENCE,
        source=SOURCE,
        description=f'I2L-MeshNet, {order.variant}; the {mesh} mesh is shown.',
        image=ImageInput(side, side),
        outputs=outputs,
        skeleton=part.skeleton,
        options={
            'view': 'rectangle',
            'margin': MARGIN,
            'axes': 'picture',
            'mesh': mesh,
            'span': part.span,
        },
        partners=partners,
    )
    return [Draft(graph, {'image': example_pictures(side, side)}, card, topology)]


def parametric_mesh(part: Part, arrays: Arrays) -> ParametricMesh:
    """Put the body model's arrays into the layer that the graph holds."""
    regressor = arrays['J_regressor']
    regressor = regressor.toarray() if hasattr(regressor, 'toarray') else np.asarray(regressor)
    rest = arrays.get('hands_mean')
    return ParametricMesh(
        BodyLayer(arrays),
        part.points.regressor(torch.from_numpy(regressor).float()),
        None if rest is None else torch.from_numpy(np.asarray(rest)).float(),
    )


SYSTEM = System(
    title='I2L-MeshNet (Moon and Lee 2020): a mesh from image-to-lixel prediction',
    checkpoint='snapshot_*.pth.tar of I2L-MeshNet_RELEASE, stage param (or lixel)',
    variants={'body': 'SMPL: 29 joints, 6890 vertices', 'hand': 'MANO: 21 joints, 778 vertices'},
    fill=filled,
    draft=drafts,
    body_model='SMPL_NEUTRAL or MANO_RIGHT: the parametric mesh, and faces for the lixel mesh',
    settings={
        'mesh': 'lixel or param: which mesh the runtime shows; param needs a body model',
        'root': 'name or path of a root model (system rootnet) that says the distance; without, '
        'the size of the box does',
    },
)
