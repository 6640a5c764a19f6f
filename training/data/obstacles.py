"""Other people and things in a crop, behind the person or in front."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.data.backgrounds import Backgrounds
from training.data.draws import Draws
from training.data.layer_set import LayerSet
from training.data.warping import mapped, read_at, similarity


@dataclass(frozen=True)
class Company:
    """
    Who and what else is in a crop.

    :param others: share of crops with a second person
    :param things: share with a thing in front
    :param most: largest part of the person that may be covered
    """

    others: float = 0.35
    things: float = 0.3
    most: float = 0.55


def in_front(
    layers: LayerSet,
    backgrounds: Backgrounds,
    person: Tensor,
    angle: Tensor,
    draws: Draws,
    how: Company,
) -> tuple[Tensor, Tensor]:
    """
    Draw company for people.

    :param person: (N, 4, S, S) premultiplied, 0 to 255
    :param angle: (N,) roll of the crops
    :return: what is behind and what is in front of them, (N, 4, S, S) premultiplied
    """
    nothing = torch.zeros_like(person)
    behind, front = nothing, nothing.clone()
    pick = draws.chance(how.others)
    nearer = draws.chance(0.5)
    other = _others(layers, person, angle, draws, pick)
    kept = fitting(other, person, how.most) & nearer
    behind = torch.where((pick & ~nearer)[:, None, None, None], other, behind)
    front = torch.where((pick & kept)[:, None, None, None], other, front)
    pick = draws.chance(how.things)
    things = _things(backgrounds, person.shape[-1], angle, draws, pick)
    pick &= fitting(things + front, person, how.most)
    things = torch.where(pick[:, None, None, None], things, nothing)
    return behind, things + front * (1 - things[:, 3:] / 255)


def fitting(front: Tensor, person: Tensor, most: float) -> Tensor:
    """Which of the people are covered by no more than a part, (N,) bool."""
    seen = person[:, 3]
    covered = (seen * front[:, 3].clamp_max(255) / 255).sum((1, 2))
    return covered <= most * seen.sum((1, 2))


def extent(person: Tensor) -> tuple[Tensor, Tensor]:
    """Middle (N, 2) and size (N, 2) of what is seen, pixels of the crop."""
    mask = person[:, 3] > 100
    found = []
    for axis in (1, 2):
        line = mask.any(axis)
        last = line.shape[1] - 1
        low = line.float().argmax(1)
        high = last - line.flip(1).float().argmax(1)
        found.append(torch.stack([low, high], 1).float())
    low, high = torch.stack(found, 1).unbind(2)
    return (low + high) / 2, (high - low).clamp_min(8)


def _others(layers: LayerSet, person: Tensor, angle: Tensor, draws: Draws, pick: Tensor) -> Tensor:
    """A second person beside each of the picked, (N, 4, S, S)."""
    side = person.shape[-1]
    rows = draws.rows(len(layers))
    here = rows.to(layers.device)
    middle, size = extent(person)
    box = layers.box[here]
    height = (box[:, 3] - box[:, 1]).clamp_min(8)
    scale = size[:, 1] / height * draws.normal(0.05, 0.3).exp()
    sideways = draws.uniform(0.35, 1.0) * torch.where(draws.chance(0.5), 1.0, -1.0)
    width = (size[:, 0] + scale * (box[:, 2] - box[:, 0])) / 2
    shift = torch.stack([sideways * width, draws.normal(0, 0.1) * size[:, 1]], 1)
    # what is cut off at the bottom must end at the bottom of the picture
    low = (side - 1 - middle[:, 1]) - scale * height / 2
    shift[:, 1] = torch.where(
        layers.open[here][:, 3], torch.maximum(shift[:, 1], low), shift[:, 1]
    )
    roll = angle + draws.normal(0, 0.05)
    centre = (box[:, :2] + box[:, 2:]) / 2
    to_layer = similarity(centre, middle + shift, 1 / scale, roll)
    usable = ~layers.open[here][:, :3].any(1) & pick
    out = torch.zeros_like(person)
    some = torch.nonzero(usable)[:, 0]
    if len(some):
        place = mapped(to_layer[some], side, side)
        out[some] = read_at(layers.pixels(rows[some.cpu()]), place)
    gain = draws.normal(0, 0.25, 1, 1, 1).exp()
    out[:, :3] = torch.minimum(out[:, :3] * gain, out[:, 3:])
    return out


def _things(
    backgrounds: Backgrounds, side: int, angle: Tensor, draws: Draws, pick: Tensor
) -> Tensor:
    """Boards, poles, balls and table tops with the look of other backgrounds, (N, 4, S, S)."""
    look = backgrounds.behind(draws, side, angle + draws.uniform(-0.5, 0.5))
    look = (look * draws.normal(0, 0.3, 1, 1, 1).exp()).clamp(0, 255)
    centre = draws.uniform(0.1, 0.9, 2) * side
    half = draws.uniform(0.03, 0.28, 2) * side
    pole = draws.chance(0.25)
    half[:, 0] = torch.where(pole, half[:, 0] * 0.25, half[:, 0])
    half[:, 1] = torch.where(pole, half[:, 1] + 0.5 * side, half[:, 1])
    table = draws.chance(0.3) & ~pole
    half[:, 0] = torch.where(table, side * draws.uniform(0.3, 1.0), half[:, 0])
    centre[:, 1] = torch.where(table, side * draws.uniform(0.6, 1.0) + half[:, 1], centre[:, 1])
    roll = angle + torch.where(pole | table, 0.1, 1.0) * draws.normal(0, 0.5)
    own = similarity(torch.zeros_like(centre), centre, torch.ones_like(roll), -roll)
    x, y = (mapped(own, side, side) / half[:, None, None]).unbind(-1)
    power = torch.where(draws.chance(0.3), 2.0, 8.0)[:, None, None]
    # 1 inside a rounded rectangle or an ellipse
    inside = (x.abs().clamp_max(3) ** power + y.abs().clamp_max(3) ** power) < 1
    cover = (inside & pick[:, None, None])[:, None] * 255.0
    return torch.cat([look * cover / 255, cover], 1)
