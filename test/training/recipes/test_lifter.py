"""What a lifter is asked for."""

from dataclasses import replace

import pytest
import torch

from training.data.lifter_samples import LifterSamples
from training.networks.lifter import Lifted, LifterSettings
from training.recipes.lifter import LifterRecipe, LifterTask, LifterWeights
from training.synthetic.poses import PoseSampler

ASIDE, DEEP = torch.tensor([0.1, 0.0, 0.0]), torch.tensor([0.0, 0.0, 0.1])
TINY = 1e-5


class Same:
    """A source that has one batch."""

    def __init__(self, batch):
        self._batch = batch

    def batch(self, count, generator):
        return self._batch


@pytest.fixture(scope='module')
def recipe(body_path):
    small = LifterSettings(hidden=16, frame_hidden=8, corrections=1)
    return LifterRecipe(body=body_path, network=small, weights=LifterWeights(held=1.0))


@pytest.fixture(scope='module')
def batch(body_path):
    people = LifterSamples(body_path, PoseSampler(), None)
    return people.batch(6, torch.Generator().manual_seed(3))


def costs(recipe, batch, moved=0.0):
    """The loss of somebody who answers the truth, or the truth moved."""
    network = recipe.build()
    move = moved - batch.origin[:, None]
    joints, shift = (at + move for at in network.body.joints(batch.rotations, batch.betas))
    points = network.points(batch.rotations, shift, batch.betas)
    answer = Lifted(batch.rotations, batch.betas, shift, joints, points)
    network.forward = lambda joints, confidence: [answer]
    return LifterTask(recipe, network, Same(batch)).losses(0, torch.Generator().manual_seed(0))


def test_the_truth_costs_nothing_where_true_joints_go_in(recipe, batch):
    assert all(part < TINY for part in costs(recipe, batch).values())


def test_what_goes_in_holds_the_body_across_and_not_in_depth(recipe, batch):
    assert costs(recipe, batch, ASIDE)['held'] == pytest.approx(0.1, rel=1e-3)
    assert costs(recipe, batch, DEEP)['held'] < TINY
    wrong = replace(batch, joints=batch.joints + ASIDE)  # the truth is not what was seen
    assert costs(recipe, wrong)['held'] == pytest.approx(0.1, rel=1e-3)


def test_unsure_joints_hold_little_and_unknown_ones_nothing(recipe, batch):
    strayed, sure = batch.joints.clone(), batch.confidence.clone()
    strayed[:, 0] += ASIDE
    sure[:, 0] = 0.0
    assert costs(recipe, replace(batch, joints=strayed, confidence=sure))['held'] < TINY
    sure[:, 0] = 0.5
    found = costs(recipe, replace(batch, joints=strayed, confidence=sure))['held']
    assert found == pytest.approx(0.1 * 0.5 / 26.5, rel=1e-3)
