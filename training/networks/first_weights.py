"""
What a crop network begins with if it need not begin with nothing.

A network with BlazePose's trunk can take over all of MediaPipe Pose's weights (Apache-2.0): its
joints are mixtures of the 33 of that file, in the picture and in metres.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.networks.blaze import BlazeTrunk, convolutions_of, heads_of
from training.networks.crop_net import CropNet, Peaks, Regress


def start_from(network: CropNet, graph: Path, mixer: NDArray[np.floating]) -> None:
    """
    Let a network with BlazePose's trunk begin as MediaPipe's.

    :param graph: made by ``mesh_pose models import mediapipe``
    :param mixer: the network's joints from the file's 33, (J, 33)
    """
    assert isinstance(network.trunk, BlazeTrunk)
    known = convolutions_of(graph)
    network.trunk.start_from(known)
    mix = torch.from_numpy(mixer).float()
    maps, metres = heads_of(known)
    count = mix.shape[1]
    with torch.no_grad():
        network.heat.weight.copy_(torch.tensordot(mix, maps[0][:count], 1))
        network.heat.bias.copy_(mix @ maps[1][:count])
        for part in network.metres.modules():
            if isinstance(part, Regress):
                _start_regress(part, metres, mix)
            if isinstance(part, Peaks):
                part.maps.weight.zero_()
                part.maps.bias.zero_()


def _start_regress(part: Regress, metres: tuple[Tensor, Tensor], mix: Tensor) -> None:
    """Metres as the file's; the share of a mixed design leans towards them."""
    weight, bias = (m.unflatten(0, (39, 3))[: mix.shape[1]] for m in metres)
    rows = part.last.weight.unflatten(0, (len(mix), -1))
    rows[:, :3] = torch.einsum('jk,kdc->jdc', mix, weight)
    rows[:, 3:] = 0
    start = part.last.bias.unflatten(0, (len(mix), -1))
    start[:, :3] = mix @ bias
    start[:, 3:] = 2.0
