"""
From a crop to a person: joints in its pixels, joints in metres, and how sure they are.

2D joints are peaks of heatmaps. For 3D there are several designs behind one interface, so that
they can be compared at equal samples; see `DESIGNS`. All give metres in the axes of the crop's
camera, for joints outside the crop too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from training.networks.blaze import BlazeSettings, BlazeTrunk
from training.networks.correction import Correction, Size
from training.networks.heatmaps import chances, mean_place, read_peaks, similar
from training.networks.trunk import STRIDE, ConvNorm, Features, Trunk, TrunkSettings

SPAN = 2.2  # metres; a person with arms or legs apart fits (MeTRAbs, section 3.2)
LEARNING = ('all', 'metres', 'size')  # in `Correction` and `Size`, the latter two
SURE, UNSURE = 0.3, 0.1  # confidence from which on a peak counts; below, the body's shape does


@dataclass(frozen=True)
class CropNetSettings:
    """
    Sizes of the network.

    :param side: of the crop, pixels, a multiple of 32
    :param design: how joints in metres are found, a key of `DESIGNS`
    :param depth_bins: layers of the metric volume (design 'volume')
    :param hidden: width of the fully connected part (designs 'regress' and 'mixed')
    :param correction: width of the hidden layers of `Correction`, 0 for none
    :param size: the same of `Size`, 0 for none; there is none without a correction
    :param learning: what does, one of `LEARNING`; all else stays as it is
    """

    side: int = 192
    design: str = 'peaks'
    trunk: TrunkSettings | BlazeSettings = field(default_factory=TrunkSettings)
    depth_bins: int = 8
    hidden: int = 256
    correction: int = 0
    size: int = 0
    learning: str = 'all'

    def __post_init__(self) -> None:
        if self.learning not in LEARNING:
            raise ValueError(f'learning must be one of {", ".join(LEARNING)}')


@dataclass(frozen=True, eq=False)
class Sight:
    """
    What the network says about N crops.

    :param heat: logits of the heatmaps, (N, J, H, W); (N, J, 0, 0) where nobody needs them
    :param peaks: what is read from them, pixels of the crop, (N, J, 2)
    :param joints2d: pixels of the crop, (N, J, 2); where the crop does not show a joint, where
        the joints in metres suggest it
    :param joints3d: metres from the mid-hip, axes of the crop's camera, (N, J, 3)
    :param confidence: logits, of a joint being inside and where the peak is, (N, J)
    :param score: logits, of a person being there, (N,)
    """

    heat: Tensor
    peaks: Tensor
    joints2d: Tensor
    joints3d: Tensor
    confidence: Tensor
    score: Tensor

    def __getitem__(self, rows: Tensor) -> Sight:
        """Of some of the crops."""
        return Sight(*(getattr(self, part.name)[rows] for part in fields(self)))


@dataclass(frozen=True, eq=False)
class Places:
    """
    What is known of N crops before joints in metres are.

    :param chance: of each cell of the heatmaps, (N, J, H * W)
    :param pooled: mean of the coarse features, (N, C)
    """

    chance: Tensor
    pooled: Tensor


class Volume(nn.Module):
    """Mean of a probability volume, metres on all sides (MeTRAbs, Sarandi et al. 2020)."""

    def __init__(self, joints: int, settings: CropNetSettings) -> None:
        super().__init__()
        self._shape = (joints, settings.depth_bins)
        self.maps = nn.Conv2d(settings.trunk.channels[1], joints * settings.depth_bins, 1)

    def forward(self, features: Features, places: Places) -> Tensor:
        """Joints in metres from any origin, (N, J, 3)."""
        maps = self.maps(features.middle).unflatten(1, self._shape)
        side = maps.shape[-1]
        chance = maps.flatten(2).float().softmax(-1).unflatten(2, (-1, side, side))
        across = _metres(side, chance)
        deep = _metres(self._shape[1], chance)
        x = (chance.sum(dim=(2, 3)) * across).sum(-1)
        y = (chance.sum(dim=(2, 4)) * across).sum(-1)
        z = (chance.sum(dim=(3, 4)) * deep).sum(-1)
        return torch.stack([x, y, z], dim=-1)


class Peaks(nn.Module):
    """
    What maps of metres say where the heatmap sees a joint (compare Mehta et al. 2017).

    Across, a map tells what the cell's place on a metric grid lacks to the joint, so that the
    heatmap places joints in 3D too. The metres that the grid spans come from the whole picture.
    """

    def __init__(self, joints: int, settings: CropNetSettings) -> None:
        super().__init__()
        self.maps = nn.Conv2d(settings.trunk.channels[0], 3 * joints, 1)
        self.span = nn.Linear(settings.trunk.channels[2], 1)
        nn.init.zeros_(self.span.weight)
        nn.init.zeros_(self.span.bias)

    def forward(self, features: Features, places: Places) -> Tensor:
        """Joints in metres from any origin, (N, J, 3)."""
        told = self.maps(features.fine).flatten(2).unflatten(1, (-1, 3)).float()
        metres = (told @ places.chance.unsqueeze(-1)).squeeze(-1)
        across = mean_place(places.chance, 1 / features.fine.shape[-1])  # about 0..1
        across = across * (SPAN * self.span(places.pooled).float().exp())[..., None]
        return torch.cat([metres[..., :2] + across, metres[..., 2:]], dim=-1)


class Regress(nn.Module):
    """Metres straight from the trunk's summary, or from the coarse features; no maps."""

    def __init__(self, joints: int, settings: CropNetSettings, outputs: int = 3) -> None:
        super().__init__()
        self._outputs = outputs
        coarse, cells = settings.trunk.channels[2], (settings.side // 32) ** 2
        self.sum_up = nn.Sequential()
        if not settings.trunk.summary:
            self.sum_up = nn.Sequential(
                ConvNorm(coarse, coarse // 6, size=1),
                nn.Flatten(),
                nn.Linear(cells * (coarse // 6), settings.hidden),
                nn.ReLU(),
            )
        self.last = nn.Linear(settings.trunk.summary or settings.hidden, outputs * joints)

    def forward(self, features: Features, places: Places) -> Tensor:
        """Joints in metres from any origin, (N, J, 3), or more columns if so made."""
        known = features.coarse if features.summary is None else features.summary
        return self.last(self.sum_up(known)).float().unflatten(1, (-1, self._outputs))


class Mixed(nn.Module):
    """Peaks where they are good and regression elsewhere, as the network thinks per joint."""

    def __init__(self, joints: int, settings: CropNetSettings) -> None:
        super().__init__()
        self.peaks = Peaks(joints, settings)
        self.regress = Regress(joints, settings, outputs=4)

    def forward(self, features: Features, places: Places) -> Tensor:
        """Joints in metres from any origin, (N, J, 3)."""
        guess = self.regress(features, places)
        share = guess[..., 3:].sigmoid()
        return share * self.peaks(features, places) + (1 - share) * guess[..., :3]


DESIGNS = {'volume': Volume, 'peaks': Peaks, 'regress': Regress, 'mixed': Mixed}


class CropNet(nn.Module):
    """
    Sees one person in a crop: a guess, joint by joint, and its correction by all of them.

    :param joints: how many
    :param root: joints whose mean is the origin of the metres
    """

    root: Tensor

    def __init__(self, joints: int, root: tuple[int, ...], settings: CropNetSettings) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer('root', torch.tensor(root), persistent=False)
        self.trunk = trunk_of(settings.trunk)
        self.heat = nn.Conv2d(settings.trunk.channels[0], joints, 1)
        self.metres = DESIGNS[settings.design](joints, settings)
        self.trust = nn.Linear(2 * settings.trunk.channels[2], joints + 1)
        self.correction: Correction | None = None
        self.size: Size | None = None
        channels = sum(settings.trunk.channels[:2])
        if settings.correction:
            self.correction = Correction(joints, channels, settings.correction, settings.side)
            if settings.size:
                self.size = Size(joints, channels, settings.size, settings.side)
        if self.settled:
            self.requires_grad_(False)
            self._learning.requires_grad_(True)
        self.train()  # so that what is settled rests in a fresh network, too

    @property
    def settled(self) -> bool:
        """Whether only a part learns; see `CropNetSettings.learning`."""
        return self.settings.learning != 'all'

    @property
    def _learning(self) -> nn.Module:
        """
        What learns.

        :raises ValueError: this network lacks it
        """
        metres = self.correction and self.correction.space
        part = {'all': self, 'metres': metres, 'size': self.size}[self.settings.learning]
        if part is None:
            raise ValueError(f'this network has nothing for {self.settings.learning} to learn')
        return part

    def train(self, mode: bool = True) -> CropNet:
        """Learn or not; what is settled does not take statistics of batches either."""
        super().train(mode and not self.settled)
        if self.settled:
            self._learning.train(mode)
        return self

    def forward(self, image: Tensor, intrinsics: Tensor | None = None) -> Sight:
        """
        See (N, 3, S, S), 0..255, as float.

        :param intrinsics: of the crops' cameras, pixels, (N, 3, 3); 0, or None for all, where they
            are not known
        """
        return self.read(self.trunk(image), intrinsics)

    def read(self, features: Features, intrinsics: Tensor | None = None) -> Sight:
        """Say what features of crops mean."""
        guess, chance = self.guess(features)
        if self.correction is None:
            return guess
        return self.corrected(guess, around(features, chance), intrinsics)

    def corrected(self, guess: Sight, shown: Tensor, intrinsics: Tensor | None = None) -> Sight:
        """
        Let all joints have their say.

        :param shown: see `around`
        """
        assert self.correction is not None
        joints2d, joints3d = self.correction(
            guess.joints2d, guess.joints3d, guess.confidence, shown
        )
        joints3d = self._from_root(joints3d)
        if self.size is not None and intrinsics is not None:
            factor = self.size(joints2d, joints3d, guess.confidence, shown, intrinsics)
            joints3d = factor * joints3d
        return replace(guess, joints2d=joints2d, joints3d=joints3d)

    def guess(self, features: Features) -> tuple[Sight, Tensor]:
        """Read each joint by itself; also the chance of each cell, (N, J, H * W)."""
        heat = self.heat(features.fine)
        chance = chances(heat)
        peaks, mass = read_peaks(chance, STRIDE)
        pooled, most = features.coarse.mean(dim=(2, 3)), features.coarse.amax(dim=(2, 3))
        trust = self.trust(torch.cat([pooled, most], dim=1)).float()
        confidence = trust[:, 1:] + 2 * torch.log(mass + 0.05)
        joints3d = self._from_root(self.metres(features, Places(chance, pooled)))
        joints2d = self._completed(peaks, joints3d, confidence.sigmoid())
        return Sight(heat, peaks, joints2d, joints3d, confidence, trust[:, 0]), chance

    def _from_root(self, joints3d: Tensor) -> Tensor:
        return joints3d - joints3d.index_select(1, self.root).mean(dim=1, keepdim=True)

    def _completed(self, peaks: Tensor, joints3d: Tensor, confidence: Tensor) -> Tensor:
        """Peaks, and where there are none what the joints in metres suggest."""
        prior = self.settings.side / SPAN
        fitted = similar(joints3d[..., :2], peaks, confidence.square(), prior)
        share = ((confidence - UNSURE) / (SURE - UNSURE)).clamp(0, 1).unsqueeze(-1)
        return share * peaks + (1 - share) * fitted


def around(features: Features, chance: Tensor) -> Tensor:
    """
    What the picture shows where joints probably are, finely and less finely.

    :param chance: of each cell of the fine features, (N, J, H * W)
    :return: (N, J, C)
    """
    side = features.fine.shape[-1]
    coarser = 4 * nn.functional.avg_pool2d(chance.unflatten(2, (side, side)), 2).flatten(2)
    both = zip((chance, coarser), (features.fine, features.middle))
    return torch.cat([c @ f.flatten(2).transpose(1, 2).float() for c, f in both], dim=-1)


def trunk_of(settings: TrunkSettings | BlazeSettings) -> nn.Module:
    """Make the trunk that settings describe."""
    return BlazeTrunk(settings) if isinstance(settings, BlazeSettings) else Trunk(settings)


def trunk_settings(told: dict[str, Any]) -> TrunkSettings | BlazeSettings:
    """Read settings that were kept with a checkpoint."""
    return BlazeSettings(**told) if told.get('kind') == 'blaze' else TrunkSettings(**told)


def told_of(settings: CropNetSettings) -> dict[str, Any]:
    """What is kept of settings with a checkpoint: all but what of the network may learn."""
    told = asdict(settings)
    told['trunk'].pop('frozen', None)
    told.pop('learning')
    for part in ('correction', 'size'):
        if not told[part]:
            told.pop(part)
    return told


def _metres(count: int, like: Tensor) -> Tensor:
    return (torch.arange(count, device=like.device) + 0.5) / count * SPAN
