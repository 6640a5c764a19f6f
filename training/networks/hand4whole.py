"""
Hand4Whole: body, hands and face of one person at once (Moon et al. 2022).

The body is seen coarsely, every second pixel of the crop. Where it shows hands and face, squares
are cut out of the full crop and seen by trunks of their own; a left hand is seen as a right one
in a mirror. The body's turn then comes from its own joints and the knuckles of both hands, so
that wrists agree with hands. All of it is said in SMPL-X's pose, shape and expression.

Places of joints are in cells: x, y of 32 pixels at the body's resolution or of 32 pixels of a
hand's square, z of 1/8 of the depth.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.checkpoints import Naming
from training.networks.hand4whole_parts import (
    BodyHead,
    BodySight,
    FaceHead,
    FaceSight,
    FingerHead,
    HandSight,
)
from training.networks.part_boxes import PartBoxNet
from training.networks.pose2pose import PlaceMaps, axis_angles
from training.networks.resnet import ResNet
from training.networks.roi_align import roi_align
from training.networks.smplx_layer import SmplxPose
from training.networks.virtual_camera import VirtualCamera

CELL = 32  # pixels
STEP = 2  # pixels of the crop per pixel that the body is seen by

NAMING = Naming(
    renames=(
        (r'^backbone\.', 'body_trunk.'),
        (r'^(hand|face)_roi_net\.backbone\.', r'\1_trunk.'),
        (r'^(body|hand)_position_net\.conv\.0\.', r'\1_places.maps.'),
        (r'^box_net\.bbox_center\.0\.', 'boxes.middles.'),
        (r'^box_net\.lhand_size\.', 'boxes.sizes.left_hand.'),
        (r'^box_net\.rhand_size\.', 'boxes.sizes.right_hand.'),
        (r'^box_net\.face_size\.', 'boxes.sizes.face.'),
        (r'^box_net\.', 'boxes.'),
        (r'^hand_rotation_net\.hand_conv\.', 'fingers.features.'),
        (r'^hand_rotation_net\.hand_pose_out\.0\.', 'fingers.pose.'),
        (r'^body_rotation_net\.body_conv\.', 'body.features.'),
        (r'^body_rotation_net\.lhand_conv\.', 'body.left_features.'),
        (r'^body_rotation_net\.rhand_conv\.', 'body.right_features.'),
        (r'^body_rotation_net\.root_pose_out\.0\.', 'body.root.'),
        (r'^body_rotation_net\.body_pose_out\.0\.', 'body.pose.'),
        (r'^body_rotation_net\.shape_out\.0\.', 'body.shape.'),
        (r'^body_rotation_net\.cam_out\.0\.', 'body.camera.'),
        (r'^face_regressor\.expr_out\.0\.', 'face.expression.'),
        (r'^face_regressor\.jaw_pose_out\.0\.', 'face.jaw.'),
        (r'features\.0\.', 'features.conv.'),
        (r'features\.1\.', 'features.norm.'),
    ),
    unused=('*.num_batches_tracked', 'smplx_layer.*'),  # a licensed body model
)


@dataclass(frozen=True)
class Hand4WholeSettings:
    """
    Sizes of the network.

    :param body_depth, hand_depth, face_depth: of the trunks, keys of
        `training.networks.resnet.LAYOUTS`
    :param height, width: of the crop, pixels
    :param hand_side, face_side: of the squares as hands and face are seen, pixels
    :param span: of the camera, see `VirtualCamera`
    :param body_joints, hand_joints: that are looked for
    :param body_bones, hand_bones: that are turned, beside the root
    :param betas, expressions: coefficients of SMPL-X
    """

    body_depth: int = 50
    hand_depth: int = 50
    face_depth: int = 18
    height: int = 512
    width: int = 384
    hand_side: int = 256
    face_side: int = 192
    span: float = 2.5
    body_joints: int = 25
    body_bones: int = 21
    hand_joints: int = 20
    hand_bones: int = 15
    betas: int = 10
    expressions: int = 10

    @property
    def camera(self) -> VirtualCamera:
        """What the crop is seen by, at the body's resolution."""
        return VirtualCamera(self.height // STEP, self.width // STEP, self.span)


@dataclass(frozen=True, eq=False)
class WholeBody:
    """
    What the network says about N crops.

    :param places: of joints of body, left and right hand, (N, 65, 3), cells of the body; z of a
        hand's joints is in 1/8 of the hand's own depth
    :param squares: that were looked at more closely, x1, y1, x2, y2 in crop pixels, (N, 3, 4),
        in the order of `PARTS`
    :param pose: of SMPL-X
    :param betas, expression: (N, 10)
    :param translation: of SMPL-X's origin, metres, (N, 3); see `virtual_camera`
    """

    places: Tensor
    squares: Tensor
    pose: SmplxPose
    betas: Tensor
    expression: Tensor
    translation: Tensor


class Hand4Whole(nn.Module):
    """Sees one person in a crop."""

    def __init__(self, settings: Hand4WholeSettings = Hand4WholeSettings()) -> None:
        super().__init__()
        self.settings = settings
        self.body_trunk = ResNet(settings.body_depth)
        self.hand_trunk = ResNet(settings.hand_depth)
        self.face_trunk = ResNet(settings.face_depth)
        body, hand = self.body_trunk.channels, self.hand_trunk.channels
        self.body_places = PlaceMaps(body, settings.body_joints)
        self.hand_places = PlaceMaps(hand, settings.hand_joints)
        self.boxes = PartBoxNet(body, self.body_places.maps.out_channels)
        self.fingers = FingerHead(hand, settings.hand_joints, settings.hand_bones)
        self.body = BodyHead(body, hand, settings.body_joints, settings.body_bones, settings.betas)
        self.face = FaceHead(self.face_trunk.channels, settings.expressions)

    def forward(self, image: Tensor) -> WholeBody:
        """See (N, 3, H, W), RGB from 0 to 1."""
        body = self.see_body(image)
        squares = body.boxes.squares(CELL * STEP).detach()
        hands = self.see_hands(self.hand_crops(image, squares))
        face = self.see_face(self.face_crops(image, squares))
        return self.joined(body, squares, hands, face)

    def see_body(self, image: Tensor) -> BodySight:
        """See (N, 3, H, W), of which every second pixel counts."""
        features = self.body_trunk(image[:, :, ::STEP, ::STEP])
        chance, places = self.body_places(features)
        # errors of boxes do not move the joints
        return BodySight(features, chance, places, self.boxes(features, chance.detach()))

    def hand_crops(self, image: Tensor, squares: Tensor) -> Tensor:
        """Left and right hand, (N, 2, 3, S, S), neither mirrored."""
        side = self.settings.hand_side
        crops = [roi_align(image, squares[:, part], (side, side)) for part in (0, 1)]
        return torch.stack(crops, dim=1)

    def face_crops(self, image: Tensor, squares: Tensor) -> Tensor:
        """Faces, (N, 3, S, S)."""
        side = self.settings.face_side
        return roi_align(image, squares[:, 2], (side, side))

    def see_hands(self, crops: Tensor) -> HandSight:
        """See pairs of hands, (N, 2, 3, S, S)."""
        right_handed = torch.stack([mirrored(crops[:, 0]), crops[:, 1]], dim=1)
        features = self.hand_trunk(right_handed.flatten(0, 1))
        places = self.hand_places(features)[1]
        six = self.fingers(features, places.detach())
        pose = axis_angles(six)
        features, places, six, pose = (
            values.unflatten(0, (-1, 2)) for values in (features, places, six, pose)
        )
        return HandSight(
            torch.stack([mirrored(features[:, 0]), features[:, 1]], dim=1),
            self._mirrored_back(places),
            six,
            pose * torch.tensor([[[1.0, -1, -1]], [[1, 1, 1]]], device=pose.device),
        )

    def see_face(self, crops: Tensor) -> FaceSight:
        """See (N, 3, S, S)."""
        return self.face(self.face_trunk(crops))

    def joined(
        self, body: BodySight, squares: Tensor, hands: HandSight, face: FaceSight
    ) -> WholeBody:
        """Put together what was seen of all parts."""
        turn = self.body(body, hands)
        pose = SmplxPose(
            axis_angles(turn.root).squeeze(1),
            axis_angles(turn.pose),
            axis_angles(face.jaw).squeeze(1),
            hands.pose[:, 0],
            hands.pose[:, 1],
        )
        fingers = self._in_body_cells(hands.places, squares).flatten(1, 2)
        return WholeBody(
            torch.cat([body.places, fingers], dim=1),
            squares,
            pose,
            turn.betas,
            face.expression,
            self.settings.camera.translation(turn.camera),
        )

    def _mirrored_back(self, places: Tensor) -> Tensor:
        """Places (N, 2, 20, 3) with the left hand's x as in the crop."""
        # the last cell's middle, not its edge, is where a mirrored 0 goes: so it was trained
        last = self.settings.hand_side // CELL - 1
        shift = torch.tensor([last, 0, 0], device=places.device, dtype=places.dtype)
        sign = torch.tensor([-1.0, 1, 1], device=places.device)
        return torch.stack([places[:, 0] * sign + shift, places[:, 1]], dim=1)

    def _in_body_cells(self, places: Tensor, squares: Tensor) -> Tensor:
        """Move places (N, 2, 20, 3) from cells of the hands' squares to the body's."""
        hands = squares[:, :2].unsqueeze(2)
        low, high = hands[..., :2], hands[..., 2:]
        share = places[..., :2] * (CELL / self.settings.hand_side)
        across = (low + share * (high - low)) / (CELL * STEP)
        return torch.cat([across, places[..., 2:]], dim=3)


def mirrored(maps: Tensor) -> Tensor:
    """Swap left and right of (N, C, H, W)."""
    width = maps.shape[3]
    return maps.index_select(3, torch.arange(width - 1, -1, -1, device=maps.device))
