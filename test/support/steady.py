"""Networks that say the same of every crop, for tests of what comes after them."""

from dataclasses import fields, is_dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from training.networks.hand4whole import Hand4Whole, Hand4WholeSettings, WholeBody
from training.networks.pose2pose import PartPose, Pose2Pose, Pose2PoseSettings
from training.networks.smplx_layer import SmplxPose

UPRIGHT = (np.pi, 0.0, 0.0)  # from a body's axes, y up, to a camera's, y down, facing it


def repeated(said, image: Tensor):
    """What is said of one crop, for all of a batch."""
    if is_dataclass(said):
        return replace(
            said, **{f.name: repeated(getattr(said, f.name), image) for f in fields(said)}
        )
    nothing = image.mean(dim=(1, 2, 3)) * 0
    return said + nothing.view(-1, *[1] * (said.ndim - 1))


class SteadyWhole(Hand4Whole):
    """Sees the same whole body everywhere."""

    def __init__(self, said: WholeBody):
        nn.Module.__init__(self)
        self.settings, self.said = Hand4WholeSettings(), said

    def forward(self, image: Tensor) -> WholeBody:
        return repeated(self.said, image)


class SteadyPart(Pose2Pose):
    """Sees the same body or hand everywhere."""

    def __init__(self, said: PartPose, settings: Pose2PoseSettings):
        nn.Module.__init__(self)
        self.settings, self.said = settings, said

    def forward(self, image: Tensor) -> PartPose:
        return repeated(self.said, image)


def whole_body(generator: torch.Generator, depth: float = 30.0) -> WholeBody:
    """Some body that stands before the camera."""

    def drawn(*shape, scale=1.0):
        return torch.rand(1, *shape, generator=generator) * scale

    pose = SmplxPose(
        torch.tensor([UPRIGHT]), drawn(21, 3, scale=0.2), drawn(3, scale=0.2),
        drawn(15, 3, scale=0.4), drawn(15, 3, scale=0.4),
    )  # fmt: skip
    return WholeBody(
        drawn(65, 3) * torch.tensor([5.0, 7, 7]),
        torch.tensor([[[40.0, 50, 90, 100], [300, 60, 350, 110], [150, 20, 230, 100]]]),
        pose,
        drawn(10),
        drawn(10),
        torch.tensor([[0.1, -0.05, depth]]),
    )


def part_pose(
    generator: torch.Generator, settings: Pose2PoseSettings, depth: float = 30.0
) -> PartPose:
    """Some body or hand, its root upright."""
    count = 1 + settings.bones
    pose = torch.rand(1, count, 3, generator=generator) * 0.3
    pose[0, 0] = torch.tensor(UPRIGHT)
    cells = torch.tensor([settings.width / 32, settings.height / 32, 8]) - 1
    return PartPose(
        torch.rand(1, settings.joints, 3, generator=generator) * cells,
        torch.zeros(1, 6 * count),
        torch.cat([pose, torch.zeros(1, settings.still, 3)], dim=1),
        torch.rand(1, settings.betas, generator=generator),
        torch.tensor([[0.03, -0.02, depth]]),
    )
