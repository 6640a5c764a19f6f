"""
One image at several sizes, for reading it smaller than it is.

Bilinear reading looks at 2 x 2 pixels. Where a crop is more than twice smaller than what it
shows, pixels between are skipped and thin limbs and textures flicker (aliasing). So the image
is first shrunk by the largest power of two that still leaves it at least as fine as the crop;
each pixel of the shrunk image is the mean of the pixels it stands for. Powers of two because
OpenCV averages whole blocks many times faster than fractions, and because people of about the
same size then share one shrunk image.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def level_of(scale: float) -> int:
    """
    How often an image is to be halved before it is read.

    :param scale: pixels of the image per pixel of what is made from it
    """
    return max(0, int(np.floor(np.log2(max(scale, 1.0)))))


class Pyramid:
    """
    Shrunk versions of an image, made when first asked for.

    :param image: (H, W, 3) uint8
    """

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self._levels = {0: image}

    def for_scale(self, scale: float) -> NDArray[np.uint8]:
        """
        Return the version to read bilinearly.

        :param scale: pixels of the image per pixel of what is made from it
        """
        level = level_of(scale)
        if level not in self._levels:
            self._levels[level] = self._shrunk(level)
        return self._levels[level]

    def _shrunk(self, level: int) -> NDArray[np.uint8]:
        height, width = self._levels[0].shape[:2]
        size = (max(1, width >> level), max(1, height >> level))
        return cv2.resize(self._levels[0], size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
