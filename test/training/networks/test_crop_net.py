"""What holds for a crop network of any design, with any weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from training.networks import heatmaps
from training.networks.correction import MOST
from training.networks.crop_net import DESIGNS, CropNet, CropNetSettings, around
from training.networks.trunk import Features, TrunkSettings, folded

SMALL = TrunkSettings(stem=8, widths=(8, 12, 16, 24), blocks=(0, 1, 1, 1), fused=12)
SIDE, JOINTS, ROOT = 96, 7, (2, 5)


def network_of(design, **more):
    torch.manual_seed(0)
    settings = CropNetSettings(side=SIDE, design=design, trunk=SMALL, hidden=16, **more)
    return CropNet(JOINTS, ROOT, settings)


@pytest.fixture(params=[*DESIGNS, 'corrected'])
def network(request):
    if request.param == 'corrected':
        return taught(network_of('mixed', correction=24)).eval()
    return network_of(request.param).eval()


def taught(network):
    """A network whose correction does something; at first it changes nothing."""
    for part in (network.correction.picture, network.correction.space):
        torch.nn.init.normal_(part.last.weight, std=0.05)
    return network


@pytest.fixture
def crops(draw):
    return 255 * torch.rand(3, 3, SIDE, SIDE, generator=draw)


@torch.no_grad()
def test_sees_every_joint_of_every_crop(network, crops):
    sight = network(crops)
    assert sight.joints2d.shape == sight.peaks.shape == (3, JOINTS, 2)
    assert sight.joints3d.shape == (3, JOINTS, 3)
    assert sight.confidence.shape == (3, JOINTS)
    assert sight.score.shape == (3,)
    assert sight.heat.shape == (3, JOINTS, SIDE // 8, SIDE // 8)
    assert all(torch.isfinite(part).all() for part in vars(sight).values())


@torch.no_grad()
def test_metres_start_between_the_hips(network, crops):
    hips = network(crops).joints3d[:, ROOT].mean(dim=1)
    np.testing.assert_allclose(hips, 0, atol=1e-5)


@torch.no_grad()
def test_batches_like_it_loops(network, crops):
    together = network(crops)
    for i, crop in enumerate(crops):
        alone = network(crop[None])
        np.testing.assert_allclose(together.joints2d[i], alone.joints2d[0], atol=2e-3)
        np.testing.assert_allclose(together.joints3d[i], alone.joints3d[0], atol=1e-4)


def test_errors_in_metres_teach_the_whole_way_up(network, crops):
    network.train()
    network(crops).joints3d.square().sum().backward()
    for name, part in [('stem', network.trunk.stem), ('metres', network.metres)]:
        slopes = [p.grad for p in part.parameters()]
        assert all(s is not None and torch.isfinite(s).all() for s in slopes), name
        assert any(s.abs().max() > 0 for s in slopes), name


@torch.no_grad()
def test_folding_changes_nothing_but_the_layers(network, crops):
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(std=0.2)
            layer.running_var.uniform_(0.5, 2)
    plain, fused = network(crops), folded(network)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in fused.modules())
    np.testing.assert_allclose(fused(crops).joints3d, plain.joints3d, atol=1e-4)


@torch.no_grad()
def test_joints_that_no_peak_shows_follow_those_that_are_sure():
    network = network_of('peaks').eval()
    flat = torch.tensor([[[0.0, 0.0], [0.5, 0.0], [0.0, 0.5], [0.3, 0.3], [0.9, 1.2], [0, 1]]])
    truth = 40 * flat + torch.tensor([30.0, 20.0])
    joints3d = torch.cat([flat, torch.ones(1, 6, 1)], dim=-1)
    peaks, confidence = truth.clone(), torch.full((1, 6), 0.9)
    peaks[:, 4], confidence[:, 4] = 3.0, 0.01
    found = network._completed(peaks, joints3d, confidence)
    np.testing.assert_allclose(found, truth, atol=1.0)
    np.testing.assert_allclose(found[:, :4], peaks[:, :4], atol=1e-4)


@torch.no_grad()
def test_a_correction_begins_by_changing_nothing(crops):
    network = network_of('mixed', correction=24).eval()
    found, (guess, _) = network(crops), network.guess(network.trunk(crops))
    for name in ('joints2d', 'joints3d'):
        np.testing.assert_allclose(getattr(found, name), getattr(guess, name), atol=1e-5)
    found = taught(network)(crops)
    for name in ('joints2d', 'joints3d'):
        assert (getattr(found, name) - getattr(guess, name)).abs().mean() > 1e-3, name
    np.testing.assert_array_equal(found.peaks, guess.peaks)


def of_focal(focal, count=3):
    """Crops' cameras."""
    middle = (SIDE - 1) / 2
    return torch.tensor([[focal, 0, middle], [0, focal, middle], [0, 0, 1.0]]).repeat(count, 1, 1)


def sized(std):
    """A network that corrects sizes by more, the larger ``std`` is."""
    network = taught(network_of('mixed', correction=24, size=16))
    torch.nn.init.normal_(network.size.factor.last.weight, std=std)
    return network.eval()


@torch.no_grad()
def test_a_size_begins_by_changing_nothing(crops):
    plain = taught(network_of('mixed', correction=24, size=16)).eval()
    np.testing.assert_array_equal(plain(crops, of_focal(150.0)).joints3d, plain(crops).joints3d)


@torch.no_grad()
def test_a_size_scales_metres_and_moves_no_pixel(crops):
    network = sized(0.05)
    plain, wide, narrow = (
        network(crops, camera) for camera in (None, of_focal(60.0), of_focal(600.0))
    )
    ratios = [
        sight.joints3d.norm(dim=(1, 2)) / plain.joints3d.norm(dim=(1, 2))
        for sight in (wide, narrow)
    ]
    assert ((ratios[0] - ratios[1]).abs() > 1e-4).all()  # how wide a camera sees counts
    for sight, ratio in zip((wide, narrow), ratios):
        scaled = plain.joints3d * ratio[:, None, None]
        np.testing.assert_allclose(sight.joints3d, scaled, atol=1e-5)
        np.testing.assert_array_equal(sight.joints2d, plain.joints2d)


@torch.no_grad()
def test_a_size_is_left_where_cameras_are_not_known(crops):
    network = sized(0.05)
    some = of_focal(150.0)
    some[1] = 0
    found, plain = network(crops, some).joints3d, network(crops).joints3d
    np.testing.assert_array_equal(found[1], plain[1])
    assert not np.allclose(found[0], plain[0])


@torch.no_grad()
def test_no_size_is_changed_beyond_all_measure(crops):
    network = sized(9.0)
    found, plain = network(crops, of_focal(150.0)), network(crops)
    factors = (found.joints3d / plain.joints3d).log().abs().flatten(1).median(dim=1).values
    np.testing.assert_allclose(factors, MOST, rtol=1e-4)


def test_a_network_without_a_size_has_none_to_learn():
    with pytest.raises(ValueError, match='nothing for size'):
        network_of('mixed', correction=24, learning='size')
    with pytest.raises(ValueError, match='all, metres, size'):
        network_of('mixed', learning='sizes')


@torch.no_grad()
def test_every_joint_has_a_say_in_the_place_of_every_other():
    network = taught(network_of('mixed', correction=24)).eval()
    guess, _ = network.guess(network.trunk(torch.full((1, 3, SIDE, SIDE), 90.0)))
    shown = torch.zeros(1, JOINTS, 12 + 16)
    before = network.corrected(guess, shown).joints3d
    for change in ('joints2d', 'joints3d', 'confidence'):
        other = getattr(guess, change).clone()
        other[:, 3] += 1.0
        after = network.corrected(replace(guess, **{change: other}), shown).joints3d
        moved = (after - before).abs().amax(dim=-1)[0]
        assert (moved[[0, 1, 6]] > 1e-6).all(), change


@torch.no_grad()
def test_around_a_joint_is_what_its_cell_shows():
    fine, middle = torch.rand(1, 5, 4, 4), torch.rand(1, 3, 2, 2)
    chance = torch.zeros(1, 2, 16)
    chance[0, 0, 4 * 1 + 3] = chance[0, 1, 4 * 2 + 0] = 1.0  # rows 1 and 2
    shown = around(Features(fine, middle, middle), chance)
    wanted = [
        torch.cat([fine[0, :, 1, 3], middle[0, :, 0, 1]]),
        torch.cat([fine[0, :, 2, 0], middle[0, :, 1, 0]]),
    ]
    np.testing.assert_allclose(shown[0], torch.stack(wanted), rtol=1e-6)


@pytest.mark.parametrize(
    ('joint', 'tolerance'),
    [
        ((40.2, 61.7), 0.3),
        ((20.0, 75.0), 0.3),
        ((92.0, 40.0), 3.0),  # a Gaussian cut by the border leans inwards
    ],
)
def test_a_map_that_meets_its_target_is_read_where_the_joint_is(joint, tolerance):
    centres = heatmaps.cell_centres(12, 8, torch.zeros(1))
    wanted = torch.tensor([[joint]])
    target = heatmaps.targets(wanted, centres, 8)
    assert heatmaps.divergence((target + 1e-9).log().unflatten(2, (12, 12)), target).max() < 1e-3
    found, mass = heatmaps.read_peaks(target, 8)
    np.testing.assert_allclose(found, wanted, atol=tolerance)
    assert mass.min() > 0.95


def test_the_higher_of_two_peaks_is_read_not_their_middle():
    centres = heatmaps.cell_centres(12, 8, torch.zeros(1))
    two = heatmaps.targets(torch.tensor([[[20.0, 20.0], [70.0, 70.0]]]), centres, 8)
    both = 0.6 * two[:, :1] + 0.4 * two[:, 1:]
    found, mass = heatmaps.read_peaks(both, 8)
    np.testing.assert_allclose(found[0, 0], [20, 20], atol=0.5)
    assert mass.item() == pytest.approx(0.6, abs=0.02)


def test_a_far_joint_asks_nothing_of_a_map():
    centres = heatmaps.cell_centres(12, 8, torch.zeros(1))
    assert heatmaps.targets(torch.tensor([[[900.0, -300.0]]]), centres, 8).sum() == 0
