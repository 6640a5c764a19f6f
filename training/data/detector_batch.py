"""What the detector learns from: whole pictures and the boxes of the people in them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.data.rows import TensorRows, chosen

SIZE = (320, 256)  # width and height of a picture


@dataclass(frozen=True, eq=False)
class DetectorBatch(TensorRows):
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

    def mirrored(self, rows: Tensor) -> DetectorBatch:
        """Show pictures as in a mirror; ``rows`` (N,) bool says which."""
        last = self.image.shape[-1] - 1
        x0, y0, x1, y1 = self.boxes.unbind(-1)
        boxes = torch.stack([last - x1, y0, last - x0, y1], -1)
        return DetectorBatch(
            chosen(rows, self.image.flip(-1), self.image),
            chosen(rows, boxes, self.boxes),
            self.valid,
            chosen(rows, self.ignore.flip(-1), self.ignore),
            self.real,
        )
