"""
3D Human Pose Machines: a pose in space from a clip of crops of one person.

Three parts (Wang, Lin, Jiang, Qian, Wei: 3D Human Pose Machines with Self-supervised Learning,
TPAMI 2020): the first stage of a convolutional pose machine sees the person; two recurrent
layers, one along the time and one back, turn what it sees into a rough pose; a small network
refines that pose, and another one learned where its joints are in the picture. The last two
are what lets a pose be corrected in use, see `mesh_pose_ros.pipeline.correction`.

Within the network a pose is 48 numbers, x y z of each joint as a share of the range that the
coordinate has in the training data (`RANGES`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.networks.pose_machine_ranges import RANGES

BGR = (2, 1, 0)  # the authors' pictures are as OpenCV reads them


@dataclass(frozen=True)
class PoseMachineSettings:
    """
    Sizes of the network; the defaults are the published ones.

    :param side: of the crop, pixels
    :param stages: channels of the trunk's convolutions; the resolution halves between stages
    :param hidden: width of everything after the trunk
    :param joints: how many
    """

    side: int = 368
    stages: tuple[tuple[int, ...], ...] = (
        (64, 64),
        (128, 128),
        (256, 256, 256, 256),
        (512, 512, 256, 256, 256, 256, 128),
    )
    hidden: int = 1024
    joints: int = 16

    @property
    def cells(self) -> int:
        """Cells across what the transformer's convolutions leave of the picture."""
        across = self.side // 2 ** (len(self.stages) - 1)
        for _ in range(2):
            across = (across - 3) // 2 + 1
        return across


@dataclass(frozen=True, eq=False)
class PoseClip:
    """
    What the network says about N clips of T pictures.

    :param coarse: the rough pose, shares of `RANGES`, (N, T, 3 J)
    :param refined: the refined one, the same
    :param joints2d: where the network thinks its joints are, shares of the crop's side,
        (N, T, J, 2)
    :param memory: of the recurrent layers after the clip, see `PoseTransformer`
    """

    coarse: Tensor
    refined: Tensor
    joints2d: Tensor
    memory: Tensor


class PoseTrunk(nn.Module):
    """First stage of a convolutional pose machine (Wei et al., CVPR 2016), without its maps."""

    bgr: Tensor

    def __init__(self, settings: PoseMachineSettings) -> None:
        super().__init__()
        self.register_buffer('bgr', torch.tensor(BGR), persistent=False)
        befores = (3, *(stage[-1] for stage in settings.stages))
        self.stages = nn.ModuleList(
            nn.Sequential(*(_seeing(a, b) for a, b in zip((before, *stage), stage)))
            for before, stage in zip(befores, settings.stages)
        )

    def forward(self, image: Tensor) -> Tensor:
        """See RGB pictures (N, 3, S, S), 0..255; features (N, C, S / 8, S / 8)."""
        x = (image.index_select(1, self.bgr) - 128.0) / 256.0
        first, *others = self.stages
        x = first(x)
        for stage in others:
            x = stage(nn.functional.max_pool2d(x, 2))
        return x


class Recurrence(nn.Module):
    """
    One recurrent layer, step by step (LSTM as Caffe defines it).

    Rows of the gates come in Caffe's order: input, forget, output, candidate.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.told = nn.Linear(inputs, 4 * hidden)
        self.remembered = nn.Linear(hidden, 4 * hidden, bias=False)

    def forward(self, x: Tensor, memory: Tensor, continues: Tensor) -> Tensor:
        """
        Take one step.

        :param x: (N, C)
        :param memory: output and cell of the step before, (N, 2, H)
        :param continues: 1 to go on, 0 to forget what was before, (N,)
        :return: the new memory; its first row is the output
        """
        output, cell = (continues.view(-1, 1, 1) * memory).unbind(1)
        enter, keep, leave, candidate = (self.told(x) + self.remembered(output)).chunk(4, dim=-1)
        cell = keep.sigmoid() * cell + enter.sigmoid() * candidate.tanh()
        return torch.stack([leave.sigmoid() * cell.tanh(), cell], dim=1)


@dataclass(frozen=True, eq=False)
class PoseTrace:
    """
    Rough poses of a clip and what led to them.

    :param poses: shares of `RANGES`, (N, T, 3 J)
    :param onwards: outputs of the layer along the time, (N, T, H)
    :param memory: after the clip, (N, 4, H)
    """

    poses: Tensor
    onwards: Tensor
    memory: Tensor


class PoseTransformer(nn.Module):
    """
    From features of a clip to rough poses.

    The second recurrent layer runs over the first one's outputs from the newest picture to the
    oldest. As in the original it takes the flags of the pictures it comes to, so a flag of 0
    within a clip parts the two layers at different places; begin a clip where the flag is 0.

    The memory has four rows, output and cell of the layer along the time and of the one back,
    (N, 4, H); zeros are no memory.
    """

    def __init__(self, settings: PoseMachineSettings) -> None:
        super().__init__()
        width, hidden = settings.stages[-1][-1], settings.hidden
        self.look = nn.Sequential(
            _seeing(width, width),
            _seeing(width, width),
            _seeing(width, width, size=5, stride=2),
            _seeing(width, width, size=5, stride=2),
            nn.Flatten(),
            nn.Linear(width * settings.cells**2, hidden),
        )
        self.along = Recurrence(hidden, hidden)
        self.back = Recurrence(hidden, hidden)
        self.last = nn.Linear(hidden, 3 * settings.joints)

    def forward(self, features: Tensor, continues: Tensor, memory: Tensor) -> PoseTrace:
        """
        Turn a clip into poses.

        :param features: (N, T, C, h, w)
        :param continues: 1 where a picture goes on from the one before, 0 at a beginning, (N, T)
        :param memory: what the clip before left, (N, 4, H)
        """
        sights = self.look(features.flatten(0, 1)).unflatten(0, (-1, features.shape[1]))
        return self.recall(sights, continues, memory)

    def recall(self, sights: Tensor, continues: Tensor, memory: Tensor) -> PoseTrace:
        """Turn what was seen in each picture, (N, T, H), into poses; see `forward`."""
        onwards, along = _run(self.along, sights, continues, memory[:, :2])
        backwards, back = _run(self.back, onwards.flip(1), continues, memory[:, 2:])
        poses = self.last(backwards.flip(1))
        return PoseTrace(poses, onwards, torch.cat([along, back], dim=1))


class PoseProjector(nn.Module):
    """Refines a pose and tells where its joints are in the picture; learned, no camera."""

    def __init__(self, settings: PoseMachineSettings) -> None:
        super().__init__()
        hidden, numbers = settings.hidden, 3 * settings.joints
        self.refine = nn.Sequential(
            nn.Linear(numbers, hidden), nn.ReLU(), nn.Linear(hidden, numbers)
        )
        self.first = nn.Linear(numbers, hidden)
        self.pair = nn.Sequential(
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.last = nn.Linear(hidden, 2 * settings.joints)

    def forward(self, pose: Tensor) -> tuple[Tensor, Tensor]:
        """Pose (..., 3 J) to the refined one and joints in shares of the crop (..., J, 2)."""
        refined = self.refine(pose)
        return refined, self.project(refined)

    def project(self, refined: Tensor) -> Tensor:
        """Where the joints of a pose (..., 3 J) are, shares of the crop's side, (..., J, 2)."""
        x = self.first(refined).relu()
        return self.last(x + self.pair(x)).unflatten(-1, (-1, 2))


class PoseMachine(nn.Module):
    """
    Sees one person in clips of crops.

    :param settings: sizes
    """

    low: Tensor
    span: Tensor

    def __init__(self, settings: PoseMachineSettings = PoseMachineSettings()) -> None:
        super().__init__()
        self.settings = settings
        self.trunk = PoseTrunk(settings)
        self.transformer = PoseTransformer(settings)
        self.projector = PoseProjector(settings)
        ranges = torch.tensor(RANGES[: settings.joints])  # (J, 2, 3) millimetres
        self.register_buffer('low', ranges[:, 0] / 1000, persistent=False)
        self.register_buffer('span', (ranges[:, 1] - ranges[:, 0]) / 1000, persistent=False)

    def forward(self, images: Tensor, continues: Tensor, memory: Tensor | None = None) -> PoseClip:
        """
        See clips.

        :param images: RGB crops one after the other, (N, T, 3, S, S), 0..255
        :param continues: 0 where a clip begins, else 1, (N, T)
        :param memory: what the clip before left, (N, 4, H); None for nothing
        """
        if memory is None:
            memory = self.no_memory(images)
        features = self.trunk(images.flatten(0, 1)).unflatten(0, (-1, images.shape[1]))
        trace = self.transformer(features, continues, memory)
        refined, joints2d = self.projector(trace.poses)
        return PoseClip(trace.poses, refined, joints2d, trace.memory)

    def no_memory(self, images: Tensor) -> Tensor:
        """Memory before the first clip, (N, 4, H)."""
        return images.new_zeros(len(images), 4, self.settings.hidden)

    def metres(self, pose: Tensor) -> Tensor:
        """
        Joints of a pose (..., 3 J), metres from the pelvis, crop camera's axes, (..., J, 3).

        The limbs have the mean lengths of the training data, whoever is seen.
        """
        return pose.unflatten(-1, (-1, 3)) * self.span + self.low


def _seeing(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, stride, padding=1), nn.ReLU())


def _run(layer: Recurrence, x: Tensor, continues: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs of a recurrent layer over (N, T, C), (N, T, H), and its memory afterwards."""
    outputs = []
    for step, goes_on in zip(x.unbind(1), continues.unbind(1)):
        memory = layer(step, memory, goes_on)
        outputs.append(memory[:, 0])
    return torch.stack(outputs, dim=1), memory
