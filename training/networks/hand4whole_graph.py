"""
Hand4Whole and Pose2Pose as the runtime sees them: pixels in, crop pixels, radians, metres out.

Places of joints, rotations, shapes and expressions need nothing but the networks. Surfaces need
a body model's arrays, whose licence lets nobody ship them; see `Hand4WholeBodyGraph` and
`Pose2PoseBodyGraph`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.networks.body_layer import BodyLayer
from training.networks.hand4whole import CELL, STEP, Hand4Whole, WholeBody
from training.networks.pose2pose import LAYERS, PartPose, Pose2Pose
from training.networks.rotations import global_from_relative, rotation_from_axis_angle
from training.networks.smplx_layer import JOINTS_137, SmplxLayer

WHITE = 255.0
BODY_SPAN, HAND_SPAN = 2.0, 0.3  # metres that the cells along the depth cover


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
            pelvis or the wrist, (N, 65, 3); squares that were looked at more closely, x1, y1, x2,
            y2 in crop pixels, left hand, right hand, face, (N, 3, 4); axis-angles of SMPL-X's
            bones, from the mean hands, (N, 55, 3); its shape and expression, (N, 10) each; its
            origin as a virtual camera sees it, metres, (N, 3)
        """
        body = self.network.settings.body_joints
        joints = torch.cat(
            [
                in_units(whole.places[:, :body], CELL * STEP, BODY_SPAN),
                in_units(whole.places[:, body:], CELL * STEP, HAND_SPAN),
            ],
            dim=1,
        )
        pose = whole.pose.bones()
        return joints, whole.squares, pose, whole.betas, whole.expression, whole.translation


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


class Pose2PoseGraph(nn.Module):
    """
    Places of joints, and the parameters of SMPL or MANO.

    :param depth_span: metres that the cells along the depth cover
    """

    outputs: tuple[str, ...] = ('joints_uvd', 'pose', 'betas', 'translation')

    def __init__(self, network: Pose2Pose, depth_span: float = BODY_SPAN) -> None:
        super().__init__()
        self.network = network
        self.depth_span = depth_span

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """See bytes (N, H, W, 3); see `told` for what is returned."""
        return self.told(self.network(pixels(image)))

    def told(self, part: PartPose) -> tuple[Tensor, ...]:
        """
        Say it in the card's units.

        :return: joints, x, y in crop pixels, z in metres from the root, (N, J, 3); axis-angles
            of the body model's bones, (N, B, 3); its shape, (N, 10); its origin as a virtual
            camera sees it, metres, (N, 3)
        """
        joints = in_units(part.places, CELL, self.depth_span)
        return joints, part.pose, part.betas, part.translation


class Pose2PoseBodyGraph(Pose2PoseGraph):
    """
    All of it, and the surface, in metres from the root as seen by a camera on the crop.

    :param rest_pose: is added to the axis-angles of all bones but the root's, (B - 1, 3); the
        mean hand of MANO
    """

    outputs = ('vertices', 'body_joints', 'rotations', 'root3d', *Pose2PoseGraph.outputs)
    rest_pose: Tensor

    def __init__(
        self,
        network: Pose2Pose,
        body: BodyLayer,
        depth_span: float = BODY_SPAN,
        rest_pose: Tensor | None = None,
    ) -> None:
        super().__init__(network, depth_span)
        self.body = body
        self.moving = 1 + network.settings.bones
        pose = torch.zeros(self.moving, 3)
        if rest_pose is not None:
            pose[1:] = rest_pose.reshape(-1, 3)
        self.register_buffer('rest_pose', pose, persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        See bytes (N, H, W, 3).

        :return: vertices (N, V, 3), joints (N, B, 3) and global rotations (N, B, 3, 3) of bones;
            the root as the virtual camera sees it, metres, (N, 3); then as `Pose2PoseGraph.told`
        """
        part = self.network(pixels(image))
        rotations = global_from_relative(self._relative(part), self.body.parents)
        vertices, joints = self.body(rotations, part.betas)
        root = joints[:, :1]
        placed = part.translation + root.squeeze(1)
        return vertices - root, joints - root, rotations, placed, *self.told(part)

    def _relative(self, part: PartPose) -> Tensor:
        turned = rotation_from_axis_angle(part.pose[:, : self.moving] + self.rest_pose)
        still = torch.eye(3, device=turned.device)
        still = still.expand(turned.shape[0], self.network.settings.still, 3, 3)
        return torch.cat([turned, still], dim=1)


def pixels(image: Tensor) -> Tensor:
    """Bytes (N, H, W, 3) as networks see them, (N, 3, H, W), 0 to 1."""
    # cast first: TensorRT transposes no bytes
    return image.to(torch.float32).permute(0, 3, 1, 2) / WHITE


def in_units(places: Tensor, cell: float, span: float) -> Tensor:
    """Places (N, J, 3) in cells to crop pixels and metres from the middle of the depth."""
    scale = torch.tensor([cell, cell, span / LAYERS], device=places.device)
    shift = torch.tensor([0.0, 0.0, -span / 2], device=places.device)
    return places * scale + shift
