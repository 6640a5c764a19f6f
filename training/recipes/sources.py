"""Where a training run finds what it learns from: paths, given once on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.data.backgrounds import Backgrounds
from training.data.crops import SyntheticCrops
from training.data.layer_set import LayerSet

SCENERY = 96  # rendered backgrounds


@dataclass(frozen=True)
class Sources:
    """
    What image recipes learn from; a path that is None is left out.

    :param layers: synthetic people, made by ``python -m training.synthetic.layers``
    :param photos: folder of photographs and annotations
    :param pack: both in few files, made by ``python -m training.data.pack``, instead of the above
    :param device: where crops are put together
    """

    layers: Path | None = None
    photos: Path | None = None
    pack: Path | None = None
    device: str = 'cpu'

    def crops(self, side: int, photographs: float, line: str) -> Any:
        """
        Crops of people, see `training.data.crops`.

        :param photographs: share of them
        :param line: 'research' for all photographs, 'permissive' for those with a free licence
        """
        assert self.layers is not None
        layers = LayerSet(self.layers, device=self.device)
        return SyntheticCrops(layers, Backgrounds.rendered(SCENERY), side)

    def pictures(self, size: tuple[int, int], photographs: float, line: str) -> Any:
        """
        Whole pictures with boxes, see `training.data.detection`.

        :param size: width and height, pixels
        """
        raise NotImplementedError
