"""
From joints in a picture to joints in space, and from both to a mesh (Choi et al. 2020, Pose2Mesh).

A fully connected network lifts the pose (Martinez et al. 2017), graph convolutions grow the
mesh from it (`training.networks.mesh_net`).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from training.checkpoints import Naming
from training.networks.graph import ChebyshevLayer, FixedChebyshevLayer
from training.networks.joint_graphs import JointGraph
from training.networks.mesh_coarsening import coarsened
from training.networks.mesh_net import BODY, MeshNet, MeshNetSettings

MILLIMETRES = 1000.0
FLAT = 1e-6  # pixels; joints in one line with an axis stay there

JOINT_LAYERS = 3  # graph convolutions of the published networks on the joints
BLOCKS = 9  # on the mesh, of two graph convolutions each; a hand has fewer


def _layer_names() -> list[tuple[str, str]]:
    """Checkpoints number graph convolutions through; ours are in blocks."""
    ours = [f'joints.{i}' for i in range(JOINT_LAYERS)]
    ours += [f'blocks.{i}.layers.{j}' for i in range(BLOCKS) for j in range(2)]
    parts = {'cl': 'linear', 'bn': 'norm'}
    return [
        (rf'^pose2mesh\.{theirs}\.{number}\.', f'mesh.{name}.{part}.')
        for number, name in enumerate(ours)
        for theirs, part in parts.items()
    ]


NAMING = Naming(  # of checkpoints of the whole, and of the lifter alone
    renames=(
        (r'^pose_lifter\.', 'lifter.'),
        (r'linear_stages\.(\d+)\.w(\d)\.', r'stages.\1.linear\2.'),
        (r'linear_stages\.(\d+)\.batch_norm(\d)\.', r'stages.\1.norm\2.'),
        (r'^(lifter\.)?w1\.', r'\1first.'),
        (r'^(lifter\.)?w2\.', r'\1last.'),
        (r'^pose2mesh\.fc\.', 'mesh.spread.'),
        *_layer_names(),
    ),
    # the lifter's outermost normalisation is saved but takes no part
    unused=('*.num_batches_tracked', 'batch_norm1.*', 'pose_lifter.batch_norm1.*'),
)


LIFTER_NAMING = Naming(  # of the lifter, which a checkpoint of the whole holds too
    renames=((r'^pose_lifter\.', ''), *NAMING.renames[1:]),
    unused=(*NAMING.unused, 'pose2mesh.*'),
)


@dataclass(frozen=True)
class PoseNetSettings:
    """
    Sizes of the lifter.

    :param hidden: width
    :param stages: residual pairs of layers
    :param dropout: share of features left out in training
    """

    hidden: int = 4096
    stages: int = 2
    dropout: float = 0.5


@dataclass(frozen=True)
class Pose2MeshSettings:
    """Sizes of the whole network."""

    lifter: PoseNetSettings = field(default_factory=PoseNetSettings)
    mesh: MeshNetSettings = BODY


class LiftStage(nn.Module):
    """Two layers, each behind normalisation and rectifier, added to what came in."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.linear1 = nn.BatchNorm1d(width), nn.Linear(width, width)
        self.norm2, self.linear2 = nn.BatchNorm1d(width), nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width) to the same."""
        y = self.linear1(self.dropout(torch.relu(self.norm1(x))))
        return x + self.linear2(self.dropout(torch.relu(self.norm2(y))))


class PoseNet(nn.Module):
    """
    Lift a pose.

    :param joints: how many
    """

    def __init__(self, joints: int, settings: PoseNetSettings = PoseNetSettings()) -> None:
        super().__init__()
        self.first = nn.Linear(2 * joints, settings.hidden)
        self.stages = nn.Sequential(
            *(LiftStage(settings.hidden, settings.dropout) for _ in range(settings.stages))
        )
        self.last = nn.Linear(settings.hidden, 3 * joints)

    def forward(self, joints2d: Tensor) -> Tensor:
        """
        Lift.

        :param joints2d: zero mean, unit variance over the joints for x and y apart, (N, J, 2)
        :return: metres from the root, camera axes, (N, J, 3)
        """
        millimetres = self.last(self.stages(self.first(joints2d.flatten(1))))
        return millimetres.unflatten(1, (-1, 3)) / MILLIMETRES


@dataclass(frozen=True, eq=False)
class PosedMesh:
    """
    What the network says about N people.

    :param vertices: metres from the root, camera axes, (N, V, 3)
    :param joints3d: the same, (N, J, 3); from the lifter, so not quite those of the mesh
    """

    vertices: Tensor
    joints3d: Tensor


class Pose2Mesh(nn.Module):
    """
    Both networks.

    :param joints: the joints that go in
    :param faces: triangles of the mesh that comes out, (F, 3)
    """

    def __init__(
        self,
        joints: JointGraph,
        faces: ArrayLike,
        settings: Pose2MeshSettings = Pose2MeshSettings(),
    ) -> None:
        super().__init__()
        self.lifter = PoseNet(len(joints.skeleton), settings.lifter)
        mesh = coarsened(faces, settings.mesh.levels)
        self.mesh = MeshNet(joints, mesh, settings.mesh)

    def forward(self, joints2d: Tensor) -> PosedMesh:
        """
        Estimate.

        :param joints2d: zero mean, unit variance over the joints for x and y apart, (N, J, 2)
        """
        joints3d = self.lifter(joints2d)
        # the mesh's error does not teach the lifter
        seen = torch.cat([joints2d, joints3d.detach()], dim=-1)
        return PosedMesh(self.mesh(seen), joints3d)


class Pose2MeshGraph(nn.Module):
    """The network as the runtime knows it, for pixels of any picture or crop."""

    outputs: tuple[str, ...] = ('vertices', 'joints3d')

    def __init__(self, network: Pose2Mesh) -> None:
        super().__init__()
        self.network = folded(network)

    def forward(self, joints2d: Tensor) -> tuple[Tensor, ...]:
        """Joints in pixels, (N, J, 2), to what `PosedMesh` has."""
        found = self.network(standardised(joints2d))
        return found.vertices, found.joints3d


def standardised(joints2d: Tensor) -> Tensor:
    """Move and stretch x and y so that joints (N, J, 2) have zero mean and unit variance."""
    centred = joints2d - joints2d.mean(1, keepdim=True)
    spread = centred.square().mean(1, keepdim=True).sqrt()
    return centred / spread.clamp(min=FLAT)


class Affine(nn.Module):
    """Normalisation with statistics that stay: stretch and move each feature."""

    scale: Tensor
    shift: Tensor

    def __init__(self, norm: nn.BatchNorm1d) -> None:
        super().__init__()
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight.detach() * torch.rsqrt(norm.running_var + norm.eps)
        self.register_buffer('scale', scale)
        self.register_buffer('shift', norm.bias.detach() - norm.running_mean * scale)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) to the same."""
        return x * self.scale + self.shift


def folded(network: nn.Module) -> nn.Module:
    """Copy a network for use, without batch normalisation: folded into what is before it."""
    network = copy.deepcopy(network).eval()
    for layers in list(network.modules()):
        if isinstance(layers, LiftStage):
            fuse = nn.utils.fusion.fuse_linear_bn_eval
            layers.linear1 = fuse(layers.linear1, layers.norm2)
            layers.add_module('norm1', Affine(layers.norm1))
            layers.add_module('norm2', nn.Identity())
        for name, layer in list(layers.named_children()):
            if isinstance(layer, ChebyshevLayer):
                setattr(layers, name, FixedChebyshevLayer(layer))
    return network
