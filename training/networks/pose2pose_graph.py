"""
Pose2Pose as the runtime sees it: pixels in, crop pixels, radians and metres out.

Places of joints, rotations and shapes need nothing but the network. Surfaces need the arrays of
SMPL or MANO, whose licence lets nobody ship them; see `Pose2PoseBodyGraph`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.networks.body_layer import BodyLayer
from training.networks.i2l_graph import PointSet
from training.networks.pose2pose import LAYERS, PartPose, Pose2Pose
from training.networks.rotations import global_from_relative, rotation_from_axis_angle

WHITE = 255.0
CELL = 32  # pixels
BODY_SPAN, HAND_SPAN = 2.0, 0.3  # metres that the cells along the depth cover
# SMPL's vertices for left and right big toe, small toe, heel; ears, eyes, nose
BODY_POINTS = PointSet(
    (3292, 3313, 3468, 6691, 6713, 6858, 3489, 3990, 2802, 6262, 331),
    (0, 1, 2, 4, 5, 7, 8, 12, 16, 17, 18, 19, 20, 21, *range(24, 35)),
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
        return self.seen(pixels(image))

    def seen(self, image: Tensor) -> tuple[Tensor, ...]:
        """See (N, 3, H, W), 0 to 1; see `told` for what is returned."""
        return self.told(self.network(image))

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

    :param regressor: the network's joints on the surface, (J, V)
    :param rest_pose: is added to the axis-angles of all bones but the root's, (B - 1, 3); the
        mean hand of MANO
    """

    outputs = (
        *('joints2d', 'joints3d', 'vertices', 'body_joints', 'rotations', 'root3d'),
        *Pose2PoseGraph.outputs,
    )
    regressor: Tensor
    rest_pose: Tensor

    def __init__(
        self,
        network: Pose2Pose,
        body: BodyLayer,
        regressor: Tensor,
        depth_span: float = BODY_SPAN,
        rest_pose: Tensor | None = None,
    ) -> None:
        super().__init__(network, depth_span)
        self.body = body
        self.moving = 1 + network.settings.bones
        pose = torch.zeros(self.moving, 3)
        if rest_pose is not None:
            pose[1:] = rest_pose.reshape(-1, 3)
        self.register_buffer('regressor', regressor, persistent=False)
        self.register_buffer('rest_pose', pose, persistent=False)

    def seen(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        See (N, 3, H, W), 0 to 1.

        :return: joints in crop pixels (N, J, 2) and metres (N, J, 3); vertices (N, V, 3), joints
            (N, B, 3) and global rotations (N, B, 3, 3) of bones; the root as the virtual camera
            sees it, metres, (N, 3); then as `Pose2PoseGraph.told`
        """
        part = self.network(image)
        rotations = global_from_relative(self._relative(part), self.body.parents)
        vertices, bones = self.body(rotations, part.betas)
        joints, root = self.regressor @ vertices, bones[:, :1]
        return (
            self.network.settings.camera.project(joints, part.translation),
            joints - root,
            vertices - root,
            bones - root,
            rotations,
            part.translation + root.squeeze(1),
            *self.told(part),
        )

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
