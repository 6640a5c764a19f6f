"""
Parts of Hand4Whole: what is seen of body, hands and face, and the heads that say it.

Places of joints are in cells, see `hand4whole`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.networks.part_boxes import PartBoxes
from training.networks.pose2pose import WIDTH, JointFeatures

KNUCKLES = (4, 8, 12, 16)  # first joints of index, middle, ring, little finger


@dataclass(frozen=True, eq=False)
class BodySight:
    """
    What is seen of N bodies.

    :param features: (N, C, H, W)
    :param chance: of joints in each cell, (N, 25, D, H, W)
    :param places: of joints, cells, (N, 25, 3)
    :param boxes: of hands and face
    """

    features: Tensor
    chance: Tensor
    places: Tensor
    boxes: PartBoxes


@dataclass(frozen=True, eq=False)
class HandSight:
    """
    What is seen of N pairs of hands, left one first, no longer mirrored.

    :param features: (N, 2, C, h, w)
    :param places: of joints, cells of the hand's square, (N, 2, 20, 3)
    :param six: rotations as the network says them, left one mirrored, (N, 2, 90)
    :param pose: axis-angles, radians, (N, 2, 15, 3)
    """

    features: Tensor
    places: Tensor
    six: Tensor
    pose: Tensor


@dataclass(frozen=True, eq=False)
class FaceSight:
    """
    What is seen of N faces.

    :param features: (N, C, h, w)
    :param expression: (N, 10)
    :param jaw: its rotation as the network says it, (N, 6)
    """

    features: Tensor
    expression: Tensor
    jaw: Tensor


@dataclass(frozen=True, eq=False)
class BodyTurn:
    """
    How N bodies are turned and shaped, as the network says it.

    :param root: (N, 6)
    :param pose: (N, 126)
    :param betas: (N, 10)
    :param camera: see `VirtualCamera.translation`, (N, 3)
    """

    root: Tensor
    pose: Tensor
    betas: Tensor
    camera: Tensor


class FingerHead(nn.Module):
    """Turns of the bones of a right hand."""

    def __init__(self, channels: int, joints: int, bones: int) -> None:
        super().__init__()
        self.features = JointFeatures(channels)
        self.pose = nn.Linear(joints * (WIDTH + 3), 6 * bones)

    def forward(self, features: Tensor, places: Tensor) -> Tensor:
        """From (N, C, h, w) and places in cells (N, 20, 3) to (N, 90)."""
        return self.pose(self.features(features, places).flatten(1))


class BodyHead(nn.Module):
    """
    Turns of the body's bones, from its joints and the hands' knuckles; and its shape.

    :param body_channels, hand_channels: of the features
    :param joints, bones: of the body, the root not being a bone
    """

    def __init__(
        self, body_channels: int, hand_channels: int, joints: int, bones: int, betas: int
    ) -> None:
        super().__init__()
        known = (joints + 2 * len(KNUCKLES)) * (WIDTH + 3)
        self.features = JointFeatures(body_channels)
        self.left_features = JointFeatures(hand_channels)
        self.right_features = JointFeatures(hand_channels)
        self.root = nn.Linear(known, 6)
        self.pose = nn.Linear(known, 6 * bones)
        self.shape = nn.Linear(body_channels, betas)
        self.camera = nn.Linear(body_channels, 3)

    def forward(self, body: BodySight, hands: HandSight) -> BodyTurn:
        """Errors of rotations do not move the joints (section 3.2)."""
        places = hands.places.detach()
        knuckles = torch.stack([places[:, :, joint] for joint in KNUCKLES], dim=2)
        known = [
            self.features(body.features, body.places.detach()),
            self.left_features(hands.features[:, 0], knuckles[:, 0]),
            self.right_features(hands.features[:, 1], knuckles[:, 1]),
        ]
        together = torch.cat(known, dim=1).flatten(1)
        pooled = body.features.mean(dim=(2, 3))
        return BodyTurn(
            self.root(together), self.pose(together), self.shape(pooled), self.camera(pooled)
        )


class FaceHead(nn.Module):
    """Expression and jaw."""

    def __init__(self, channels: int, expressions: int) -> None:
        super().__init__()
        self.expression = nn.Linear(channels, expressions)
        self.jaw = nn.Linear(channels, 6)

    def forward(self, features: Tensor) -> FaceSight:
        """See (N, C, h, w)."""
        pooled = features.mean(dim=(2, 3))
        return FaceSight(features, self.expression(pooled), self.jaw(pooled))
