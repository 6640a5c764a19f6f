"""The networks that `engines.py` measures, as drafts of models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mesh_pose_ros.runtime.card import ModelCard, read_card
from mesh_pose_ros.skeletons import SMPL24
from training.body_models import NEEDED
from training.data.joint_sets import BODY30, LIFT27
from training.export import LifterGraph
from training.networks.crop_net import CropNet, CropNetSettings, trunk_settings
from training.networks.detector_net import DetectorNet, DetectorSettings
from training.networks.hand4whole import Hand4Whole
from training.networks.i2l_meshnet import BODY, I2lMeshNet
from training.networks.joint_graphs import JOINT_GRAPHS
from training.networks.metrabs import Metrabs, MetrabsSettings
from training.networks.pose2mesh import Pose2Mesh
from training.networks.pose2pose import BODY as POSE2POSE_BODY
from training.networks.pose2pose import Pose2Pose
from training.networks.pose_machine import PoseMachine
from training.networks.rootnet import RootNet
from training.networks.trunk import TrunkSettings, folded
from training.recipes import RECIPES
from training.recipes.crop import HIPS
from training.recipes.crop_card import CropGraph
from training.recipes.detector import DetectorGraph
from training.systems import SYSTEMS
from training.systems.pictures import example_pictures
from training.systems.system import Arrays, Draft, Filled, Order

MODELS = Path(__file__).parents[1] / 'models'
RINGS, AROUND = 84, 82  # of a ball that has as many vertices and triangles as SMPL


def own_detector() -> Draft:
    """The shipped detector."""
    saved = torch.load(MODELS / 'own_detector.pt', weights_only=True)
    told = dict(saved['settings']['network'])
    network = DetectorNet(DetectorSettings(trunk=TrunkSettings(**told.pop('trunk')), **told))
    network.load_state_dict(saved['weights'])
    recipe = RECIPES['detector']
    graph = DetectorGraph(folded(network.eval()), recipe.prior, recipe.tall)
    card = read_card(MODELS / 'own_detector.yaml')
    return _shipped(graph, card)


def own_pose() -> Draft:
    """The shipped crop network."""
    saved = torch.load(MODELS / 'own_pose.pt', weights_only=True)
    told = dict(saved['settings']['network'])
    settings = CropNetSettings(trunk=trunk_settings(told.pop('trunk')), **told)
    network = CropNet(len(BODY30), HIPS, settings)
    network.load_state_dict(saved['weights'])
    return _shipped(CropGraph(network.eval()), read_card(MODELS / 'own_pose.yaml'))


def open_body_lift() -> Draft:
    """The lifter with fresh weights: those that are shipped are in its graph alone."""
    recipe = replace(RECIPES['lifter'], body=MODELS / 'open_body.npz')
    graph = LifterGraph(recipe.build().eval())
    joints = 0.4 * torch.randn(3, len(LIFT27), 3, generator=torch.Generator().manual_seed(0))
    inputs = {'joints3d': joints, 'confidence': torch.ones(3, len(LIFT27))}
    card = read_card(MODELS / 'open_body_lift.yaml')
    return Draft(graph, inputs, card)


def _shipped(graph: nn.Module, card: ModelCard) -> Draft:
    assert card.image
    return Draft(graph, {'image': example_pictures(card.image.height, card.image.width)}, card)


def published(
    system: str,
    networks: dict[str, nn.Module],
    variant: str = '',
    body_model: Arrays | None = None,
    **settings: str,
) -> Draft:
    """The main model of a published system, with fresh weights."""
    first = next(iter(SYSTEMS[system].variants))
    order = Order(Path(), system, variant or first, body_model, settings)
    return SYSTEMS[system].draft(order, Filled(networks, {}))[0]


def pose2mesh() -> Draft:
    """Pose2Mesh on the mesh of a ball: its graphs are made from triangles."""
    arrays = ball()
    network = Pose2Mesh(JOINT_GRAPHS['human36'], arrays['f'])
    return published('pose2mesh', {'whole': network.eval()}, 'human36', arrays)


def ball() -> dict[str, NDArray[np.generic]]:
    """
    A closed surface of 6890 vertices in the place of SMPL's.

    Rings of vertices lie one above the other, a pole at either end. What is no concern of
    Pose2Mesh is empty.
    """
    vertex = 1 + np.arange(RINGS * AROUND).reshape(RINGS, AROUND)
    beside = np.roll(vertex, -1, axis=1)
    top, bottom = np.zeros(AROUND, int), np.full(AROUND, vertex.size + 1)
    sides = [
        np.stack([vertex[:-1], vertex[1:], beside[:-1]], axis=-1),
        np.stack([beside[:-1], vertex[1:], beside[1:]], axis=-1),
    ]
    ends = [
        np.stack([top, vertex[0], beside[0]], axis=-1),
        np.stack([bottom, beside[-1], vertex[-1]], axis=-1),
    ]
    count, joints = vertex.size + 2, len(SMPL24)
    return dict.fromkeys(NEEDED, np.zeros(0)) | {
        'v_template': np.zeros((count, 3)),
        'f': np.concatenate([part.reshape(-1, 3) for part in (*sides, *ends)]),
        'J_regressor': np.full((joints, count), 1 / count),
        'kintree_table': np.array([SMPL24.parents, range(joints)]),
    }


SUBJECTS: dict[str, Callable[[], Draft]] = {
    'own_detector': own_detector,
    'own_pose': own_pose,
    'open_body_lift': open_body_lift,
    'i2l_meshnet': lambda: published('i2l_meshnet', {'lixels': I2lMeshNet(BODY).eval()}),
    'rootnet': lambda: published('rootnet', {'root': RootNet().eval()}),
    'hand4whole': lambda: published('hand4whole', {'whole_body': Hand4Whole().eval()}),
    'metrabs': lambda: published(
        'metrabs',
        {'metrabs': Metrabs(MetrabsSettings(joints=24)).eval()},
        'efficientnet_v2_s',
        names='smpl_24',
    ),
    'pose2mesh': pose2mesh,
    'pose2pose': lambda: published('pose2pose', {'body': Pose2Pose(POSE2POSE_BODY).eval()}),
    'pose_machines': lambda: published('pose_machines', {'pose_machine': PoseMachine().eval()}),
}


@cache
def drafted(name: str) -> Draft:
    """A network with the same weights whenever it is asked for."""
    torch.manual_seed(0)
    return SUBJECTS[name]()
