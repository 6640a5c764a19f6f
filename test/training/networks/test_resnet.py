"""ResNets have the layers that their names promise, and can be entered in the middle."""

import numpy as np
import pytest
import torch

from training.networks.deconv import DeconvHead
from training.networks.resnet import LAYOUTS, ResNet


@pytest.mark.parametrize('depth', LAYOUTS)
def test_depth_counts_the_layers(depth):
    with torch.device('meta'):
        network = ResNet(depth)
    convolutions = [name for name, _ in network.named_parameters() if 'conv' in name]
    assert len(convolutions) + 1 == depth  # the classifier is left out


@pytest.mark.parametrize(
    ('depth', 'millions'),
    [(18, 11.18), (34, 21.28), (50, 23.51), (101, 42.50), (152, 58.14)],
)
def test_has_as_many_weights_as_published(depth, millions):
    with torch.device('meta'):
        count = sum(weight.numel() for weight in ResNet(depth).parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.006)


@torch.no_grad()
def test_without_a_stem_it_begins_at_stride_4(draw):
    whole, late = ResNet(18).eval(), ResNet(18, stem=False).eval()
    late.load_state_dict({n: a for n, a in whole.state_dict().items() if n.startswith('layer')})
    image = torch.randn(1, 3, 64, 96, generator=draw)
    early = whole.early(image)
    assert early.shape == (1, 64, 16, 24)
    np.testing.assert_array_equal(late.late(early), whole(image))
    assert whole(image).shape == (1, whole.channels, 2, 3)


def test_deconvolutions_are_three_times_twice_as_fine():
    assert DeconvHead(8, width=5)(torch.zeros(2, 8, 3, 2)).shape == (2, 5, 24, 16)
