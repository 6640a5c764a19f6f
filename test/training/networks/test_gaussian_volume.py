"""Convolving volumes of Gaussians without making them."""

import numpy as np
import torch

from training.networks.gaussian_volume import GaussianVolume


def test_gives_what_the_convolved_volume_would(draw):
    volume = GaussianVolume(joints=3, layers=7, sigma=1.5)
    places = 8 * torch.rand(2, 3, 3, generator=draw) - 1  # some outside
    weight = torch.randn(4, 21, 3, 3, generator=draw)
    z, y, x = torch.meshgrid(*(torch.arange(n) for n in (7, 6, 5)), indexing='ij')
    away = torch.stack([x, y, z], -1) - places[:, :, None, None, None]
    made = torch.exp(-away.square().sum(-1) / 2 / 1.5**2).flatten(1, 2)
    wanted = torch.nn.functional.conv2d(made, weight, padding=1)
    found = volume.convolved(volume.kernel(weight), places, (6, 5))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
