"""
Hand4Whole as the runtime sees it: pixels in, crop pixels, radians and metres out.

Places of joints, rotations, shape and expression need nothing but the network. The surface needs
SMPL-X's arrays, whose licence lets nobody ship them; see `Hand4WholeBodyGraph`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.networks.hand4whole import CELL, STEP, Hand4Whole, WholeBody
from training.networks.pose2pose_graph import BODY_SPAN, HAND_SPAN, in_units, pixels
from training.networks.smplx_layer import JOINTS_137, SmplxLayer

WRISTS = slice(12, 14)  # left and right one among the joints of the body


class Hand4WholeGraph(nn.Module):
    """Places of joints, and SMPL-X's parameters."""

    outputs: tuple[str, ...] = (
        *('joints_uvd', 'part_boxes', 'pose', 'betas', 'expression', 'translation'),
    )

    def __init__(self, network: Hand4Whole) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """See bytes (N, H, W, 3); see `told` for what is returned."""
        return self.told(self.network(pixels(image)))

    def told(self, whole: WholeBody) -> tuple[Tensor, ...]:
        """
        Say it in the card's units.

        :return: joints of body, left hand, right hand, x, y in crop pixels, z in metres from the
            pelvis, (N, 65, 3); squares that were looked at more closely, x1, y1, x2, y2 in crop
            pixels, left hand, right hand, face, (N, 3, 4); axis-angles of SMPL-X's bones, from
            the mean hands, (N, 55, 3); its shape and expression, (N, 10) each; its origin as a
            virtual camera sees it, metres, (N, 3)
        """
        joints, pose = self.joints_of(whole.places), whole.pose.bones()
        return joints, whole.squares, pose, whole.betas, whole.expression, whole.translation

    def joints_of(self, places: Tensor) -> Tensor:
        """From cells (N, 65, 3) to crop pixels and metres from the pelvis."""
        count = self.network.settings.body_joints
        body = in_units(places[:, :count], CELL * STEP, BODY_SPAN)
        hands = in_units(places[:, count:], CELL * STEP, HAND_SPAN).unflatten(1, (2, -1))
        # a hand's joints are as deep as the network says from its wrist
        along = torch.tensor([0.0, 0, 1], device=places.device)
        wrists = body[:, WRISTS, 2:].unsqueeze(2) * along
        return torch.cat([body, (hands + wrists).flatten(1, 2)], dim=1)


class Hand4WholeBodyGraph(Hand4WholeGraph):
    """
    All of it, and SMPL-X's surface and joints.

    Metres are from the pelvis, in the axes of a camera that looks at the crop.
    """

    outputs = (
        *('joints2d', 'joints3d', 'vertices', 'body_joints', 'rotations', 'root3d'),
        *Hand4WholeGraph.outputs,
    )

    def __init__(self, network: Hand4Whole, surface: SmplxLayer) -> None:
        super().__init__(network)
        self.surface = surface
        self.register_buffer('joints', torch.tensor(JOINTS_137), persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        See bytes (N, H, W, 3).

        :return: the 137 joints in crop pixels (N, 137, 2) and metres (N, 137, 3), vertices
            (N, V, 3), joints (N, 55, 3) and global rotations (N, 55, 3, 3) of bones; the pelvis
            as the virtual camera sees it, metres, (N, 3); then as `Hand4WholeGraph.told`
        """
        whole = self.network(pixels(image))
        body = self.surface(whole.pose, whole.betas, whole.expression)
        joints = body.joints.index_select(1, self.joints)
        root = joints[:, :1]
        seen = self.network.settings.camera.project(joints, whole.translation) * STEP
        bones = body.joints[:, : body.rotations.shape[1]]
        return (
            seen,
            joints - root,
            body.vertices - root,
            bones - root,
            body.rotations,
            whole.translation + root.squeeze(1),
            *self.told(whole),
        )
