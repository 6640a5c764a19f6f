"""Pose2Mesh as the runtime sees it, with the body model's joints or without any mesh."""

from __future__ import annotations

from torch import Tensor, nn

from training.networks.pose2mesh import Pose2Mesh, Pose2MeshGraph, PoseNet, folded, standardised


class Pose2MeshBodyGraph(Pose2MeshGraph):
    """
    The whole, and the body model's joints on its mesh.

    :param regressor: the body model's, (B, V)
    """

    outputs: tuple[str, ...] = ('vertices', 'body_joints', 'joints3d')
    regressor: Tensor

    def __init__(self, network: Pose2Mesh, regressor: Tensor) -> None:
        super().__init__(network)
        self.register_buffer('regressor', regressor)

    def forward(self, joints2d: Tensor) -> tuple[Tensor, ...]:
        """Joints in pixels, (N, J, 2); vertices (N, V, 3), joints (N, B, 3), lifted (N, J, 3)."""
        vertices, joints3d = super().forward(joints2d)
        return vertices, self.regressor @ vertices, joints3d


class LifterGraph(nn.Module):
    """The lifter alone, for pixels of any picture or crop."""

    outputs = ('joints3d',)

    def __init__(self, lifter: PoseNet) -> None:
        super().__init__()
        self.lifter = folded(lifter)

    def forward(self, joints2d: Tensor) -> tuple[Tensor]:
        """Joints in pixels, (N, J, 2), to metres from the root, camera axes, (N, J, 3)."""
        return (self.lifter(standardised(joints2d)),)
