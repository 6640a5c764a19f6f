"""
I2L-MeshNet as the runtime sees it: pixels in, places in pixels of the crop and metres out.

The lixel mesh needs nothing but the network. The parametric one needs a body model's arrays,
whose licence lets nobody ship them; see `I2lBodyGraph`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.networks.body_layer import BodyLayer
from training.networks.i2l_meshnet import BodyPose, I2lMeshNet, Lixels, ready
from training.networks.rotations import global_from_relative, rotation_from_axis_angle

WHITE = 255.0
CELL = 4.0  # pixels
BODY_SPAN, HAND_SPAN = 2.0, 0.3  # metres that the cells along the depth cover


@dataclass(frozen=True)
class PointSet:
    """
    How the network's joints lie on the body model.

    :param vertices: that stand for a joint each, after the body model's own joints
    :param order: of all of these; as they come if empty
    """

    vertices: tuple[int, ...]
    order: tuple[int, ...] = ()

    def regressor(self, joint_regressor: Tensor) -> Tensor:
        """Extend the body model's regressor (B, V) to all joints, (J, V)."""
        marks = torch.zeros(len(self.vertices), joint_regressor.shape[1])
        marks[torch.arange(len(self.vertices)), torch.tensor(self.vertices)] = 1
        rows = torch.cat([joint_regressor, marks])
        return rows[list(self.order)] if self.order else rows


# nose, left and right eye, left and right ear
BODY_POINTS = PointSet((331, 2802, 6262, 3489, 3990))
# tips of thumb, index, middle, ring, little finger; then wrist and fingers from thumb to little
HAND_POINTS = PointSet(
    (745, 317, 445, 556, 673),
    (0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20),
)


class ParametricMesh(nn.Module):
    """
    The body that stage "param" sees in a lixel mesh.

    :param body: of the model's arrays
    :param regressor: the network's joints on it, (J, V)
    :param rest_pose: is added to the axis-angles of all bones but the root's, (B - 1, 3); the
        mean hand of MANO
    """

    regressor: Tensor
    rest_pose: Tensor

    def __init__(
        self, body: BodyLayer, regressor: Tensor, rest_pose: Tensor | None = None
    ) -> None:
        super().__init__()
        bones = len(body.parents)
        rest = torch.zeros(bones - 1, 3) if rest_pose is None else rest_pose.reshape(-1, 3)
        self.body = body
        self.register_buffer('regressor', regressor)
        self.register_buffer('rest_pose', torch.cat([torch.zeros(1, 3), rest.float()]))

    def joints_of(self, vertices: Tensor) -> Tensor:
        """Joints (N, J, 3) of a mesh (N, V, 3) in any unit."""
        return self.regressor @ vertices

    def forward(self, told: BodyPose) -> tuple[Tensor, Tensor, Tensor]:
        """Vertices (N, V, 3) and bones' joints (N, B, 3), metres, and rotations (N, B, 3, 3)."""
        relative = rotation_from_axis_angle(told.pose + self.rest_pose)
        rotations = global_from_relative(relative, self.body.parents)
        vertices, joints = self.body(rotations, told.betas)
        root = self.joints_of(vertices)[:, :1]
        return vertices - root, joints - root, rotations


class I2lGraph(nn.Module):
    """The lixels alone; see `mesh_pose_ros.runtime.card` for what goes in and comes out."""

    outputs: tuple[str, ...] = ('joints_uvd', 'vertices_uvd')
    scale: Tensor
    shift: Tensor

    def __init__(self, network: I2lMeshNet, span: float = BODY_SPAN) -> None:
        super().__init__()
        self.network = ready(network)
        deep = span / network.settings.cells
        self.register_buffer('scale', torch.tensor([CELL, CELL, deep]), persistent=False)
        self.register_buffer('shift', torch.tensor([0.0, 0.0, -span / 2]), persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """See bytes (N, S, S, 3); x, y in crop pixels and z in metres from the root."""
        return self.measured(self.seen(image))

    def seen(self, image: Tensor) -> Lixels:
        """Let the network see."""
        # cast first: TensorRT transposes no bytes
        return self.network(image.to(torch.float32).permute(0, 3, 1, 2) / WHITE)

    def measured(self, lixels: Lixels) -> tuple[Tensor, ...]:
        """From cells to pixels and metres; the root is in the middle of the depth."""
        both = lixels.joints, lixels.vertices
        return tuple(cells * self.scale + self.shift for cells in both)


class I2lBodyGraph(I2lGraph):
    """The lixels, and the parametric body found in them."""

    outputs = (
        *('joints_uvd', 'vertices_uvd', 'vertices', 'body_joints'),
        *('rotations', 'pose', 'betas'),
    )

    def __init__(self, network: I2lMeshNet, mesh: ParametricMesh, span: float = BODY_SPAN) -> None:
        super().__init__(network, span)
        self.mesh = mesh

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """See bytes (N, S, S, 3); the body is in metres from its root, in the crop's axes."""
        lixels = self.seen(image)
        told = self.network.body(self.mesh.joints_of(lixels.vertices))
        return *self.measured(lixels), *self.mesh(told), told.pose, told.betas
