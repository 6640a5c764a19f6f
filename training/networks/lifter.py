"""
From joints in space to a body: a guess and three learned corrections.

The network first tells how the pelvis is turned. Everything after happens in the pelvis' axes,
so that one correction serves people seen from all sides. Each correction sees where the joints
of the current body miss the given ones and moves all rotations and the shape a little, as an
optimiser would, but by experience (compare Carreira et al. 2016, iterative error feedback; Song
et al. 2020, learned gradient descent for body models). What nobody can see in joints, twist of
a limb without a hand for example, comes from that experience too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.networks.blocks import ResidualMlp, rotation_from_6d, rotation_to_6d
from training.networks.body_layer import BodyLayer

SURE = 0.05  # confidence above which a joint counts as seen


@dataclass(frozen=True)
class LifterSettings:
    """
    Sizes of the network.

    :param hidden: width of the corrections
    :param corrections: how many; the first has weights of its own, the others share theirs
    """

    hidden: int = 448
    pairs: int = 1
    frame_hidden: int = 192
    corrections: int = 4


@dataclass(frozen=True, eq=False)
class Lifted:
    """
    Bodies of N people.

    :param rotations: rest axes to camera axes, (N, J, 3, 3)
    :param betas: (N, C)
    :param shift: where joint motions put things, see `BodyLayer.joints`, relative to the root
        of the input, (N, J, 3)
    :param joints: body joints relative to the root of the input, (N, J, 3)
    :param points: the body's points that correspond to the input, same origin, (N, P, 3)
    """

    rotations: Tensor
    betas: Tensor
    shift: Tensor
    joints: Tensor
    points: Tensor


class Lifter(nn.Module):
    """
    Joints to body.

    :param body: the body that is bent
    :param regressor: where the input's joints are on the body, (P, V)
    :param root: rows of ``regressor`` whose mean is the origin of the input
    """

    root: Tensor
    identity: Tensor

    def __init__(
        self, body: BodyLayer, regressor: Tensor, root: list[int], settings: LifterSettings
    ) -> None:
        super().__init__()
        joints, points = len(body.parents), len(regressor)
        self.body = body
        self.points = body.points(regressor)
        self.register_buffer('root', torch.tensor(root), persistent=False)
        self.register_buffer('identity', torch.eye(3), persistent=False)
        self._settings = settings
        self._bodies = (joints, body.shape_count)
        state = 6 * joints + body.shape_count + 3
        seen = 7 * points + 3 + state
        self.frame = ResidualMlp(4 * points, settings.frame_hidden, 6)
        self.first = ResidualMlp(seen, settings.hidden, state, settings.pairs, zero_out=True)
        self.again = ResidualMlp(seen, settings.hidden, state, settings.pairs, zero_out=True)

    def forward(self, joints: Tensor, confidence: Tensor) -> list[Lifted]:
        """
        Lift.

        :param joints: (N, P, 3), metres from the root, camera axes
        :param confidence: (N, P), 0 where a joint is unknown
        :return: the body after each correction, the last is the answer
        """
        trust = (confidence / SURE).clamp(0, 1).unsqueeze(-1)  # (N, P, 1)
        joints = joints * trust
        sure = confidence.unsqueeze(-1) * trust
        pelvis = rotation_from_6d(self.frame(torch.cat([joints, sure], -1).flatten(1)))
        target = joints @ pelvis  # pelvis axes: inverse rotation on row vectors
        depth = pelvis[:, 2]  # the camera's z axis, along which joints are least sure
        rotations, betas, offset = self._start(joints)
        lifted = self._pose(rotations, betas, offset)
        stages = []
        for step in range(self._settings.corrections):
            miss = (target - lifted.points) * trust
            correct = self.first if step == 0 else self.again
            seen = [target.flatten(1), 4 * miss.flatten(1), sure.flatten(1), depth]
            six = rotation_to_6d(rotations)
            change = correct(torch.cat([*seen, six.flatten(1), betas, offset], dim=1))
            turn, grow, move = change.split([six[0].numel(), betas.shape[1], 3], dim=1)
            rotations = rotation_from_6d(six + turn.unflatten(1, (-1, 6)))
            betas, offset = betas + grow, offset + 0.1 * move
            lifted = self._pose(rotations, betas, offset)
            stages.append(self._turned(lifted, pelvis))
        return stages

    def vertices(self, lifted: Lifted, some: Tensor | None = None) -> Tensor:
        """Surface of the bodies, or ``some`` of its vertices, relative to the root."""
        return self.body.skin(lifted.rotations, lifted.shift, lifted.betas, some)

    def _start(self, joints: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        bones, shapes = self._bodies
        like = joints[:, 0, :1] * 0  # keeps the batch axis symbolic in exports
        rotations = like[:, :, None, None] + self.identity.expand(bones, 3, 3)
        return rotations, like.expand(-1, shapes), like.expand(-1, 3)

    def _pose(self, rotations: Tensor, betas: Tensor, offset: Tensor) -> Lifted:
        """Bend the body in the pelvis' axes and put its root where the offset says."""
        joints, shift = self.body.joints(rotations, betas)
        points = self.points(rotations, shift, betas)
        move = offset.unsqueeze(1) - points.index_select(1, self.root).mean(1, keepdim=True)
        return Lifted(rotations, betas, shift + move, joints + move, points + move)

    @staticmethod
    def _turned(lifted: Lifted, frame: Tensor) -> Lifted:
        """From the pelvis' axes to the camera's."""
        back = frame.transpose(1, 2)
        return Lifted(
            frame.unsqueeze(1) @ lifted.rotations,
            lifted.betas,
            lifted.shift @ back,
            lifted.joints @ back,
            lifted.points @ back,
        )
