"""
MeTRAbs: metric-scale heatmaps for one person in a crop (Sárándi et al., TBIOM 2020).

A joint has a map over the crop's pixels, and a volume all of whose sides are metres. The means
of both are read; where the two together put the person in front of the camera is for
`mesh_pose_ros.geometry.reconstruction` to say.

Two generations of checkpoints fit: that of August 2023 (PyTorch, EfficientNetV2, 555 joints;
`NAMING`) and that of December 2020 (TensorFlow, ResNet-V2; `TENSORFLOW_NAMING`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from training.checkpoints import Naming
from training.networks.efficientnet_v2 import EfficientNetV2
from training.networks.resnet_v2 import ResNetV2
from training.networks.soft_argmax import soft_argmax

EFFICIENT = {f'efficientnet_v2_{size}': size for size in ('s', 'm', 'l')}
RESIDUAL = {f'resnet_v2_{depth}': depth for depth in (50, 101, 152)}
EFFICIENT_STRIDE = 32

NAMING = Naming(
    renames=(
        (r'^backbone\.1\.', 'trunk.'),  # 0 scales the colours
        (r'^heatmap_heads\.conv_final\.', 'heads.maps.'),
    )
)
TENSORFLOW_NAMING = Naming(
    renames=(
        (r'^(.*/)?resnet_v2_\d+/', 'trunk.'),
        (r'^trunk\.postnorm_copy0', 'heads.flat.0'),
        (r'^trunk\.postnorm_copy1', 'heads.deep.0'),
        (r'^trunk\.logits_copy0', 'heads.flat.2'),
        (r'^trunk\.logits_copy1', 'heads.deep.2'),
        (r'/bottleneck_v2/', '/'),
        (r'/conv(\d)/BatchNorm/', r'/norm\1/'),
        (r'/(weights|gamma)$', '/weight'),
        (r'/(biases|beta)$', '/bias'),
        (r'/moving_mean$', '/running_mean'),
        (r'/moving_variance$', '/running_var'),
        (r'/', '.'),
    ),
    unused=('global_step', '*/Adam*', '*/Momentum*', '*loss_scale*'),
)


@dataclass(frozen=True)
class MetrabsSettings:
    """
    Sizes of the network.

    :param joints: how many
    :param side: of the crop, pixels, a multiple of 32
    :param trunk: a key of `EFFICIENT` or `RESIDUAL`
    :param stride: pixels per cell of the maps
    :param training_stride: the same in training; tells which joints count as in view
    :param centred: whether cells lie symmetrically in the crop
    :param legacy_shift: read maps as if they were centred once more; the weights for 256 px of
        2023 were trained with cells that are not centred and labels for cells that are
    :param depth_bins: layers of the volume
    :param span: of the volume on all sides, metres
    """

    joints: int
    side: int = 256
    trunk: str = 'efficientnet_v2_s'
    stride: int = 32
    training_stride: int = 32
    centred: bool = True
    legacy_shift: bool = False
    depth_bins: int = 8
    span: float = 2.2

    @property
    def first_pixel(self) -> int:
        """Where the first cell's middle is said to be, pixels."""
        return self.stride // 2 * (int(self.centred) + int(self.legacy_shift))

    @property
    def last_step(self) -> int:
        """From the first cell's middle to the last one's, pixels."""
        return (self.side - 1) // self.stride * self.stride


@dataclass(frozen=True, eq=False)
class MetricJoints:
    """
    What the network says about N crops.

    :param joints2d: pixels of the crop, (N, J, 2)
    :param joints3d: metres from any origin, axes of the crop's camera, (N, J, 3)
    """

    joints2d: Tensor
    joints3d: Tensor


class JoinedHeads(nn.Module):
    """Maps and volumes from one convolution: J maps, then J for each depth."""

    def __init__(self, channels: int, joints: int, depth_bins: int) -> None:
        super().__init__()
        self._joints = joints
        self.maps = nn.Conv2d(channels, joints * (1 + depth_bins), 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, H, W) to logits (N, J, H, W) and (N, D * J, H, W)."""
        maps = self.maps(features)
        return maps[:, : self._joints], maps[:, self._joints :]

    def rows_of(self, flat: Tensor, deep: Tensor) -> dict[str, Tensor]:
        """Which outputs of which layer make some of the maps and volumes."""
        return {'maps': torch.cat([flat, self._joints + deep])}


class SeparateHeads(nn.Module):
    """Maps and volumes from convolutions with normalisations of their own."""

    def __init__(self, channels: int, joints: int, depth_bins: int) -> None:
        super().__init__()
        self.flat = _normed(channels, joints)
        self.deep = _normed(channels, joints * depth_bins)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, H, W) to logits (N, J, H, W) and (N, D * J, H, W)."""
        return self.flat(features), self.deep(features)

    def rows_of(self, flat: Tensor, deep: Tensor) -> dict[str, Tensor]:
        """Which outputs of which layer make some of the maps and volumes."""
        return {'flat.2': flat, 'deep.2': deep}


class Metrabs(nn.Module):
    """
    Sees one person in a crop.

    :param settings: sizes
    """

    def __init__(self, settings: MetrabsSettings) -> None:
        super().__init__()
        self.settings = settings
        self.trunk = trunk_of(settings)
        make = SeparateHeads if settings.trunk in RESIDUAL else JoinedHeads
        self.heads: JoinedHeads | SeparateHeads = make(
            self.trunk.channels, settings.joints, settings.depth_bins
        )

    def forward(self, image: Tensor) -> MetricJoints:
        """See (N, 3, S, S), RGB from 0 to 1."""
        return self.read(*self.logits(image))

    def logits(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (N, J, H, W), and volumes (N, D * J, H, W), depth major."""
        return self.heads(self.trunk(image * 2 - 1))

    def read(self, flat: Tensor, deep: Tensor) -> MetricJoints:
        """Say where the means of maps and volumes are, in float32."""
        settings = self.settings
        volumes = deep.float().unflatten(1, (settings.depth_bins, settings.joints))
        cells = soft_argmax(volumes.transpose(1, 2))
        joints2d = self._pixels(soft_argmax(flat.float()), flat)
        across = self._pixels(cells[..., :2], flat) * (settings.span / settings.side)
        deeper = cells[..., 2:] * (settings.span / (settings.depth_bins - 1))
        return MetricJoints(joints2d, torch.cat([across, deeper], dim=-1))

    def _pixels(self, cells: Tensor, maps: Tensor) -> Tensor:
        step = self.settings.last_step / (maps.shape[-1] - 1)
        return cells * step + float(self.settings.first_pixel)


def trunk_of(settings: MetrabsSettings) -> EfficientNetV2 | ResNetV2:
    """Make the trunk that settings name."""
    if settings.trunk in RESIDUAL:
        return ResNetV2(RESIDUAL[settings.trunk], settings.stride, settings.centred)
    if settings.trunk not in EFFICIENT:
        raise ValueError(f'{settings.trunk} is none of {[*EFFICIENT, *RESIDUAL]}')
    if settings.stride != EFFICIENT_STRIDE:
        raise ValueError(f'{settings.trunk} has stride {EFFICIENT_STRIDE}, not {settings.stride}')
    return EfficientNetV2(EFFICIENT[settings.trunk], settings.centred)


def only_joints(network: Metrabs, places: Sequence[int]) -> Metrabs:
    """
    Copy a network, with maps of some joints only: most of the work after the trunk is saved.

    Joints left out no longer help to tell where a person stands.

    :param places: of the joints to keep, in the order they shall come out
    """
    settings = network.settings
    small = Metrabs(replace(settings, joints=len(places))).eval()
    rows = torch.tensor(places)
    deep = (settings.joints * torch.arange(settings.depth_bins)[:, None] + rows).flatten()
    state = network.state_dict()
    for layer, kept in network.heads.rows_of(rows, deep).items():
        for kind in ('weight', 'bias'):
            name = f'heads.{layer}.{kind}'
            state[name] = state[name][kept]
    small.load_state_dict(state)
    return small


def _normed(channels: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, outputs, 1))
