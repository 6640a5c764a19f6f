"""
Left hands for networks that know right ones.

They see a mirror image, and what they say of it is mirrored back.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from training.networks.pose2pose_graph import Pose2PoseGraph, pixels

PIXELS = ('joints2d', 'joints_uvd')
VECTORS = ('joints3d', 'vertices', 'body_joints', 'root3d', 'translation')


class MirroredGraph(nn.Module):
    """
    A graph that sees its crop in a mirror.

    :param graph: its crops' middle is at width / 2, which the mirror leaves in place
    """

    def __init__(self, graph: Pose2PoseGraph) -> None:
        super().__init__()
        self.right = graph  # by the name of "graph", torch's exporter takes it for its own
        self.outputs = graph.outputs

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """See bytes (N, H, W, 3); returned is what the graph returns, of the other side."""
        found = self.right.seen(in_mirror(pixels(image)))
        width = float(image.shape[2])
        named = dict(zip(self.outputs, found, strict=True))
        return tuple(self._back(name, named, width) for name in self.outputs)

    def _back(self, name: str, named: Mapping[str, Tensor], width: float) -> Tensor:
        values = named[name]
        sides = torch.tensor([-1.0, 1, 1], device=values.device)
        if name in PIXELS:
            axes = values.shape[2]
            return values * sides[:axes] + width * (sides[:axes] < 0)
        if name in VECTORS:
            return values * sides
        if name == 'rotations':  # of bones at rest in the mirror, too
            return values * sides.unsqueeze(1) * sides
        if name == 'pose':  # a mirror turns axes like vectors, and angles the other way
            return values * -sides
        return values


def in_mirror(maps: Tensor) -> Tensor:
    """
    Swap left and right of pictures (N, C, H, W) about width / 2, not between the middle pixels.

    So did the authors. What would be seen at x = 0 is beyond the crop; its last column stands in.
    """
    width = maps.shape[3]
    columns = (width - torch.arange(width, device=maps.device)).clamp(max=width - 1)
    return maps.index_select(3, columns)
