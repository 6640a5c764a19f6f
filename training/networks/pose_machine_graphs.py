"""
A Pose Machine as the runtime has it: graphs for pictures or clips, and layers to correct by.

Both graphs take pictures as they are and keep what they remember in a tensor that goes out and
comes in again, zeros for nothing; whoever follows people keeps one for each and begins with
zeros when somebody else is in the crop.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.networks.pose_machine import PoseClip, PoseMachine, PoseProjector
from training.networks.pose_machine_ranges import RANGES


class PictureGraph(nn.Module):
    """
    One picture at a time, as it comes from a camera.

    The layer back through the time has no later pictures to come from, so it begins at each
    picture: the pose is the one that a clip which ends here gives its newest picture.

    :param carries_back: let that layer too go on from the picture before, as the authors'
        program does if it is given clips of one picture
    """

    outputs = ('joints3d', 'joints2d', 'coarse', 'new_memory')

    def __init__(self, network: PoseMachine, carries_back: bool = False) -> None:
        super().__init__()
        self.network = network
        self.carries_back = carries_back

    @property
    def rows(self) -> int:
        """Of the memory."""
        return 4 if self.carries_back else 2

    def forward(self, image: Tensor, memory: Tensor) -> tuple[Tensor, ...]:
        """
        See pictures of N people.

        :param image: RGB, (N, S, S, 3) uint8
        :param memory: (N, ``rows``, H); zeros at a beginning
        :return: refined joints, metres from the pelvis (N, J, 3); where the network thinks they
            are, pixels of the crop (N, J, 2); the rough pose, (N, 3 J); the memory
        """
        if not self.carries_back:
            memory = torch.cat([memory, torch.zeros_like(memory)], dim=1)
        images = image.float().permute(0, 3, 1, 2).unsqueeze(1)
        clip = self.network(images, torch.ones_like(memory[:, :1, 0]), memory)
        joints3d, joints2d, coarse = (told.squeeze(1) for told in _told(self.network, clip))
        return joints3d, joints2d, coarse, clip.memory[:, : self.rows]


class NewestGraph(nn.Module):
    """
    One picture at a time, as the newest of the person's last T.

    Equals a clip of these T from nothing, which is how the authors trained (T = 5), where
    `PictureGraph` remembers more than any clip in training had. What was seen is remembered, so
    each picture is looked at once.

    :param length: T
    """

    outputs = PictureGraph.outputs

    def __init__(self, network: PoseMachine, length: int) -> None:
        super().__init__()
        self.network = network
        self.rows = length - 1  # of the memory

    def forward(self, image: Tensor, memory: Tensor) -> tuple[Tensor, ...]:
        """
        See pictures of N people; outputs as of `PictureGraph`.

        :param image: RGB, (N, S, S, 3) uint8
        :param memory: sights of the pictures before, oldest first, (N, T - 1, H); a row of zeros
            is no picture
        """
        machine = self.network
        sight = machine.transformer.look(machine.trunk(image.float().permute(0, 3, 1, 2)))
        sights = torch.cat([memory, sight.unsqueeze(1)], dim=1)
        there = memory.abs().sum(dim=-1).sign()  # a picture goes on from one that is there
        flags = torch.cat([torch.zeros_like(there[:, :1]), there], dim=1)
        nothing = torch.zeros_like(memory[:, :1]).expand(-1, 4, -1)
        trace = machine.transformer.recall(sights, flags, nothing)
        coarse = trace.poses[:, -1]
        refined, joints2d = machine.projector(coarse)
        return machine.metres(refined), joints2d * machine.settings.side, coarse, sights[:, 1:]


class ClipGraph(nn.Module):
    """Clips of a fixed number of pictures one after the other."""

    outputs = PictureGraph.outputs

    def __init__(self, network: PoseMachine) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, continues: Tensor, memory: Tensor) -> tuple[Tensor, ...]:
        """
        See clips of N people; outputs as of `PictureGraph`, with an axis T after the first.

        :param image: RGB, (N, T, S, S, 3) uint8
        :param continues: 0 where a clip begins, else 1, (N, T)
        :param memory: (N, 4, H); zeros at a beginning
        """
        clip = self.network(image.float().permute(0, 1, 4, 2, 3), continues, memory)
        return *_told(self.network, clip), clip.memory


def _told(network: PoseMachine, clip: PoseClip) -> tuple[Tensor, Tensor, Tensor]:
    return network.metres(clip.refined), clip.joints2d * network.settings.side, clip.coarse


def correction_arrays(projector: PoseProjector) -> dict[str, NDArray[np.float32]]:
    """Arrays of `mesh_pose_ros.pipeline.correction.CorrectionNetwork`."""
    refine, pair = projector.refine, projector.pair
    layers = {
        'refine1': refine[0],
        'refine2': refine[2],
        'project1': projector.first,
        'project2': pair[0],
        'project3': pair[2],
        'project4': projector.last,
    }
    ranges = np.array(RANGES, np.float32)[: projector.last.out_features // 2] / np.float32(1000)
    arrays = {'low': ranges[:, 0], 'high': ranges[:, 1]}
    for name, layer in layers.items():
        weight, bias = (part.detach().numpy() for part in layer.parameters())
        arrays |= {f'{name}_weight': weight.T.copy(), f'{name}_bias': bias.copy()}
    return arrays
