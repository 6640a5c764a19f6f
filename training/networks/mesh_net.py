"""
Grow a mesh from joints by graph convolutions (Choi et al. 2020, Pose2Mesh, section 5).

The joints' features become those of the nodes of a coarsened mesh; level by level each node's
features go on to its two children, until the nodes are the mesh's vertices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from training.networks.graph import ChebyshevLayer, Resample, SparseProduct
from training.networks.joint_graphs import JointGraph
from training.networks.mesh_coarsening import MeshPyramid

INPUTS = 5  # of each joint: where it is in the picture and in space


@dataclass(frozen=True)
class MeshNetSettings:
    """
    Sizes of the graph network.

    :param joint_widths: channels after each layer on the joints' graph
    :param widths: channels after each layer, for each block on the mesh. The first block has
        the coarsest graph, the last two the finest
    :param padded: whether rows that only pad the graphs are computed. They change nothing for
        the others, but their features count in the batch statistics of the published training
    """

    joint_widths: tuple[int, ...] = (32, 64, 64)
    widths: tuple[tuple[int, ...], ...] = (
        (128, 256), *[(256, 256)] * 4, *[(128, 128)] * 3, (64, 3)
    )  # fmt: skip
    padded: bool = False

    @property
    def levels(self) -> int:
        """How many graphs the mesh is coarsened to; the coarsest gives way to the joints'."""
        return len(self.widths)


BODY = MeshNetSettings()
HAND = MeshNetSettings(widths=((128, 256), *[(256, 256)] * 3, (128, 128), (64, 3)))
# by the name of the joints, a key of `JOINT_GRAPHS`
PUBLISHED = {'human36': BODY, 'coco': BODY, 'smpl': BODY, 'mano': HAND}


class Rows(nn.Module):
    """Take rows of features, some perhaps more than once."""

    places: Tensor

    def __init__(self, places: np.ndarray) -> None:
        super().__init__()
        self.register_buffer('places', torch.from_numpy(places), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, Q, C) to (N, P, C)."""
        return x.index_select(1, self.places)


class GraphBlock(nn.Module):
    """
    Graph convolutions on one level of the mesh.

    :param rows: which nodes of the level before the nodes come from
    :param around: what is added to the end is the beginning; the last block has no such way
    """

    def __init__(
        self,
        rows: nn.Module,
        laplacian: SparseProduct,
        inputs: int,
        widths: tuple[int, ...],
        around: bool = True,
    ) -> None:
        super().__init__()
        self.rows = rows
        self.layers = chebyshev_layers(laplacian, inputs, widths, active_end=around)
        self.around = Resample(inputs, widths[-1]) if around else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, Q, inputs) to (N, P, widths[-1])."""
        x = self.rows(x)
        grown = self.layers(x)
        return grown if self.around is None else grown + self.around(x)


class MeshNet(nn.Module):
    """
    Grow a mesh from joints.

    :param joints: the joints and their graph
    :param mesh: graphs of the mesh, `MeshNetSettings.levels` of them
    """

    def __init__(
        self, joints: JointGraph, mesh: MeshPyramid, settings: MeshNetSettings = BODY
    ) -> None:
        super().__init__()
        assert len(mesh.sizes) == settings.levels
        levels = mesh_levels(mesh, settings.padded)
        width = settings.joint_widths[-1]
        on_joints = SparseProduct(joints.laplacian())
        self.joints = chebyshev_layers(on_joints, INPUTS, settings.joint_widths)
        self.spread = nn.Linear(len(joints.skeleton) * width, mesh.sizes[-2] * width)
        self.blocks = nn.ModuleList()
        for i, widths in enumerate(settings.widths):
            rows, laplacian = levels[min(i, len(levels) - 1)]
            again, last = i == len(levels), i == len(settings.widths) - 1
            come_from = nn.Identity() if again else Rows(rows)
            self.blocks.append(GraphBlock(come_from, laplacian, width, widths, around=not last))
            width = widths[-1]
        vertices = mesh.rows()[: mesh.counts[0]]
        self.vertices = Rows(vertices) if settings.padded else nn.Identity()

    def forward(self, seen: Tensor) -> Tensor:
        """
        Grow.

        :param seen: joints in the picture, as `PoseNet` takes them, and in metres, (N, J, 5)
        :return: metres from the root, in the order of the mesh's vertices, (N, V, 3)
        """
        return self.vertices(self.in_rows(seen))

    def in_rows(self, seen: Tensor) -> Tensor:
        """As `forward`, but in the order of the finest graph's rows, (N, P, 3)."""
        x = self.joints(seen)
        x = self.spread(x.flatten(1)).unflatten(1, (-1, x.shape[2]))
        for block in self.blocks:
            x = block(x)
        return x


def chebyshev_layers(
    laplacian: SparseProduct, inputs: int, widths: tuple[int, ...], active_end: bool = True
) -> nn.Sequential:
    """Graph convolutions one after the other; the last one without rectifier if so wanted."""
    layers = []
    for i, width in enumerate(widths):
        active = active_end or i < len(widths) - 1
        layers.append(ChebyshevLayer(laplacian, inputs, width, active))
        inputs = width
    return nn.Sequential(*layers)


def mesh_levels(mesh: MeshPyramid, padded: bool) -> list[tuple[np.ndarray, SparseProduct]]:
    """
    Graphs from coarse to fine, without the coarsest.

    :param padded: keep the padding. If not, nodes are in their own order, not that of the rows
    :return: for each graph, where its nodes come from in the graph before (in the rows of the
        first graph itself, for the first), and its Laplacian
    """
    levels: list[tuple[np.ndarray, SparseProduct]] = []
    place = np.empty(0, np.int64)  # of the rows of the graph before, among those that are kept
    for level in reversed(range(len(mesh.sizes) - 1)):
        kept = np.arange(mesh.sizes[level])
        if not padded:
            kept = mesh.rows(level)[: mesh.counts[level]]
        laplacian = mesh.laplacians[level][kept][:, kept]
        levels.append((place[kept // 2] if levels else kept, SparseProduct(laplacian)))
        place = np.empty(mesh.sizes[level], np.int64)
        place[kept] = np.arange(len(kept))
    return levels
