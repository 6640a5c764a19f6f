"""
RootNet: where in a crop, and how far from the camera, a person's root is (Moon et al. 2019).

How far a person of usual size would be follows from the size of the box in pixels and the focal
length; that is k. The network tells by what factor the real distance differs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.checkpoints import Naming
from training.networks.deconv import WIDTH, DeconvHead
from training.networks.resnet import ResNet
from training.networks.soft_argmax import soft_argmax

# of ImageNet's pixels from 0 to 1, but taken off pixels from 0 to 255: so it was trained
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
CELL = 4.0  # pixels

NAMING = Naming(
    renames=(
        (r'^backbone\.', 'trunk.'),
        (r'^root\.deconv_layers\.', 'deconv.'),
        (r'^root\.xy_layer\.', 'heat.'),
        (r'^root\.depth_layer\.', 'depth.'),
    )
)


@dataclass(frozen=True)
class RootNetSettings:
    """
    Sizes of the network.

    :param depth: of the trunk, a key of `training.networks.resnet.LAYOUTS`
    :param side: of the crop, pixels
    """

    depth: int = 50
    side: int = 256


@dataclass(frozen=True, eq=False)
class Root:
    """
    What the network says about N crops.

    :param heat: logits of the root's place, (N, 1, h, w)
    :param place: x, y in cells of 4 pixels, (N, 2)
    :param gamma: the root's distance over k, (N, 1)
    """

    heat: Tensor
    place: Tensor
    gamma: Tensor

    def coordinates(self, k: Tensor) -> Tensor:
        """Place in cells, and the distance in the unit of k (N, 1); (N, 3)."""
        return torch.cat([self.place, self.gamma * k], dim=1)


class RootNet(nn.Module):
    """Finds the root of one person in a crop."""

    def __init__(self, settings: RootNetSettings = RootNetSettings()) -> None:
        super().__init__()
        self.settings = settings
        self.trunk = ResNet(settings.depth)
        self.deconv = DeconvHead(self.trunk.channels)
        self.heat = nn.Conv2d(WIDTH, 1, 1)
        self.depth = nn.Conv2d(self.trunk.channels, 1, 1)

    def forward(self, image: Tensor) -> Root:
        """See (N, 3, S, S), RGB, (pixel from 0 to 255 - `MEAN`) / `DEVIATION`."""
        features = self.trunk(image)
        heat = self.heat(self.deconv(features))
        gamma = self.depth(features.mean(dim=(2, 3), keepdim=True)).flatten(1)
        return Root(heat, soft_argmax(heat).squeeze(1), gamma)


class RootGraph(nn.Module):
    """RootNet with the input and the outputs that the runtime knows."""

    outputs = ('root2d', 'gamma')
    mean: Tensor
    deviation: Tensor

    def __init__(self, network: RootNet) -> None:
        super().__init__()
        self.network = network
        for name, channels in (('mean', MEAN), ('deviation', DEVIATION)):
            values = torch.tensor(channels).reshape(1, 3, 1, 1)
            self.register_buffer(name, values, persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """See bytes (N, S, S, 3); the root in crop pixels (N, 2), its distance over k (N, 1)."""
        # cast first: TensorRT transposes no bytes
        pixels = image.to(torch.float32).permute(0, 3, 1, 2)
        root = self.network((pixels - self.mean) / self.deviation)
        return root.place * CELL, root.gamma
