"""MeTRAbs with the input and the outputs that the runtime knows."""

from __future__ import annotations

from torch import Tensor, nn

from training.networks.metrabs import Metrabs


class MetrabsGraph(nn.Module):
    """
    Says where the means of maps and volumes are.

    Where that puts a person in front of the camera the runtime finds out: the equations are
    few, and which joints take part in them depends on their places.
    """

    outputs = ('joints2d', 'joints3d')

    def __init__(self, network: Metrabs) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """See (N, S, S, 3), RGB, 0 to 1; pixels of the crop (N, J, 2) and metres (N, J, 3)."""
        joints = self.network(image.permute(0, 3, 1, 2))
        return joints.joints2d, joints.joints3d
