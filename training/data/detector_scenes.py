"""Rendered people set into pictures without people, for the detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from training.data.augment import RENDERED, Treatment, treated
from training.data.backgrounds import Backgrounds
from training.data.detector_batch import SIZE, DetectorBatch
from training.data.draws import Draws
from training.data.layer_set import LayerSet
from training.data.warping import mapped, read_at, similarity

MOST = 12  # people in a picture at the most


@dataclass(frozen=True)
class SceneMix:
    """
    Who is in a picture.

    :param crowd: chance of none, one, two ... people
    :param smallest, largest: pixels, longer side of a whole person's box
    :param close: share of people who are near and cut off by the lower border
    :param things: share of people with something in front of them
    :param asked: least longer side of a box to ask for, pixels
    :param unseen: people of whom less is seen are ignored
    """

    crowd: tuple[float, ...] = (0.12, 0.34, 0.22, 0.13, 0.1, 0.06, 0.03)
    smallest: float = 16.0
    largest: float = 250.0
    close: float = 0.3
    things: float = 0.25
    asked: float = 15.0
    unseen: float = 0.3
    treatment: Treatment = field(default_factory=lambda: RENDERED)
    mirrored: float = 0.5


@dataclass(eq=False)
class _Canvas:
    """One picture being put together; ``owner`` tells who is seen where, from 1."""

    image: Tensor
    owner: Tensor
    boxes: list[list[float]]
    within: list[int]  # pixels of each person inside the picture, seen or hidden


class DetectorScenes:
    """
    Draws pictures; the same generator state gives the same batch.

    :param layers: rendered people
    :param backgrounds: pictures without people, on the same device
    :param size: (width, height)
    """

    def __init__(
        self,
        layers: LayerSet,
        backgrounds: Backgrounds,
        size: tuple[int, int] = SIZE,
        mix: SceneMix = SceneMix(),
    ) -> None:
        self._layers = layers
        self._backgrounds = backgrounds.to(layers.device)
        self._size = size
        self._mix = mix
        cut_off = layers.open.cpu()
        self._whole = torch.nonzero(~cut_off.any(1))[:, 0]
        self._close = torch.nonzero(cut_off[:, 3] & ~cut_off[:, :3].any(1))[:, 0]

    @torch.no_grad()
    def batch(self, count: int, generator: torch.Generator) -> DetectorBatch:
        """Draw ``count`` pictures."""
        draws = Draws(count, generator, self._layers.device)
        images = self._behind(draws)
        canvases = [self._peopled(image, generator) for image in images]
        pictures = treated(torch.stack([c.image for c in canvases]), draws, self._mix.treatment)
        boxes, valid, ignore = zip(*(self._labels(c) for c in canvases))
        batch = DetectorBatch(
            (pictures + 0.5).clamp(0, 255).byte(),
            torch.stack(boxes),
            torch.stack(valid),
            torch.stack(ignore),
            torch.zeros(count, dtype=torch.bool, device=images.device),
        )
        return batch.mirrored(draws.chance(self._mix.mirrored))

    def _behind(self, draws: Draws) -> Tensor:
        """Pieces of backgrounds, (N, 3, H, W) float."""
        width, height = self._size
        images = self._backgrounds.images[draws.rows(len(self._backgrounds)).to(draws.device)]
        scale = draws.uniform(0.45, 1.0) * images.shape[-1] / width
        spare = torch.tensor([images.shape[-1] - 1.0, images.shape[-2] - 1.0], device=draws.device)
        at = spare * draws.uniform(0.3, 0.7, 2)
        middle = torch.tensor([(width - 1) / 2, (height - 1) / 2], device=draws.device)
        angle = draws.normal(0, 0.04)
        to_image = similarity(at, middle.expand_as(at), scale, angle)
        return read_at(images, mapped(to_image, height, width), border='reflection')

    def _peopled(self, image: Tensor, generator: torch.Generator) -> _Canvas:
        canvas = _Canvas(image, torch.zeros(image.shape[1:], dtype=torch.int32), [], [])
        canvas.owner = canvas.owner.to(image.device)
        crowd = torch.tensor(self._mix.crowd, dtype=torch.float32)
        people = int(torch.multinomial(crowd, 1, generator=generator))
        places = sorted((self._place(generator) for _ in range(people)), key=lambda p: p[1])
        for row, scale, left, top in places:
            self._add(canvas, row, scale, left, top, generator)
            if torch.rand((), generator=generator) < self._mix.things:
                self._block(canvas, generator)
        return canvas

    def _place(self, generator: torch.Generator) -> tuple[int, float, float, float]:
        """A layer, its pixels' size, and where its box begins (left, top), pixels."""
        mix, (width, height) = self._mix, self._size
        one, two, three, near, pick = torch.rand(5, generator=generator).tolist()
        close = near < mix.close and len(self._close) > 0
        rows = self._close if close else self._whole
        row = int(rows[int(pick * len(rows))])
        x0, y0, x1, y1 = self._layers.box[row].tolist()
        low = 70.0 if close else mix.smallest
        longest = low * (mix.largest / low) ** (one if close else one**0.8)
        scale = longest / max(x1 - x0, y1 - y0)
        wide, high = scale * (x1 - x0), scale * (y1 - y0)
        left = -0.35 * wide + two * (width - 0.3 * wide)
        if close:
            top = height - high * (1 - 0.25 * three)
        else:
            # who is nearer stands lower in the picture, on the whole
            foot = height * (0.45 + 0.45 * three) + 0.35 * high
            top = min(foot, height + 0.4 * high) - high
        return row, scale, left, top

    def _add(
        self, canvas: _Canvas, row: int, scale: float, left: float, top: float,
        generator: torch.Generator,
    ) -> None:  # fmt: skip
        """Paste somebody and note their box."""
        x0, y0, x1, y1 = (self._layers.box[row] + 0.5).round().int().tolist()
        pixels = self._layers.pixels(torch.tensor([row]))[:, :, max(y0, 0) : y1, max(x0, 0) : x1]
        size = [max(2, round(scale * n)) for n in pixels.shape[-2:]]
        person = interpolate(pixels.float(), size, mode='bilinear', antialias=True)[0]
        gain = torch.exp(torch.randn(4, generator=generator) * torch.tensor([0.08] * 3 + [0.22]))
        gain = (gain[:3] * gain[3]).view(3, 1, 1).to(person.device)
        person[:3] = torch.minimum(person[:3] * gain, person[3:])
        meet = _overlap(canvas.image.shape[1:], person.shape[1:], round(top), round(left))
        if meet is None:
            return
        here, part = meet
        person = person[:, part[0], part[1]]
        spot = canvas.image[:, here[0], here[1]]
        spot *= 1 - person[3] / 255
        spot += person[:3]
        mask = person[3] > 127
        box = _box(mask, here[1].start, here[0].start)
        if box is None:
            return
        canvas.boxes.append(box)
        canvas.within.append(int(mask.sum()))
        canvas.owner[here[0], here[1]][mask] = len(canvas.boxes)

    def _block(self, canvas: _Canvas, generator: torch.Generator) -> None:
        """Cover part of the picture with a piece of another background."""
        height, width = canvas.image.shape[1:]
        share = torch.rand(5, generator=generator)
        high, wide = int(8 + share[0] * 0.3 * height), int(8 + share[1] * 0.25 * width)
        v, u = int(share[2] * (height - 8)), int(share[3] * (width - 8))
        look = self._backgrounds.images[int(share[4] * len(self._backgrounds))]
        piece = look[:, v : v + high, u : u + wide].float()
        # always at the feet of somebody: in front of people stand low things, mostly
        v = min(height - 1, v + height // 4)
        meet = _overlap((height, width), piece.shape[1:], v, u)
        if meet is not None:
            here, part = meet
            canvas.image[:, here[0], here[1]] = piece[:, part[0], part[1]]
            canvas.owner[here[0], here[1]] = 0

    def _labels(self, canvas: _Canvas) -> tuple[Tensor, Tensor, Tensor]:
        """Boxes (MOST, 4), valid (MOST,) and ignore (H, W) of a picture."""
        device = canvas.image.device
        boxes = torch.zeros(MOST, 4)
        valid = torch.zeros(MOST, dtype=torch.bool)
        ignore = torch.zeros(canvas.owner.shape, dtype=torch.bool, device=device)
        seen = torch.bincount(canvas.owner.flatten(), minlength=len(canvas.boxes) + 1).tolist()
        for index, box in enumerate(canvas.boxes[:MOST]):
            boxes[index] = torch.tensor(box)
            x0, y0, x1, y1 = box
            enough = seen[index + 1] > self._mix.unseen * canvas.within[index]
            valid[index] = enough and max(x1 - x0, y1 - y0) >= self._mix.asked
            if not valid[index]:  # what little is seen of them is nobody's background
                ignore |= canvas.owner == index + 1
        return boxes.to(device), valid.to(device), ignore


def _overlap(
    canvas: Sequence[int], piece: Sequence[int], top: int, left: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """Rows and columns (of the canvas, of the piece) where the two meet."""
    here, part = [], []
    for start, length, whole in ((top, piece[0], canvas[0]), (left, piece[1], canvas[1])):
        low, high = max(start, 0), min(start + length, whole)
        if low >= high:
            return None
        here.append(slice(low, high))
        part.append(slice(low - start, high - start))
    return (here[0], here[1]), (part[0], part[1])


def _box(mask: Tensor, left: int, top: int) -> list[float] | None:
    """Corners of what a mask (h, w) shows, pixels."""
    u = torch.nonzero(mask.any(0))[:, 0].tolist()
    v = torch.nonzero(mask.any(1))[:, 0].tolist()
    if not u:
        return None
    return [u[0] + left - 0.5, v[0] + top - 0.5, u[-1] + left + 0.5, v[-1] + top + 0.5]
