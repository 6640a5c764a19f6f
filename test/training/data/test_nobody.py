"""Crops without a person say nothing and are drawn as others are."""

import torch

from training.data.backgrounds import Backgrounds
from training.data.crops import MixedCrops
from training.data.nobody import NobodyCrops


def crops():
    pictures = torch.randint(0, 256, (3, 3, 256, 320), dtype=torch.uint8)
    return NobodyCrops(Backgrounds(pictures), 64)


def test_nothing_is_labelled():
    batch = crops().batch(5, torch.Generator().manual_seed(0))
    assert batch.image.shape == (5, 3, 64, 64)
    assert batch.image.dtype == torch.uint8
    assert not batch.seen2d.any()
    assert not batch.seen3d.any()
    assert batch.image.float().std() > 1


def test_the_same_state_draws_the_same_crops():
    source = crops()
    a, b = (source.batch(4, torch.Generator().manual_seed(3)).image for _ in range(2))
    assert torch.equal(a, b)


def test_they_mix_with_others():
    source = MixedCrops([(crops(), 0.5), (crops(), 0.5)])
    assert len(source.batch(7, torch.Generator().manual_seed(0))) == 7
