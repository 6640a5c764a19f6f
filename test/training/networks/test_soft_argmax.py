"""Soft-argmax on one, two and three axes."""

import numpy as np
import pytest
import torch

from training.networks.soft_argmax import mean_place, soft_argmax


@pytest.mark.parametrize('cell', [(3,), (2, 3), (4, 2, 3)])
def test_a_sharp_peak_is_found_where_it_is(cell):
    logits = torch.zeros(1, 1, *(5, 6, 7)[-len(cell) :])
    logits[(0, 0, *cell)] = 50.0
    np.testing.assert_allclose(soft_argmax(logits)[0, 0], cell[::-1], atol=1e-6)


def test_a_flat_map_is_read_in_the_middle():
    np.testing.assert_allclose(soft_argmax(torch.zeros(1, 2, 9, 5)), [[[2, 4]] * 2], atol=1e-6)


def test_means_of_marginals_are_the_mean_over_all_cells(draw):
    chance = torch.rand(2, 3, 4, 5, 6, generator=draw)
    chance = chance / chance.sum(dim=(2, 3, 4), keepdim=True)
    z, y, x = torch.meshgrid(*(torch.arange(n) for n in (4, 5, 6)), indexing='ij')
    places = torch.stack([x, y, z], -1).float()
    wanted = torch.einsum('njzyx,zyxa->nja', chance, places)
    np.testing.assert_allclose(mean_place(chance), wanted, atol=1e-5)


def test_no_logit_is_too_large():
    assert torch.isfinite(soft_argmax(torch.tensor([[[1e4, -1e4, 3e4]]]))).all()
