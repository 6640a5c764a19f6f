"""
What cameras, lenses and networks do to a picture, on batches and on any device.

Pictures are float (N, 3, H, W), 0 to 255. What is cheap is drawn for each picture; resolution
and compression for each of a few groups of pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from training.data.draws import Draws
from training.data.jpeg import compressed

LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Treatment:
    """
    How roughly pictures are treated; shares are of all pictures or groups.

    :param exposure: standard deviation of the logarithm of brightness
    :param tint: the same of each channel
    :param contrast: the same of the spread of values
    :param saturation: how far colours may become paler or stronger
    :param grey: share without colour
    :param coarse: share seen at a lower resolution, down to ``coarsest`` of the full one
    :param smeared: share blurred by motion, up to ``smear`` pixels
    :param grain: mean standard deviation of noise, grey levels
    :param packed: share compressed as JPEG, qualities from ``worst`` to 95
    :param groups: how many groups a batch is cut into
    """

    exposure: float = 0.28
    tint: float = 0.07
    contrast: float = 0.2
    saturation: float = 0.35
    grey: float = 0.06
    coarse: float = 0.55
    coarsest: float = 0.3
    smeared: float = 0.08
    smear: float = 9.0
    grain: float = 3.5
    packed: float = 0.6
    worst: float = 25.0
    groups: int = 4


RENDERED = Treatment()  # for pictures that come from no camera
PHOTOGRAPHED = Treatment(exposure=0.2, tint=0.04, contrast=0.15, coarse=0.25, coarsest=0.45,
                         smeared=0.04, grain=1.5, packed=0.25, worst=35.0)  # fmt: skip

UNTREATED = Treatment(exposure=0, tint=0, contrast=0, saturation=0, grey=0, coarse=0,
                      smeared=0, grain=0, packed=0)  # fmt: skip


def treated(images: Tensor, draws: Draws, how: Treatment = RENDERED) -> Tensor:
    """Send pictures (N, 3, H, W) float through a camera each; values stay within 0 to 255."""
    images = _smeared(images, draws, how)
    images = by_groups(images, how.groups, lambda part: _coarse(part, draws, how))
    images = recoloured(images, draws, how)
    grain = draws.uniform(0, 2 * how.grain, 1, 1, 1) * draws.uniform(0, 1, 1, 1, 1)
    images = draws.noise(*images.shape[1:]).mul_(grain).add_(images).clamp_(0, 255)
    return by_groups(images, how.groups, lambda part: _packed(part, draws, how))


def recoloured(images: Tensor, draws: Draws, how: Treatment) -> Tensor:
    """Change brightness, contrast and white balance; take colour from some."""
    gain = (draws.normal(0, how.exposure, 1, 1, 1) + draws.normal(0, how.tint, 3, 1, 1)).exp()
    spread = draws.normal(0, how.contrast, 1, 1, 1).exp()
    channels = images.mean((2, 3), keepdim=True) * gain
    middle = channels.mean(1, keepdim=True)
    # brightness and contrast at once: middle + (gain * image - middle) * spread
    images = torch.addcmul(middle * (1 - spread), images, gain * spread).clamp_(0, 255)
    colour = 1 + how.saturation * draws.uniform(-1, 0.85, 1, 1)
    colour = torch.where(draws.chance(how.grey, 1, 1), 0.0, colour)
    luma = torch.tensor(LUMA, device=images.device).expand(3, 3)
    mix = luma + (torch.eye(3, device=images.device) - luma) * colour
    return (mix @ images.flatten(2)).view(images.shape)


def by_groups(images: Tensor, groups: int, change) -> Tensor:
    """Apply a change that draws its own strength to one group of pictures after the other."""
    size = max(1, -(-len(images) // groups))
    return torch.cat([change(part) for part in images.split(size)])


def _coarse(images: Tensor, draws: Draws, how: Treatment) -> Tensor:
    """As if the person had been further away: fewer pixels, then as many as before."""
    share, scale = draws.number(0, 1), draws.number(how.coarsest, 1.0)
    if share > how.coarse:
        return images
    size = [max(8, round(length * scale)) for length in images.shape[-2:]]
    small = interpolate(images, size, mode='bilinear', antialias=True)
    return interpolate(small, images.shape[-2:], mode='bilinear')


def _packed(images: Tensor, draws: Draws, how: Treatment) -> Tensor:
    share, quality = draws.number(0, 1), draws.number(how.worst, 95)
    return images if share > how.packed else compressed(images, quality)


def _smeared(images: Tensor, draws: Draws, how: Treatment) -> Tensor:
    """Move some pictures while the shutter is open."""
    moved = torch.nonzero(draws.chance(how.smeared))[:, 0]
    length = draws.uniform(1.5, how.smear)
    angle = draws.uniform(0, torch.pi)
    images = images.clone()
    for row in moved.tolist():
        step = length[row] * torch.stack([angle[row].cos(), angle[row].sin()])
        images[row] = _dragged(images[row], step.tolist())
    return images


def _dragged(image: Tensor, step: list[float], taps: int = 5) -> Tensor:
    shifts = [(round(step[1] * t), round(step[0] * t)) for t in _taps(taps)]
    return torch.stack([image.roll(shift, (1, 2)) for shift in shifts]).mean(0)


@lru_cache(maxsize=4)
def _taps(count: int) -> tuple[float, ...]:
    return tuple(torch.linspace(-0.5, 0.5, count).tolist())
