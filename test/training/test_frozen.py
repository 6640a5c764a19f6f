"""What does not learn may be computed elsewhere: it is the same to the network."""

import numpy as np
import pytest
import torch

from training.frozen import Eyes
from training.networks.blaze import BlazeSettings
from training.networks.crop_net import CropNet, CropNetSettings
from training.networks.trunk import TrunkSettings

SMALL = TrunkSettings(stem=8, widths=(8, 12, 16, 24), blocks=(0, 1, 1, 1), fused=12)


@pytest.fixture(scope='module', params=[8, 16])
def network(request):
    torch.manual_seed(0)
    return CropNet(5, (1, 2), CropNetSettings(256, 'mixed', BlazeSettings(frozen=request.param)))


@pytest.fixture(scope='module')
def eyes(network):
    return Eyes(network)


def test_onnx_runtime_sees_what_torch_sees(network, eyes):
    crops = 255 * torch.rand(3, 3, 256, 256, generator=torch.Generator().manual_seed(1))
    fast, slow = eyes(crops), network(crops)
    for name in ('heat', 'joints3d', 'confidence', 'score'):
        found, wanted = getattr(fast, name).detach(), getattr(slow, name).detach()
        np.testing.assert_allclose(found, wanted, atol=1e-4, rtol=1e-3, err_msg=name)


def test_what_learns_gets_the_same_gradient(network, eyes):
    crops = 255 * torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(2))
    gradients = []
    for see in (eyes, network):
        network.zero_grad(set_to_none=True)
        see(crops).joints3d.square().sum().backward()
        gradients.append(network.trunk.top[0].weight.grad.clone())
    assert gradients[1].abs().max() > 0
    np.testing.assert_allclose(*gradients, rtol=1e-2, atol=1e-6)


def test_what_is_settled_is_seen_the_same(draw):
    torch.manual_seed(0)
    settings = CropNetSettings(96, 'mixed', SMALL, hidden=16, correction=24, learning='metres')
    network = CropNet(5, (1, 2), settings).train()
    for part in (network.correction.picture, network.correction.space):
        torch.nn.init.normal_(part.last.weight, std=0.05)
    crops = 255 * torch.rand(3, 3, 96, 96, generator=draw)
    eyes = Eyes(network)
    seen = eyes.look(crops)
    assert network.correction.space.training
    assert not network.correction.picture.training
    assert not network.trunk.training
    fast, slow = eyes.understand(seen), network.eval()(crops)
    assert fast.joints3d.requires_grad
    assert fast.heat.shape == (3, 5, 0, 0)
    for name in ('confidence', 'score', 'peaks'):
        np.testing.assert_allclose(getattr(fast, name), getattr(slow, name), atol=1e-2)
    again = eyes.understand(seen)
    np.testing.assert_allclose(again.joints3d.detach(), slow.joints3d.detach(), atol=1e-3)


def test_a_network_that_learns_as_a_whole_is_left_alone():
    whole = CropNet(5, (1, 2), CropNetSettings(96, 'peaks', SMALL))
    crops = 255 * torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(3))
    eyes = Eyes(whole.eval())
    (seen,) = eyes.look(crops)
    assert seen is crops
    np.testing.assert_array_equal(
        eyes.understand((seen,)).heat.detach(), whole(crops).heat.detach()
    )
