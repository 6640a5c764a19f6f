"""
I2L-MeshNet: a mesh as lixels, i.e. one line of cells per axis and vertex (Moon and Lee 2020).

A first trunk finds the joints. Their places, drawn as Gaussians into a volume, go with the early
features through a second trunk, which finds all vertices. Places are in cells: x and y of a
64 x 64 grid over the crop, z of 64 layers around the root. A small network then tells the pose
and shape of a parametric body (stage "param").
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor, nn

from training.checkpoints import Naming
from training.networks.deconv import WIDTH, DeconvHead
from training.networks.gaussian_volume import GaussianVolume
from training.networks.resnet import EARLY, ResNet
from training.networks.rotations import axis_angle_from_rotation, rotation_from_pairs
from training.networks.soft_argmax import soft_argmax


@dataclass(frozen=True)
class I2lMeshNetSettings:
    """
    Sizes of the network, those of the body by default.

    :param joints, vertices: that are found as lixels
    :param bones, betas: rotations and shape coefficients of the parametric body
    :param depth: of both trunks, a key of `training.networks.resnet.LAYOUTS`
    :param side: of the crop, pixels; a cell is 4 pixels wide
    :param cells: along the depth
    :param sigma: of the Gaussians, cells
    """

    joints: int = 29
    vertices: int = 6890
    bones: int = 24
    betas: int = 10
    depth: int = 50
    side: int = 256
    cells: int = 64
    sigma: float = 2.5


BODY = I2lMeshNetSettings()
HAND = replace(BODY, joints=21, vertices=778, bones=16)

# most of the authors' layers are lists, in which a convolution is 0 and its normalisation 1
NAMING = Naming(
    renames=(
        (r'^pose_backbone\.', 'joint_trunk.'),
        (r'^mesh_backbone\.', 'mesh_trunk.'),
        (r'^pose_net\.', 'joint_lixels.'),
        (r'^mesh_net\.', 'mesh_lixels.'),
        (r'\.conv_([xy])\.0\.', r'.along_\1.'),
        (r'\.conv_z_1\.0\.', '.deepen.'),
        (r'\.conv_z_1\.1\.', '.norm.'),
        (r'\.conv_z_2\.0\.', '.along_z.'),
        (r'^pose2feat\.conv\.0\.', 'fusion.conv.'),
        (r'^pose2feat\.conv\.1\.', 'fusion.norm.'),
        (r'^param_regressor\.fc\.', 'body.trunk.'),
        (r'^param_regressor\.fc_(pose|shape)\.0\.', r'body.\1.'),
    ),
    unused=(
        '*.num_batches_tracked',
        'human_model_layer.*',  # a licensed body model
        'mesh_backbone.conv1.*',  # the second trunk begins behind them
        'mesh_backbone.bn1.*',
    ),
)


@dataclass(frozen=True, eq=False)
class Lixels:
    """
    What the network says about N crops, in cells.

    :param joints: x, y, z, (N, J, 3)
    :param vertices: (N, V, 3)
    """

    joints: Tensor
    vertices: Tensor


@dataclass(frozen=True, eq=False)
class BodyPose:
    """
    Pose and shape of N parametric bodies.

    :param six: rotations as the network says them, see `rotation_from_pairs`, (N, 6 * B)
    :param pose: axis-angles relative to each bone's parent, radians, (N, B, 3)
    :param betas: (N, C)
    """

    six: Tensor
    pose: Tensor
    betas: Tensor


class LixelHead(nn.Module):
    """Places of points along each axis by itself."""

    def __init__(self, inputs: int, points: int, cells: int) -> None:
        super().__init__()
        self._deep = (WIDTH, cells)
        self.deconv = DeconvHead(inputs)
        self.along_x = nn.Conv1d(WIDTH, points, 1)
        self.along_y = nn.Conv1d(WIDTH, points, 1)
        self.deepen = nn.Conv1d(inputs, WIDTH * cells, 1)
        self.norm = nn.BatchNorm1d(WIDTH * cells)
        self.along_z = nn.Conv1d(WIDTH, points, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, h, w) to x, y, z, (N, P, 3), x and y in cells of a grid 8 times finer."""
        fine = self.deconv(features)
        pooled = features.mean(dim=(2, 3)).unsqueeze(2)
        deep = torch.relu(self.norm(self.deepen(pooled))).flatten(1).unflatten(1, self._deep)
        lines = [
            self.along_x(fine.mean(dim=2)),
            self.along_y(fine.mean(dim=3)),
            self.along_z(deep),
        ]
        return torch.cat([soft_argmax(line) for line in lines], dim=-1)


class Fusion(nn.Module):
    """Early features and a volume of Gaussians at the joints, through one convolution."""

    def __init__(self, joints: int, cells: int, sigma: float) -> None:
        super().__init__()
        self.volume = GaussianVolume(joints, cells, sigma)
        self.conv = nn.Conv2d(EARLY + joints * cells, EARLY, 3, padding=1)
        self.norm = nn.BatchNorm2d(EARLY)

    def forward(self, early: Tensor, joints: Tensor) -> Tensor:
        """
        Fuse.

        :param early: (N, 64, h, w)
        :param joints: x, y, z, cells, (N, J, 3)
        :return: (N, 64, h, w)
        """
        near, far = self.conv.weight.split([EARLY, len(self.conv.weight[0]) - EARLY], dim=1)
        plain = nn.functional.conv2d(early, near, self.conv.bias, padding=1)
        drawn = self.volume.convolved(self.volume.kernel(far), joints, early.shape[2:])
        return torch.relu(self.norm(plain + drawn))


class ReadyFusion(nn.Module):
    """A `Fusion` for use: weights cut and arranged, normalisation folded into them."""

    kernel: Tensor

    def __init__(self, fusion: Fusion) -> None:
        super().__init__()
        folded = nn.utils.fusion.fuse_conv_bn_eval(fusion.conv, fusion.norm)
        self.volume = fusion.volume
        self.conv = nn.Conv2d(EARLY, EARLY, 3, padding=1)
        with torch.no_grad():
            self.conv.weight.copy_(folded.weight[:, :EARLY])
            self.conv.bias = folded.bias
            self.register_buffer('kernel', self.volume.kernel(folded.weight[:, EARLY:]))

    def forward(self, early: Tensor, joints: Tensor) -> Tensor:
        """See `Fusion.forward`."""
        drawn = self.volume.convolved(self.kernel, joints, early.shape[2:])
        return torch.relu(self.conv(early) + drawn)


class BodyHead(nn.Module):
    """Pose and shape from the joints of the lixel mesh."""

    def __init__(self, settings: I2lMeshNetSettings) -> None:
        super().__init__()
        sizes = (3 * settings.joints, 1024, 512)
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()]
        self.trunk = nn.Sequential(*layers)
        self.pose = nn.Linear(sizes[-1], 6 * settings.bones)
        self.shape = nn.Linear(sizes[-1], settings.betas)

    def forward(self, joints: Tensor) -> BodyPose:
        """See joints (N, J, 3) in cells."""
        x = self.trunk(joints.flatten(1))
        six = self.pose(x)
        rotations = rotation_from_pairs(six.unflatten(1, (-1, 6)))
        return BodyPose(six, axis_angle_from_rotation(rotations), self.shape(x))


class I2lMeshNet(nn.Module):
    """Sees one person, or one right hand, in a crop."""

    def __init__(self, settings: I2lMeshNetSettings = BODY) -> None:
        super().__init__()
        self.settings = settings
        self.joint_trunk = ResNet(settings.depth)
        self.mesh_trunk = ResNet(settings.depth, stem=False)
        channels, cells = self.joint_trunk.channels, settings.cells
        self.joint_lixels = LixelHead(channels, settings.joints, cells)
        self.fusion: Fusion | ReadyFusion = Fusion(settings.joints, cells, settings.sigma)
        self.mesh_lixels = LixelHead(channels, settings.vertices, cells)
        self.body = BodyHead(settings)

    def forward(self, image: Tensor) -> Lixels:
        """See (N, 3, S, S), RGB from 0 to 1."""
        early = self.joint_trunk.early(image)
        joints = self.joint_lixels(self.joint_trunk.late(early))
        # errors of vertices do not move the joints (section 4.2)
        fused = self.fusion(early, joints.detach())
        return Lixels(joints, self.mesh_lixels(self.mesh_trunk.late(fused)))


def ready(network: I2lMeshNet) -> I2lMeshNet:
    """Copy a network for use: the same numbers, and an export holds no work on weights."""
    network = copy.deepcopy(network).eval()
    network.fusion = ReadyFusion(network.fusion)
    return network
