"""Mirrors and mixtures keep what belongs together together."""

from dataclasses import fields

import pytest

torch = pytest.importorskip('torch')

from training.data.crops import CropBatch, MixedCrops, SyntheticCrops  # noqa: E402
from training.data.joint_sets import BODY30  # noqa: E402
from training.data.rows import joined  # noqa: E402


@pytest.fixture
def batch(layers, plain, draw):
    return SyntheticCrops(layers, plain, 64).batch(6, draw)


def test_two_mirrors_show_what_was(batch):
    everyone = torch.ones(len(batch), dtype=torch.bool)
    twice = batch.mirrored(everyone).mirrored(everyone)
    for field in fields(CropBatch):
        torch.testing.assert_close(getattr(twice, field.name), getattr(batch, field.name))


def test_a_mirror_interchanges_sides(batch):
    mirrored = batch.mirrored(torch.tensor([True] + [False] * 5))
    left, right = BODY30.index('left_wrist'), BODY30.index('right_wrist')
    x = 63 - batch.joints2d[0, left, 0]
    torch.testing.assert_close(mirrored.joints2d[0, right, 0], x)
    torch.testing.assert_close(mirrored.image[0], batch.image[0].flip(-1))
    torch.testing.assert_close(mirrored.image[1:], batch.image[1:])


def test_joining_and_picking_undo_each_other(batch):
    whole = joined([batch[:2], batch[2:]])
    torch.testing.assert_close(whole.joints3d, batch.joints3d)


@pytest.mark.parametrize(('shares', 'counts'), [((1, 1), [4, 4]), ((3, 1), [6, 2]), ((1, 0), [8])])
def test_a_mixture_keeps_its_shares(shares, counts):
    asked = []

    class Counting:
        def batch(self, count, generator):
            asked.append(count)
            return _nothing(count)

    batch = MixedCrops([(Counting(), share) for share in shares]).batch(8, torch.Generator())
    assert asked == counts
    assert len(batch) == 8


def _nothing(count):
    return CropBatch(**{field.name: torch.zeros(count, 1) for field in fields(CropBatch)})
