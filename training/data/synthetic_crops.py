"""Crops of rendered people, put together anew for every batch."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from training.data.augment import RENDERED, UNTREATED, Treatment, treated
from training.data.backgrounds import Backgrounds
from training.data.crop_batch import CropBatch
from training.data.draws import Draws
from training.data.layer_set import LayerSet
from training.data.obstacles import Company, in_front
from training.data.views import STRAIGHT, Views, Wander, looking_at, regions, within
from training.data.warping import mapped, read_at

HIPS = (11, 12)  # of `BODY30`
COVERED = 0.5  # coverage by something in front from where a joint counts as hidden


@dataclass(frozen=True)
class CropMix:
    """How crops of rendered people vary."""

    wander: Wander = field(default_factory=Wander)
    company: Company = field(default_factory=Company)
    treatment: Treatment = RENDERED
    mirrored: float = 0.5


PLAIN = CropMix(STRAIGHT, Company(0, 0), UNTREATED, 0)


class SyntheticCrops:
    """
    Draws crops; the same generator state gives the same batch.

    :param layers: rendered people
    :param backgrounds: on the same device as the layers
    :param side: width and height of a crop, pixels
    """

    def __init__(
        self, layers: LayerSet, backgrounds: Backgrounds, side: int, mix: CropMix = CropMix()
    ) -> None:
        self.layers = layers
        self.side = side
        self._backgrounds = backgrounds.to(layers.device)
        self._mix = mix

    @torch.no_grad()
    def batch(self, count: int, generator: torch.Generator) -> CropBatch:
        """Draw ``count`` people."""
        rows = Draws(count, generator).rows(len(self.layers))
        return self.of(rows, generator)

    @torch.no_grad()
    def of(self, rows: Tensor, generator: torch.Generator) -> CropBatch:
        """Make crops of the layers with these numbers, (N,)."""
        draws = Draws(len(rows), generator, self.layers.device)
        here = rows.to(self.layers.device)
        layers, mix = self.layers, self._mix
        where = regions(layers.box[here], layers.open[here], draws, mix.wander)
        views = looking_at(where, layers.focal[here], layers.side, self.side)
        image, cover = self._picture(rows, views, where.angle, draws)
        batch = _labelled(layers, here, views, image, cover)
        return batch.mirrored(draws.chance(mix.mirrored))

    def _picture(
        self, rows: Tensor, views: Views, angle: Tensor, draws: Draws
    ) -> tuple[Tensor, Tensor]:
        """Pictures (N, 3, S, S) uint8 and what stands in front, (N, 1, S, S) 0 to 1."""
        place = mapped(views.to_layer, self.side, self.side)
        person = dyed(read_at(self.layers.pixels(rows), place), draws)
        behind = self._backgrounds.behind(draws, self.side, angle)
        back, front = in_front(self.layers, self._backgrounds, person, angle, draws,
                               self._mix.company)  # fmt: skip
        image = over(front, over(person, over(back, behind)))
        image = treated(image, draws, self._mix.treatment)
        # pixels that the photograph does not have are black at run time too
        image = image * within(views.frame, place)[:, None]
        return (image + 0.5).clamp_(0, 255).byte(), front[:, 3:] / 255


def over(top: Tensor, below: Tensor) -> Tensor:
    """Lay premultiplied pictures (N, 4, S, S) over others, (N, 3, S, S) or (N, 4, S, S)."""
    return top[:, : below.shape[1]] + below * (1 - top[:, 3:] / 255)


def dyed(people: Tensor, draws: Draws, spread: float = 0.22) -> Tensor:
    """Let people (N, 4, S, S) differ from the background in light and colour."""
    gain = (draws.normal(-0.05, spread, 1, 1, 1) + draws.normal(0, 0.07, 3, 1, 1)).exp()
    colour = torch.minimum(people[:, :3] * gain, people[:, 3:])
    return torch.cat([colour, people[:, 3:]], 1)


def _labelled(
    layers: LayerSet, here: Tensor, views: Views, image: Tensor, cover: Tensor
) -> CropBatch:
    count, side = len(here), image.shape[-1]
    points, pixels = views.seen(layers.joints[here])
    known = torch.isfinite(pixels).all(-1)
    pixels = torch.where(known[..., None], pixels, (side - 1) / 2)
    root = points[:, HIPS].mean(1)
    covered = read_at(cover, pixels[:, None])[:, 0, 0] > COVERED
    return CropBatch(
        image=image,
        joints2d=pixels,
        seen2d=known.float(),
        joints3d=points - root[:, None],
        seen3d=torch.ones_like(points[..., 0]),
        root=root,
        intrinsics=views.intrinsics,
        hidden=layers.hidden[here] | covered,
        swappable=torch.zeros(count, dtype=torch.bool, device=here.device),
        real=torch.zeros(count, dtype=torch.bool, device=here.device),
        source=here,
        turn=views.turn,
    )
