"""Three transposed convolutions from stride 32 back to stride 4 (Xiao et al. 2018)."""

from __future__ import annotations

from torch import nn

WIDTH = 256
STEPS = 3
SPREAD = 0.001  # standard deviation of untrained weights, as the authors' networks start


class DeconvHead(nn.Sequential):
    """
    Eight times the resolution: (N, inputs, H, W) to (N, width, 8 H, 8 W).

    Layers are numbered 0, 1, 2 for the convolution, normalisation and rectifier of the first
    step, then 3, 4, 5 and 6, 7, 8, as in the checkpoints of Moon's networks.
    """

    def __init__(self, inputs: int, width: int = WIDTH, steps: int = STEPS) -> None:
        layers: list[nn.Module] = []
        for before in (inputs, *(width,) * (steps - 1)):
            up = nn.ConvTranspose2d(before, width, 4, 2, 1, bias=False)
            nn.init.normal_(up.weight, std=SPREAD)
            layers += [up, nn.BatchNorm2d(width), nn.ReLU()]
        super().__init__(*layers)
