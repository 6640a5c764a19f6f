"""
Where a crop looks: at somebody's box as a detector gives it, off by a little, sometimes by a lot.

A layer was taken by a camera that looks straight at a person. A crop's camera stands at the same
place, turned and zoomed. So each crop pixel lies at one pixel of the layer, by a homography, and
a joint in the layer's camera frame lies in the crop's after one rotation: labels stay exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.data.draws import Draws

MARGIN = 1.25  # side of a crop per longer side of the box, as in `mesh_pose_ros.pipeline.crops`
FAR = 1e4  # pixels; no border there


@dataclass(frozen=True)
class Wander:
    """
    How crops stray from the middle of the person; shares are of all crops.

    :param cut: for the left, top, right and bottom border of the photograph: share that it cuts
        through the person
    :param deepest: largest part of the box it cuts off there
    :param near: share in which a border is close, but cuts nothing off
    :param shift: standard deviation of the crop's place, per side of the crop
    :param zoom: standard deviation of the logarithm of the side
    :param roll: the same of the roll, radians
    :param tilted: share rolled by anything up to 0.8 radians
    :param tumbled: share rolled by anything at all
    :param closer: share that sees a part of the person only, without any border there
    """

    cut: tuple[float, float, float, float] = (0.07, 0.03, 0.07, 0.2)
    deepest: tuple[float, float, float, float] = (0.4, 0.3, 0.4, 0.55)
    near: float = 0.08
    shift: float = 0.04
    zoom: float = 0.11
    roll: float = 0.13
    tilted: float = 0.06
    tumbled: float = 0.015
    closer: float = 0.1


STRAIGHT = Wander((0, 0, 0, 0), (0, 0, 0, 0), 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Views:
    """
    N crops' cameras.

    :param turn: (N, 3, 3) layer camera axes -> crop camera axes
    :param intrinsics: (N, 3, 3) of the crop
    :param to_layer: (N, 3, 3) homography, crop pixels -> layer pixels
    :param frame: (N, 4) borders x0, y0, x1, y1 of the photograph, layer pixels
    """

    turn: Tensor
    intrinsics: Tensor
    to_layer: Tensor
    frame: Tensor

    def seen(self, joints: Tensor) -> tuple[Tensor, Tensor]:
        """
        Joints (N, J, 3) of the layer's camera in the crop's.

        :return: (N, J, 3) metres, and (N, J, 2) pixels, NaN behind the camera
        """
        points = joints @ self.turn.transpose(1, 2)
        depth = points[..., 2:]
        rays = points / torch.where(depth > 0.02, depth, torch.nan)
        return points, (rays @ self.intrinsics.transpose(1, 2))[..., :2]


@dataclass(frozen=True, eq=False)
class Regions:
    """
    Squares of N pictures.

    :param centre: (N, 2) pixels
    :param side: (N,) pixels
    :param angle: (N,) radians, clockwise
    :param frame: (N, 4) borders of the photograph that they are seen through, pixels
    """

    centre: Tensor
    side: Tensor
    angle: Tensor
    frame: Tensor


def regions(box: Tensor, cut_off: Tensor, draws: Draws, how: Wander) -> Regions:
    """
    Draw where to look.

    :param box: (N, 4) corners of what is seen of each person
    :param cut_off: (N, 4) bool: the picture ends at that side of the box, so a border must be
        there
    """
    frame = _frame(box, cut_off, draws, how)
    low = torch.maximum(box[:, :2], frame[:, :2])
    high = torch.minimum(box[:, 2:], frame[:, 2:])
    side = MARGIN * (high - low).amax(1) * (draws.normal(0, how.zoom) + how.zoom / 3).exp()
    centre = (low + high) / 2 + draws.normal(0, how.shift, 2) * side[:, None]
    closer = draws.chance(how.closer)
    side = torch.where(closer, side * draws.uniform(0.5, 0.85), side)
    inside = low + (high - low) * draws.uniform(0.25, 0.75, 2)
    centre = torch.where(closer[:, None], inside, centre)
    angle = draws.normal(0, how.roll)
    angle = torch.where(draws.chance(how.tilted), draws.uniform(-0.8, 0.8), angle)
    anything = draws.uniform(-torch.pi, torch.pi)
    angle = torch.where(draws.chance(how.tumbled), anything, angle)
    return Regions(centre, side.clamp_min(8), angle, frame)


def looking_at(where: Regions, focal: Tensor, layer_side: int, side: int) -> Views:
    """
    Turn cameras to regions of layers, as `Camera.looking_at` does.

    :param focal: (N,) of the layers, pixels
    :param layer_side: width and height of the layers
    :param side: of the crops
    """
    middle = (layer_side - 1) / 2
    rays = (where.centre - middle) / focal[:, None]
    turn = _towards(rays, where.angle)
    away = (1 + rays.square().sum(1)).sqrt()
    zoomed = focal * side / where.side * away
    intrinsics = _pinholes(zoomed, side)
    to_layer = _pinholes(focal, layer_side) @ turn.transpose(1, 2) @ torch.linalg.inv(intrinsics)
    return Views(turn, intrinsics, to_layer, where.frame)


def within(frame: Tensor, pixels: Tensor) -> Tensor:
    """Which pixels (N, h, w, 2) of the layers a photograph with these borders has, bool."""
    middle, half = (frame[:, :2] + frame[:, 2:]) / 2, (frame[:, 2:] - frame[:, :2]) / 2
    away = (pixels - middle[:, None, None]).abs() <= half[:, None, None]
    return away[..., 0] & away[..., 1]


def _frame(box: Tensor, cut_off: Tensor, draws: Draws, how: Wander) -> Tensor:
    """Borders of the photograph."""
    size = (box[:, 2:] - box[:, :2]).repeat(1, 2)
    inwards = box.new_tensor([1.0, 1.0, -1.0, -1.0])
    deep = draws.uniform(0.03, 1, 4) * box.new_tensor(how.deepest) * size
    cut = torch.stack([draws.chance(share) for share in how.cut], 1)
    gap = draws.uniform(0, 0.2, 4) * size.amax(1, keepdim=True)
    near = draws.chance(how.near, 4)
    away = torch.where(near, gap, FAR)
    # a layer that is cut off already loses no more than a little
    away = torch.where(cut_off, 0.0, away)
    deep = torch.where(cut_off, deep * 0.4, deep)
    return box + inwards * torch.where(cut, deep, -away)


def _towards(rays: Tensor, angle: Tensor) -> Tensor:
    """Make rays (N, 2) the axes of cameras, rolled; (N, 3, 3), see `Camera.looking_at`."""
    x, y = rays.unbind(1)
    forward = torch.stack([x, y, torch.ones_like(x)], 1)
    forward = forward / forward.norm(dim=1, keepdim=True)
    right = torch.stack([forward[:, 2], torch.zeros_like(x), -forward[:, 0]], 1)
    right = right / right.norm(dim=1, keepdim=True)
    down = torch.linalg.cross(forward, right)
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    return torch.stack([cos * right + sin * down, cos * down - sin * right, forward], 1)


def _pinholes(focal: Tensor, side: int) -> Tensor:
    """K of square pictures, (N, 3, 3)."""
    K = torch.zeros(len(focal), 3, 3, device=focal.device)
    K[:, 0, 0] = K[:, 1, 1] = focal
    K[:, :2, 2] = (side - 1) / 2
    K[:, 2, 2] = 1
    return K
