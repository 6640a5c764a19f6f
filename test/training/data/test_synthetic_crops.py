"""Crops of rendered people: labels stay exact whatever happens to the picture."""

import copy

import pytest

torch = pytest.importorskip('torch')

from training.data.ages import CHILD, is_child  # noqa: E402
from training.data.crops import CropMix, SyntheticCrops  # noqa: E402
from training.data.obstacles import Company  # noqa: E402
from training.data.synthetic_crops import PLAIN  # noqa: E402
from training.data.views import Wander  # noqa: E402
from training.synthetic.layers import SIDE  # noqa: E402

WILD = Wander(shift=0.1, zoom=0.3, roll=0.6, tumbled=0.2)


def test_joints_in_space_project_onto_joints_in_the_picture(layers, plain, draw):
    batch = SyntheticCrops(layers, plain, 96, CropMix(WILD)).batch(64, draw)
    seen = (batch.joints3d + batch.root[:, None]) @ batch.intrinsics.transpose(1, 2)
    known = batch.seen2d > 0
    found = (seen[..., :2] / seen[..., 2:])[known]
    torch.testing.assert_close(found, batch.joints2d[known], atol=0.02, rtol=1e-4)


def test_the_turn_leads_from_the_layer_to_the_crop(layers, plain, draw):
    batch = SyntheticCrops(layers, plain, 96).batch(32, draw)
    straight = batch.turn.det() > 0
    points = layers.joints[batch.source] @ batch.turn.transpose(1, 2)
    found = (batch.joints3d + batch.root[:, None])[straight]
    torch.testing.assert_close(found, points[straight], atol=1e-4, rtol=0)


def test_what_is_painted_on_a_joint_is_seen_there(layers, plain, draw):
    painted = copy.copy(layers)
    joint = 9  # a wrist
    pixel = layers.joints[:, joint, :2] / layers.joints[:, joint, 2:] * layers.focal[:, None]
    pixel = pixel + (SIDE - 1) / 2
    painted.pixels = lambda rows: _spot(pixel[rows])
    mix = CropMix(WILD, Company(0, 0), PLAIN.treatment, mirrored=0.5)
    batch = SyntheticCrops(painted, plain, 128, mix).batch(48, draw)
    column = torch.where(batch.turn.det() > 0, joint, joint + 1)
    joints = batch.joints2d[torch.arange(48), column]
    bright = (batch.image.float().mean(1) - 90).clamp_min(0)
    for image, place in zip(bright, joints):
        if place.min() > 8 and place.max() < 119 and image.sum() > 0:
            v, u = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing='ij')
            found = torch.stack([(image * u).sum(), (image * v).sum()]) / image.sum()
            assert (found - place).norm() < 1.5


def _spot(pixels):
    """White spots on grey, round pixels (N, 2)."""
    v, u = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing='ij')
    away = (u - pixels[:, 0, None, None]) ** 2 + (v - pixels[:, 1, None, None]) ** 2
    spot = 255 * torch.exp(-away / 18)[:, None].expand(-1, 4, -1, -1)
    return spot.byte()


def test_the_same_generator_state_gives_the_same_batch(layers, plain):
    crops = SyntheticCrops(layers, plain, 48)
    first, second = (crops.batch(5, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first.image, second.image)
    assert torch.equal(first.joints2d, second.joints2d)


@pytest.mark.parametrize('share', [0.0, 0.2, 1.0])
def test_children_are_drawn_as_often_as_is_asked_for(layers, plain, draw, share):
    one_in_four = torch.zeros(len(layers), 12)
    one_in_four[::4, CHILD] = 1.0
    mixed = copy.copy(layers)
    mixed.betas = one_in_four
    drawn = SyntheticCrops(mixed, plain, 16, CropMix(children=share)).batch(400, draw)
    found = is_child(mixed.betas[drawn.source]).float().mean().item()
    assert found == pytest.approx(share, abs=0.08)


def test_layers_of_adults_alone_will_do(layers, plain, draw):
    grown = copy.copy(layers)
    grown.betas = torch.zeros(len(layers), 12)
    assert len(SyntheticCrops(grown, plain, 16).batch(8, draw)) == 8


def test_some_joints_lie_outside_and_some_are_hidden(layers, plain, draw):
    batch = SyntheticCrops(layers, plain, 48).batch(200, draw)
    assert 0.03 < (~batch.inside).float().mean() < 0.5
    assert 0.03 < batch.hidden.float().mean() < 0.7


def test_company_leaves_enough_of_the_person(layers, plain, draw):
    alone = CropMix(PLAIN.wander, Company(0, 0), PLAIN.treatment, 0)
    crowd = CropMix(PLAIN.wander, Company(1, 1, most=0.0), PLAIN.treatment, 0)
    rows = torch.zeros(1, dtype=torch.long)
    for mix in (alone, crowd):
        batch = SyntheticCrops(layers, plain, 64, mix).of(rows, draw)
        assert torch.equal(batch.hidden[0], layers.hidden[0])
