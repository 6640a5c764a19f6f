"""The networks that `engines.py` measures, as drafts of models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
from torch import nn

from mesh_pose_ros.runtime.card import ModelCard, read_card
from training.data.joint_sets import BODY30, LIFT27
from training.export import LifterGraph
from training.networks.crop_net import CropNet, CropNetSettings, trunk_settings
from training.networks.detector_net import DetectorNet, DetectorSettings
from training.networks.hand4whole import Hand4Whole
from training.networks.i2l_meshnet import BODY, I2lMeshNet
from training.networks.metrabs import Metrabs, MetrabsSettings
from training.networks.pose_machine import PoseMachine
from training.networks.rootnet import RootNet
from training.networks.trunk import TrunkSettings, folded
from training.recipes import RECIPES
from training.recipes.crop import HIPS
from training.recipes.crop_card import CropGraph
from training.recipes.detector import DetectorGraph
from training.systems import SYSTEMS
from training.systems.pictures import example_pictures
from training.systems.system import Draft, Filled, Order

MODELS = Path(__file__).parents[1] / 'models'


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
    system: str, networks: dict[str, nn.Module], variant: str = '', **settings: str
) -> Draft:
    """The main model of a published system, with fresh weights."""
    first = next(iter(SYSTEMS[system].variants))
    order = Order(Path(), system, variant or first, settings=settings)
    return SYSTEMS[system].draft(order, Filled(networks, {}))[0]


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
    'pose_machines': lambda: published('pose_machines', {'pose_machine': PoseMachine().eval()}),
}


@cache
def drafted(name: str) -> Draft:
    """A network with the same weights whenever it is asked for."""
    torch.manual_seed(0)
    return SUBJECTS[name]()
