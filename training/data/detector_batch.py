"""What the detector learns from: whole pictures and the boxes of the people in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

SIZE = (320, 256)  # width and height of a picture


@dataclass(frozen=True, eq=False)
class DetectorBatch:
    """
    N pictures with at most M people each. Pixel centres are at whole numbers.

    :param image: (N, 3, H, W) uint8 RGB
    :param boxes: (N, M, 4) x and y of the top left and the bottom right corner, pixels; what
        the picture shows of a person, clipped to the picture
    :param valid: (N, M) bool: there is such a person
    :param ignore: (N, H, W) bool: here may be people without a box, or somebody too small or too
        hidden to ask for; neither a hit nor a miss counts
    :param real: (N,) bool: a photograph
    """

    image: Tensor
    boxes: Tensor
    valid: Tensor
    ignore: Tensor
    real: Tensor

    def __len__(self) -> int:
        return len(self.image)

    def to(self, device: torch.device | str) -> DetectorBatch:
        """The same on another device."""
        return self._each(lambda part: part.to(device, non_blocking=True))

    def mirrored(self, rows: Tensor) -> DetectorBatch:
        """Show pictures as in a mirror; ``rows`` (N,) bool says which."""
        last = self.image.shape[-1] - 1
        x0, y0, x1, y1 = self.boxes.unbind(-1)
        boxes = torch.stack([last - x1, y0, last - x0, y1], -1)
        return DetectorBatch(
            _chosen(rows, self.image.flip(-1), self.image),
            _chosen(rows, boxes, self.boxes),
            self.valid,
            _chosen(rows, self.ignore.flip(-1), self.ignore),
            self.real,
        )

    def __getitem__(self, rows: Tensor | slice) -> DetectorBatch:
        """Some of the pictures."""
        return self._each(lambda part: part[rows])

    def _each(self, change) -> DetectorBatch:
        return DetectorBatch(**{f.name: change(getattr(self, f.name)) for f in fields(self)})


def joined(batches: Sequence[DetectorBatch]) -> DetectorBatch:
    """Several batches as one; all of the same number of people at most."""
    parts = {f.name: [getattr(b, f.name) for b in batches] for f in fields(DetectorBatch)}
    return DetectorBatch(**{name: torch.cat(part) for name, part in parts.items()})


def _chosen(rows: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    return torch.where(rows.view(-1, *[1] * (yes.ndim - 1)), yes, no)
