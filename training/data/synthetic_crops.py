"""Crops of rendered people, put together anew for every batch."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from training.data.ages import CHILDREN, is_child
from training.data.augment import RENDERED, UNTREATED, Treatment, treated
from training.data.backgrounds import Backgrounds
from training.data.crop_batch import CropBatch
from training.data.draws import Draws
from training.data.layer_set import LayerSet
from training.data.obstacles import Company, others, over, things
from training.data.rows import joined
from training.data.views import STRAIGHT, Views, Wander, looking_at, regions, within
from training.data.warping import mapped, read_at

HIPS = (11, 12)  # of `BODY30`
CACHED = 16  # crops made at once on a CPU; more would not stay in its cache
COVERED = 0.5  # coverage by something in front from where a joint counts as hidden


@dataclass(frozen=True)
class CropMix:
    """How crops of rendered people vary."""

    wander: Wander = field(default_factory=Wander)
    company: Company = field(default_factory=Company)
    treatment: Treatment = RENDERED
    mirrored: float = 0.5
    children: float = CHILDREN  # share of them, where layers show both them and adults


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
        child = is_child(layers.betas.cpu())
        self._ages = ((~child).nonzero()[:, 0], child.nonzero()[:, 0])

    @torch.no_grad()
    def batch(self, count: int, generator: torch.Generator) -> CropBatch:
        """Draw ``count`` people."""
        return self.of(self._rows(Draws(count, generator)), generator)

    @torch.no_grad()
    def of(self, rows: Tensor, generator: torch.Generator) -> CropBatch:
        """Make crops of the layers with these numbers, (N,)."""
        size = len(rows) if self.layers.device.type != 'cpu' else CACHED
        return joined([self._some(part, generator) for part in rows.split(max(1, size))])

    def _rows(self, draws: Draws) -> Tensor:
        adults, children = self._ages
        if not len(adults) or not len(children):
            return draws.rows(len(self.layers))
        young = draws.chance(self._mix.children)
        rows = adults[draws.rows(len(adults))], children[draws.rows(len(children))]
        return torch.where(young, rows[1], rows[0])

    def _some(self, rows: Tensor, generator: torch.Generator) -> CropBatch:
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
        company = self._mix.company
        place = mapped(views.to_layer, self.side, self.side)
        person = dyed(read_at(self.layers.pixels(rows), place), draws)
        image = self._backgrounds.behind(draws, self.side, angle)
        somebody = others(self.layers, person, angle, draws, company.others)
        nearer = draws.chance(0.5)[somebody.rows]
        somebody[~nearer].laid_over(image)
        image = over(person, image)
        cover = torch.zeros_like(person[:, :1])
        thing = things(self._backgrounds, angle, self.side, draws, company.things)
        for front in (somebody[nearer], thing):
            # together they may cover more, but mostly do not
            left = front.leaving(company.most, person)
            left.laid_over(image)
            cover[left.rows] = torch.maximum(cover[left.rows], left.pixels[:, 3:] / 255)
        image = treated(image, draws, self._mix.treatment)
        # pixels that the photograph does not have are black at run time too
        image = image * within(views.frame, place)[:, None]
        return (image + 0.5).clamp_(0, 255).byte(), cover


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
