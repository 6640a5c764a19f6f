"""
Linear blend skinning in torch: global joint rotations and a shape in, a surface out.

Formulas: Loper et al., SMPL, 2015. Where a body has directions that correct the surface for bent
joints (``posedirs``), they count as further coefficients of its shape; joints do not feel them.
Axes are those of the file's rest pose (x to the person's left, y up, z forward, metres); a
rotation takes them to whatever frame the caller works in, for example a camera's. The runtime
has its own in numpy, `mesh_pose_ros.geometry.body_model`; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class BodyLayer(nn.Module):
    """
    A body model in SMPL's layout, or some points of it.

    What a body does is linear in two small things: the shape, and per joint a rotation and a
    shift. So some of the vertices, or points regressed from them, cost little: `skin`, `points`.

    :param arrays: the file's arrays, see `mesh_pose_ros.geometry.body_model`; SciPy's sparse
        ones as in SMPL's own files will do, ``posedirs`` may be left out
    """

    template: Tensor  # (V, 3)
    directions: Tensor  # (C, V * 3), or (C + 9 * (J - 1), V * 3) if bends correct the surface
    weights: Tensor  # (V, J)
    rest_joints: Tensor  # (J, 3)
    joint_directions: Tensor  # (C, J * 3)
    paths: Tensor
    above: Tensor

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        super().__init__()
        self.parents = _parents(arrays['kintree_table'])
        template = _tensor(arrays['v_template'])
        directions = _tensor(arrays['shapedirs'])
        joints = _tensor(arrays['J_regressor'])
        self.register_buffer('template', template)
        bends = _bend_directions(arrays)
        self.corrected = bends.shape[-1] > 0
        every = torch.cat([directions, bends], dim=-1)
        self.register_buffer('directions', every.permute(2, 0, 1).flatten(1))
        self.register_buffer('weights', _tensor(arrays['weights']))
        self.register_buffer('rest_joints', joints @ template)
        self.register_buffer(
            'joint_directions', torch.einsum('jv,vac->cja', joints, directions).flatten(1)
        )
        self.register_buffer('paths', _paths(self.parents))
        # the root stands in for its own parent
        above = torch.tensor([max(parent, 0) for parent in self.parents])
        self.register_buffer('above', above, persistent=False)

    @classmethod
    def load(cls, path: str | Path) -> BodyLayer:
        """Read a body from an npz file."""
        with np.load(path) as file:
            return cls({key: file[key] for key in file.files})

    @property
    def shape_count(self) -> int:
        """How many shape coefficients the body has."""
        return self.joint_directions.shape[0]

    def coefficients(self, rotations: Tensor, betas: Tensor) -> Tensor:
        """
        All that `directions` is multiplied with: the shape, and how joints are bent.

        :param rotations: global, (N, J, 3, 3)
        :param betas: (N, C)
        """
        if not self.corrected:
            return betas
        return torch.cat([betas, _bends(rotations, self.above)], dim=1)

    def joints_at_rest(self, betas: Tensor) -> Tensor:
        """Joints of a shape in the rest pose, (N, J, 3)."""
        return self.rest_joints + (betas @ self.joint_directions).unflatten(-1, (-1, 3))

    def joints(self, rotations: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        """
        Pose the joints.

        :param rotations: rest axes to the target frame, for each joint, (N, J, 3, 3)
        :param betas: (N, C)
        :return: joints (N, J, 3), the root where it is at rest turned by nothing, i.e. at
            ``joints_at_rest[:, 0]``; and the shift of each joint's motion (N, J, 3), so that a
            point x moved by joint j alone goes to ``rotations[:, j] @ x + shift[:, j]``
        """
        rest = self.joints_at_rest(betas)
        bones = rest - rest.index_select(1, self.above)
        turned = _rotate(rotations.index_select(1, self.above), bones)
        posed = rest[:, :1] + self.paths @ turned
        return posed, posed - _rotate(rotations, rest)

    def forward(self, rotations: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        """Return vertices (N, V, 3) and joints (N, J, 3); see `joints` for the arguments."""
        posed, shift = self.joints(rotations, betas)
        return self.skin(rotations, shift, betas), posed

    def skin(
        self, rotations: Tensor, shift: Tensor, betas: Tensor, some: Tensor | None = None
    ) -> Tensor:
        """Move all vertices or ``some`` (indices) by joint motions, (N, V, 3)."""
        template, directions, weights = self.template, self.directions, self.weights
        if some is not None:
            template, weights = template[some], weights[some]
            directions = directions.unflatten(1, (-1, 3))[:, some].flatten(1)
        offsets = self.coefficients(rotations, betas) @ directions
        rest = template + offsets.unflatten(-1, (-1, 3))
        motion = torch.cat([rotations.flatten(2), shift], dim=-1)  # (N, J, 12)
        blended = weights @ motion  # (N, V, 12)
        x, y, z = rest.unsqueeze(-1).unbind(-2)
        turn = blended[..., :9].unflatten(-1, (3, 3))
        return turn[..., 0] * x + turn[..., 1] * y + turn[..., 2] * z + blended[..., 9:]

    def points(self, regressor: Tensor | np.ndarray) -> RegressedPoints:
        """Points regressed from the skinned vertices, without skinning them all."""
        return RegressedPoints(self, torch.as_tensor(regressor, dtype=torch.float32))


class RegressedPoints(nn.Module):
    """
    Weighted means of vertices, computed from joint motions alone.

    With regressor L and skinning weights w, ``sum_v L_pv sum_j w_vj (R_j x_v + t_j)`` is
    ``sum_j R_j m_pj + c_pj t_j`` where m and c do not depend on the pose.
    """

    share: Tensor
    mean: Tensor
    directions: Tensor
    above: Tensor

    def __init__(self, body: BodyLayer, regressor: Tensor) -> None:
        super().__init__()
        self.corrected = body.corrected
        self.register_buffer('above', body.above, persistent=False)
        mixed = torch.einsum('pv,vj->pjv', regressor, body.weights)
        self.register_buffer('share', mixed.sum(-1))  # (P, J)
        self.register_buffer('mean', mixed @ body.template)  # (P, J, 3)
        directions = body.directions.unflatten(1, (-1, 3))
        self.register_buffer(
            'directions', torch.einsum('pjv,cva->cpja', mixed, directions).flatten(1)
        )

    def forward(self, rotations: Tensor, shift: Tensor, betas: Tensor) -> Tensor:
        """Points (N, P, 3) of bodies whose joints move as `BodyLayer.joints` says."""
        if self.corrected:
            betas = torch.cat([betas, _bends(rotations, self.above)], dim=1)
        offsets = betas @ self.directions
        local = self.mean + offsets.unflatten(-1, list(self.mean.shape))
        turned = local.flatten(2) @ rotations.transpose(2, 3).flatten(1, 2)  # (N, P, J3)(N, J3, 3)
        return turned + self.share @ shift


def _rotate(rotations: Tensor, vectors: Tensor) -> Tensor:
    """Matrices (..., 3, 3) times vectors (..., 3)."""
    return (rotations @ vectors.unsqueeze(-1)).squeeze(-1)


def _bends(rotations: Tensor, above: Tensor) -> Tensor:
    """Relative rotations less the identity, root left out, (N, J, 3, 3) to (N, 9 * (J - 1))."""
    relative = rotations.index_select(1, above).transpose(2, 3) @ rotations
    return (relative[:, 1:] - torch.eye(3, device=rotations.device)).flatten(1)


def _parents(kintree: np.ndarray) -> tuple[int, ...]:
    parents = kintree[0].astype(np.int64)
    return tuple(-1 if not 0 <= parent < len(parents) else int(parent) for parent in parents)


def _paths(parents: tuple[int, ...]) -> Tensor:
    """(J, J), one where column is on the way from the root to row."""
    paths = torch.eye(len(parents))
    for joint, parent in enumerate(parents):
        if parent >= 0:
            paths[joint] += paths[parent]
    return paths


def _bend_directions(arrays: Mapping[str, Any]) -> Tensor:
    """(V, 3, 9 * (J - 1)); nothing in the last axis if the file has none or only zeros."""
    bends = _tensor(arrays['posedirs']) if 'posedirs' in arrays else torch.zeros(0)
    return bends if bends.any() else torch.zeros(*arrays['v_template'].shape, 0)


def _tensor(array: Any) -> Tensor:
    dense = array.toarray() if hasattr(array, 'toarray') else array
    return torch.as_tensor(np.asarray(dense, dtype=np.float32))
