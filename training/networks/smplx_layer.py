"""
SMPL-X in torch: body, hands, jaw and face in one surface (Pavlakos et al. 2019).

Skinning is `body_layer`'s; here is what SMPL-X has beside it: expressions, hands that rest bent,
and 144 joints, of which 17 slide along the face's outline as the head turns. Its arrays are those
of the authors' files, which nobody may pass on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.networks.body_layer import BodyLayer
from training.networks.rotations import global_from_relative, rotation_from_axis_angle

BETAS, EXPRESSIONS = 10, 10
SHAPE_SPACE = 300  # columns before the expressions in a full file; a reduced one has 10
EYES = 23  # place of the left one
NECK = 12
# nose, right eye, left eye, right ear, left ear; left and right foot: big toe, small toe, heel;
# tips of left and right fingers: thumb, index, middle, ring, little finger
MARKS = (
    *(9120, 9929, 9448, 616, 6, 5770, 5780, 8846, 8463, 8474, 8635),
    *(5361, 4933, 5058, 5169, 5286, 8079, 7669, 7794, 7905, 8022),
)
FARTHEST = 39  # degrees that the head turns until the outline stays as it is
# body, left hand, right hand, face: the joints of `mesh_pose_ros.skeletons.SMPLX137` in 144
JOINTS_137 = (
    *(0, 1, 2, 4, 5, 7, 8, 12, 16, 17, 18, 19, 20, 21),
    *(60, 61, 62, 63, 64, 65, 59, 58, 57, 56, 55),
    *(37, 38, 39, 66, 25, 26, 27, 67, 28, 29, 30, 68, 34, 35, 36, 69, 31, 32, 33, 70),
    *(52, 53, 54, 71, 40, 41, 42, 72, 43, 44, 45, 73, 49, 50, 51, 74, 46, 47, 48, 75),
    *(22, 15, 57, 56, *range(76, 144)),
)


@dataclass(frozen=True, eq=False)
class SmplxPose:
    """
    Rotations relative to each bone's parent, axis-angles in radians; eyes look ahead.

    :param root, jaw: (N, 3)
    :param body: (N, 21, 3)
    :param left_hand, right_hand: index, middle, little, ring finger, thumb, from the mean hand,
        (N, 15, 3)
    """

    root: Tensor
    body: Tensor
    jaw: Tensor
    left_hand: Tensor
    right_hand: Tensor

    def moving(self) -> Tensor:
        """All bones but the eyes in the file's order, (N, 53, 3)."""
        root, jaw = self.root.unsqueeze(1), self.jaw.unsqueeze(1)
        return torch.cat([root, self.body, jaw, self.left_hand, self.right_hand], dim=1)

    def bones(self) -> Tensor:
        """All bones in the file's order, (N, 55, 3)."""
        return with_eyes(self.moving(), torch.zeros(3, device=self.root.device))


@dataclass(frozen=True, eq=False)
class SmplxBody:
    """
    Posed bodies.

    :param vertices: metres, (N, V, 3)
    :param joints: metres, (N, 144, 3): the 55 bones', 21 vertices, 51 points of the face, 17 of
        its outline
    :param rotations: of bones, global, (N, 55, 3, 3)
    """

    vertices: Tensor
    joints: Tensor
    rotations: Tensor


def with_eyes(values: Tensor, eye: Tensor) -> Tensor:
    """Put both eyes' value (...) between jaw and hands: (N, 53, ...) to (N, 55, ...)."""
    eyes = eye.expand(values.shape[0], 2, *eye.shape)
    return torch.cat([values[:, :EYES], eyes, values[:, EYES:]], dim=1)


class FacePoints(nn.Module):
    """
    Points inside triangles, moved with the surface.

    :param triangles: the body's, (F, 3)
    :param which: triangle of each point, (...)
    :param weights: of its corners, (..., 3)
    """

    corners: Tensor
    weights: Tensor

    def __init__(self, triangles: np.ndarray, which: np.ndarray, weights: np.ndarray) -> None:
        super().__init__()
        corners = np.asarray(triangles, np.int64)[which]
        self.register_buffer('corners', torch.from_numpy(corners.ravel()), persistent=False)
        weights = torch.from_numpy(np.asarray(weights, np.float32))
        self.register_buffer('weights', weights.unsqueeze(-1), persistent=False)

    def forward(self, vertices: Tensor) -> Tensor:
        """Points (N, ..., 3) on vertices (N, V, 3)."""
        corners = vertices.index_select(1, self.corners)
        return (corners.unflatten(1, self.weights.shape[:-1]) * self.weights).sum(dim=-2)


class Outline(nn.Module):
    """The face's outline as seen from the front, for each of 79 directions the head may look."""

    def __init__(self, triangles: np.ndarray, which: np.ndarray, weights: np.ndarray) -> None:
        super().__init__()
        self.points = FacePoints(triangles, which, weights)

    def forward(self, vertices: Tensor, neck: Tensor) -> Tensor:
        """From vertices (N, V, 3) and the neck's global rotation (N, 3, 3) to (N, 17, 3)."""
        every = self.points(vertices)  # (N, 79, 17, 3)
        row = outline_row(neck).unsqueeze(1)
        chosen = (torch.arange(every.shape[1], device=row.device) == row).to(every.dtype)
        return (chosen.unsqueeze(1) @ every.flatten(2)).squeeze(1).unflatten(1, (-1, 3))


def outline_row(neck: Tensor) -> Tensor:
    """
    Row of the table of outlines: 0 to 39 degrees to one side, then 1 to 39 to the other.

    :param neck: global rotation, (N, 3, 3)
    :return: whole numbers as floats, (N,)
    """
    degrees = torch.rad2deg(torch.asin(neck[:, 2, 0].clamp(-1, 1)))
    degrees = torch.round(degrees.clamp(max=FARTHEST))
    back = torch.where(degrees < -FARTHEST, torch.full_like(degrees, -FARTHEST), degrees)
    return torch.where(degrees < 0, FARTHEST - back, degrees)


class SmplxLayer(nn.Module):
    """
    Pose and shape in, surface and joints out.

    :param arrays: of a file SMPLX_NEUTRAL.npz or its like
    """

    hands: Tensor  # the mean ones, (53, 3)

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        super().__init__()
        self.body = BodyLayer({**arrays, 'shapedirs': _directions(arrays['shapedirs'])})
        hands = [np.reshape(arrays[f'hands_mean{side}'], (-1, 3)) for side in 'lr']
        rest = np.concatenate([np.zeros((EYES, 3)), *hands])
        self.register_buffer('hands', torch.from_numpy(rest).float(), persistent=False)
        self.register_buffer('marks', torch.tensor(MARKS), persistent=False)
        triangles = arrays['f']
        self.face = FacePoints(triangles, arrays['lmk_faces_idx'], arrays['lmk_bary_coords'])
        self.outline = Outline(
            triangles, arrays['dynamic_lmk_faces_idx'], arrays['dynamic_lmk_bary_coords']
        )

    def forward(self, pose: SmplxPose, betas: Tensor, expression: Tensor) -> SmplxBody:
        """Pose bodies of shapes (N, 10) and expressions (N, 10)."""
        moving = rotation_from_axis_angle(pose.moving() + self.hands)
        relative = with_eyes(moving, torch.eye(3, device=moving.device))
        rotations = global_from_relative(relative, self.body.parents)
        vertices, bones = self.body(rotations, torch.cat([betas, expression], dim=1))
        marks = vertices.index_select(1, self.marks)
        outline = self.outline(vertices, rotations[:, NECK])
        joints = torch.cat([bones, marks, self.face(vertices), outline], dim=1)
        return SmplxBody(vertices, joints, rotations)


def _directions(columns: np.ndarray) -> np.ndarray:
    """First shape coefficients and first expressions of a full or a reduced file, (V, 3, 20)."""
    full = columns.shape[-1] >= SHAPE_SPACE + EXPRESSIONS
    start = SHAPE_SPACE if full else BETAS
    return np.concatenate(
        [columns[..., :BETAS], columns[..., start : start + EXPRESSIONS]], axis=-1
    )
