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


@dataclass(frozen=True, eq=False)
class Patches:
    """
    What is added to some of N crops.

    :param rows: (K,) to which
    :param pixels: (K, 4, S, S) premultiplied, 0 to 255
    """

    rows: Tensor
    pixels: Tensor

    def __getitem__(self, kept: Tensor) -> Patches:
        """Some of them, by a (K,) mask."""
        return Patches(self.rows[kept], self.pixels[kept])

    def laid_over(self, images: Tensor) -> None:
        """Draw over (N, 3, S, S), in place."""
        images[self.rows] = over(self.pixels, images[self.rows])

    def leaving(self, most: float, people: Tensor) -> Patches:
        """Those that cover no more than a part of the people (N, 4, S, S) of their crops."""
        seen = people[self.rows, 3]
        covered = (seen * self.pixels[:, 3]).sum((1, 2)) / 255
        return self[covered <= most * seen.sum((1, 2))]


def over(top: Tensor, below: Tensor) -> Tensor:
    """Lay premultiplied pictures (N, 4, S, S) over others, (N, 3, S, S)."""
    return torch.addcmul(top[:, :3] + below, below, top[:, 3:], value=-1 / 255)


def others(layers: LayerSet, person: Tensor, angle: Tensor, draws: Draws, share: float) -> Patches:
    """
    A second person beside some.

    :param person: (N, 4, S, S) the people themselves
    :param angle: (N,) roll of the crops
    """
    side = person.shape[-1]
    rows = draws.rows(len(layers))
    here = rows.to(layers.device)
    to_layer = _beside(layers, here, person, angle, draws)
    # who is cut off elsewhere than at the bottom would end in the middle of nowhere
    some = draws.chance(share) & ~layers.open[here][:, :3].any(1)
    some = torch.nonzero(some)[:, 0]
    gain = draws.normal(0, 0.25, 1, 1, 1).exp()[some]
    if not len(some):
        return Patches(some, person[:0])
    pixels = read_at(layers.pixels(rows[some.cpu()]), mapped(to_layer[some], side, side))
    pixels[:, :3] = torch.minimum(pixels[:, :3] * gain, pixels[:, 3:])
    return Patches(some, pixels)


def things(
    backgrounds: Backgrounds, angle: Tensor, side: int, draws: Draws, share: float
) -> Patches:
    """Boards, poles, balls and table tops with the look of other backgrounds, before some."""
    some = torch.nonzero(draws.chance(share))[:, 0]
    draws = Draws(len(some), draws.generator, draws.device)
    angle = angle[some]
    if not len(some):
        return Patches(some, torch.zeros(0, 4, side, side, device=angle.device))
    look = backgrounds.behind(draws, side, angle + draws.uniform(-0.5, 0.5))
    look = (look * draws.normal(0, 0.3, 1, 1, 1).exp()).clamp_(0, 255)
    cover = _shapes(angle, side, draws)[:, None]
    return Patches(some, torch.cat([look * cover, 255 * cover], 1))


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


def _beside(layers: LayerSet, here: Tensor, person: Tensor, angle: Tensor, draws: Draws) -> Tensor:
    """Homographies from crops to layers (N,) that stand somewhere beside the people, (N, 3, 3)."""
    side = person.shape[-1]
    middle, size = extent(person)
    box = layers.box[here]
    height = (box[:, 3] - box[:, 1]).clamp_min(8)
    scale = size[:, 1] / height * draws.normal(0.05, 0.3).exp()
    sideways = draws.uniform(0.35, 1.0) * torch.where(draws.chance(0.5), 1.0, -1.0)
    width = (size[:, 0] + scale * (box[:, 2] - box[:, 0])) / 2
    across, down = sideways * width, draws.normal(0, 0.1) * size[:, 1]
    # what is cut off at the bottom must end at the bottom of the picture
    low = (side - 1 - middle[:, 1]) - scale * height / 2
    down = torch.where(layers.open[here][:, 3], torch.maximum(down, low), down)
    centre = (box[:, :2] + box[:, 2:]) / 2
    place = middle + torch.stack([across, down], 1)
    return similarity(centre, place, 1 / scale, angle + draws.normal(0, 0.05))


def _shapes(angle: Tensor, side: int, draws: Draws) -> Tensor:
    """Masks (N, side, side) of things, 0 or 1."""
    centre = draws.uniform(0.1, 0.9, 2) * side
    half = draws.uniform(0.03, 0.28, 2) * side
    kind = draws.uniform()
    pole, table = kind < 0.25, kind > 0.75
    half[:, 0] = torch.where(pole, half[:, 0] * 0.25, half[:, 0])
    half[:, 1] = torch.where(pole, half[:, 1] + 0.5 * side, half[:, 1])
    half[:, 0] = torch.where(table, side * draws.uniform(0.3, 1.0), half[:, 0])
    low = side * draws.uniform(0.6, 1.0) + half[:, 1]
    centre[:, 1] = torch.where(table, low, centre[:, 1])
    roll = angle + torch.where(pole | table, 0.1, 1.0) * draws.normal(0, 0.5)
    own = similarity(torch.zeros_like(centre), centre, torch.ones_like(roll), roll)
    away = (mapped(own, side, side) / half[:, None, None]).square()
    rounded = draws.chance(0.3)[:, None, None, None]
    # a rounded rectangle, or an ellipse
    away = torch.where(rounded, away, away.square().square())
    return (away.sum(-1) < 1).float()
