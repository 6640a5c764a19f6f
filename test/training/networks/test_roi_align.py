"""Boxes are resampled as torchvision's kernel does it, by products of matrices."""

import numpy as np
import pytest
import torch
from exported import assert_exports
from parity import parity_case
from torch import nn

from training.networks.interpolation import sampled_at
from training.networks.roi_align import roi_align


@pytest.mark.parametrize(('name', 'size'), [('roi_up', (32, 32)), ('roi_down', (8, 6))])
def test_gives_the_kernels_numbers(name, size):
    case = parity_case('common/preproc_case.npz')
    boxes = torch.from_numpy(case['roi_boxes'])
    images = torch.from_numpy(case['roi_img'])[boxes[:, 0].long()]
    found = roi_align(images, boxes[:, 1:], size, most_samples=32)
    np.testing.assert_allclose(found, case[name], rtol=0, atol=1e-6)


def test_one_cell_per_pixel_reads_between_pixels(draw):
    image = torch.rand(1, 2, 9, 7, generator=draw)
    found = roi_align(image, torch.tensor([[0.0, 0, 6, 8]]), (8, 6))
    middles = (image[..., :-1, :-1] + image[..., 1:, :-1]) / 2
    middles = (middles + (image[..., :-1, 1:] + image[..., 1:, 1:]) / 2) / 2
    np.testing.assert_allclose(found, middles, atol=1e-6)


def test_outside_of_the_picture_is_nothing():
    ones = torch.ones(2, 1, 8, 8)
    boxes = torch.tensor([[20.0, 0, 28, 8], [0, -30, 8, -22]])
    assert not roi_align(ones, boxes, (4, 4)).any()


def test_a_constant_stays_however_many_points_are_read():
    boxes = torch.tensor([[1.0, 1, 6, 6], [0, 0, 7, 7], [5, 5, 2, 2]])
    ones = torch.ones(3, 1, 8, 8)
    for most in (1, 3, 8):
        np.testing.assert_allclose(roi_align(ones, boxes, (3, 2), most), 1, atol=1e-6)


def test_maps_are_read_as_grid_sample_reads_them(draw):
    maps = torch.rand(2, 3, 8, 6, generator=draw)
    places = torch.rand(2, 5, 2, generator=draw) * torch.tensor([5.0, 7.0])
    grid = places / torch.tensor([5.0, 7.0]) * 2 - 1
    wanted = nn.functional.grid_sample(maps, grid.unsqueeze(2), align_corners=True)
    found = sampled_at(maps, torch.cat([places, places[..., :1]], -1))
    np.testing.assert_allclose(found, wanted.squeeze(3).transpose(1, 2), atol=1e-6)


class Cutter(nn.Module):
    outputs = ('crops',)

    def forward(self, images, boxes):
        return (roi_align(images, boxes, (16, 12)),)


def test_runs_outside_torch(tmp_path, draw):
    images = torch.rand(3, 2, 40, 30, generator=draw)
    boxes = torch.tensor([[-5.0, 3, 20, 30], [10, 10, 45, 70], [8, 8, 4, 4]])
    assert_exports(Cutter(), {'images': images, 'boxes': boxes}, tmp_path)
