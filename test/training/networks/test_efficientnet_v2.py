"""The trunk's cells lie where they are said to lie."""

import pytest
import torch

from training.networks.efficientnet_v2 import LAYOUTS, ConvNorm, EfficientNetV2


@pytest.mark.parametrize('size', LAYOUTS)
def test_features_are_at_stride_32(size):
    with torch.device('meta'):
        network = EfficientNetV2(size, centred=True).eval()
        assert network(torch.zeros(2, 3, 128, 96)).shape == (2, 1280, 4, 3)


@pytest.mark.parametrize(('shifted', 'first'), [(False, 0), (True, 1)])
@torch.no_grad()
def test_a_shifted_stride_looks_at_odd_cells(shifted, first):
    """A kernel that only sees its middle picks cells out."""
    layer = ConvNorm(1, 1, 3, stride=2, active=False, shifted=shifted).eval()
    layer[0].weight.zero_()
    layer[0].weight[0, 0, 1, 1] = 1
    cells = torch.arange(64.0).view(1, 1, 8, 8)
    picked = layer(cells) * (1 + layer[1].eps) ** 0.5
    torch.testing.assert_close(picked, cells[:, :, first::2, first::2])


@torch.no_grad()
def test_only_the_last_stride_is_shifted():
    network = EfficientNetV2('s', centred=True)
    plain = EfficientNetV2('s')
    plain.load_state_dict(network.state_dict())
    image = torch.rand(1, 3, 64, 64)
    same, seen = image, image
    for number, (one, other) in enumerate(zip(plain.eval(), network.eval(), strict=True)):
        same, seen = one(same), other(seen)
        assert torch.equal(same, seen) == (number < 6)
