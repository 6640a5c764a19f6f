"""
Pose2Pose: from where joints are to how they are turned (Moon et al., Hand4Whole, 2022).

A trunk sees a body or a right hand; a map of cells in three axes per joint says where the joint
is; features read there, with the places, say how the bones are turned. Shape and camera come
from the features' mean. Hand4Whole is put together from the same parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.checkpoints import Naming
from training.networks.interpolation import sampled_at
from training.networks.resnet import ResNet
from training.networks.rotations import axis_angle_from_rotation, rotation_from_pairs
from training.networks.soft_argmax import chances_of, mean_place
from training.networks.virtual_camera import VirtualCamera

WIDTH = 512  # channels of the features that are read at a joint
LAYERS = 8  # cells along the depth


@dataclass(frozen=True)
class Pose2PoseSettings:
    """
    Sizes of the network, those of the body by default.

    :param joints: that are looked for
    :param bones: that are turned, beside the root
    :param still: bones after these that the network says nothing of, as SMPL's hands
    :param betas: shape coefficients
    :param depth: of the trunk, a key of `training.networks.resnet.LAYOUTS`
    :param height, width: of the crop, pixels
    :param span: of the camera, see `VirtualCamera`
    """

    joints: int = 25
    bones: int = 21
    still: int = 2
    betas: int = 10
    depth: int = 50
    height: int = 256
    width: int = 192
    span: float = 2.5

    @property
    def camera(self) -> VirtualCamera:
        """What the crop is seen by."""
        return VirtualCamera(self.height, self.width, self.span)


BODY = Pose2PoseSettings()
HAND = Pose2PoseSettings(joints=21, bones=15, still=0, width=256, span=0.4)

NAMING = Naming(
    renames=(
        (r'^(body_|hand_)?backbone\.', 'trunk.'),  # an older file says which part it is for
        (r'^(body_|hand_)?position_net\.conv\.0\.', 'places.maps.'),
        (r'^(body_|hand_)?rotation_net\.conv\.0\.', 'features.conv.'),
        (r'^(body_|hand_)?rotation_net\.conv\.1\.', 'features.norm.'),
        (r'^(body_|hand_)?rotation_net\.root_pose_out\.0\.', 'root.'),
        (r'^(body_|hand_)?rotation_net\.pose_out\.0\.', 'pose.'),
        (r'^(body_|hand_)?rotation_net\.shape_out\.0\.', 'shape.'),
        (r'^(body_|hand_)?rotation_net\.cam_out\.0\.', 'camera.'),
    ),
    unused=('*.num_batches_tracked', 'smpl_layer.*', 'mano_layer.*'),  # licensed body models
)


@dataclass(frozen=True, eq=False)
class PartPose:
    """
    What the network says about N crops.

    :param places: of joints, x, y, z in cells of 32 pixels of the crop and 1/8 of the depth,
        (N, J, 3)
    :param six: rotations as the network says them, root first, (N, 6 * (1 + B))
    :param pose: axis-angles relative to each bone's parent, root first, radians, (N, 1 + B, 3),
        with zeros for bones that are still
    :param betas: (N, C)
    :param translation: of the body model's origin, metres, (N, 3); see `virtual_camera`
    """

    places: Tensor
    six: Tensor
    pose: Tensor
    betas: Tensor
    translation: Tensor


class PlaceMaps(nn.Module):
    """Where joints are: a volume of chances for each."""

    def __init__(self, inputs: int, joints: int, layers: int = LAYERS) -> None:
        super().__init__()
        self._volume = (joints, layers)
        self.maps = nn.Conv2d(inputs, joints * layers, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """From (N, inputs, H, W) to chances (N, J, D, H, W) and places in cells (N, J, 3)."""
        chance = chances_of(self.maps(features).unflatten(1, self._volume))
        return chance, mean_place(chance)


class JointFeatures(nn.Module):
    """What is seen at joints, and where they are."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, WIDTH, 1)
        self.norm = nn.BatchNorm2d(WIDTH)

    def forward(self, features: Tensor, places: Tensor) -> Tensor:
        """From (N, inputs, H, W) and places in cells (N, J, 3) to (N, J, 515)."""
        narrow = torch.relu(self.norm(self.conv(features)))
        return torch.cat([sampled_at(narrow, places), places], dim=2)


def axis_angles(six: Tensor) -> Tensor:
    """Axis-angles (N, B, 3) of rotations as networks say them, (N, 6 * B)."""
    return axis_angle_from_rotation(rotation_from_pairs(six.unflatten(1, (-1, 6))))


class Pose2Pose(nn.Module):
    """Sees one person, or one right hand, in a crop."""

    def __init__(self, settings: Pose2PoseSettings = BODY) -> None:
        super().__init__()
        self.settings = settings
        self.trunk = ResNet(settings.depth)
        channels = self.trunk.channels
        known = settings.joints * (WIDTH + 3)
        self.places = PlaceMaps(channels, settings.joints)
        self.features = JointFeatures(channels)
        self.root = nn.Linear(known, 6)
        self.pose = nn.Linear(known, 6 * settings.bones)
        self.shape = nn.Linear(channels, settings.betas)
        self.camera = nn.Linear(channels, 3)

    def forward(self, image: Tensor) -> PartPose:
        """See (N, 3, H, W), RGB from 0 to 1."""
        features = self.trunk(image)
        places = self.places(features)[1]
        # errors of rotations do not move the joints (section 3.2)
        known = self.features(features, places.detach()).flatten(1)
        six = torch.cat([self.root(known), self.pose(known)], dim=1)
        pooled = features.mean(dim=(2, 3))
        return PartPose(
            places,
            six,
            self._with_still_bones(axis_angles(six)),
            self.shape(pooled),
            self.settings.camera.translation(self.camera(pooled)),
        )

    def _with_still_bones(self, pose: Tensor) -> Tensor:
        still = torch.zeros_like(pose[:, :1]).expand(-1, self.settings.still, -1)
        return torch.cat([pose, still], dim=1)
