"""
Crops as the networks of Moon et al. were trained with them: upright rectangles of the image.

Number for number those of their papers of 2019, 2020 (with Lee) and 2022 (with Choi), whose boxes
are grown to the crop's aspect and then by a margin. `geometry.camera` has crops that are cameras;
`FlatCrop.intrinsics` makes one of these.

Boxes are x, y of the upper left corner, width, height, in pixels. A crop's affine maps are exact
at three points: the box's middle goes to the middle of the crop, width / 2 and height / 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]
Size = tuple[int, int]  # width, height

MARGIN = 1.25  # sides of the crop per side of the grown box
SPAN = 2.0  # metres, side of the square that a person is taken for


class EmptyBoxError(ValueError):
    """A box has no part in the image."""


def grown_box(box: ArrayLike, image: Size, crop: Size, margin: float = MARGIN) -> Array:
    """
    Grow a person's box to what the network shall see.

    Where a box begins outside the image it is moved in, not cut, and it loses its last row and
    column: so the networks were trained.

    :param box: (4,)
    :param image: size of the image
    :param crop: size of the crop, for its aspect
    :return: (4,), may reach beyond the image
    :raises EmptyBoxError: nothing of the box is in the image
    """
    x, y, width, height = np.asarray(box, dtype=float)
    low = np.maximum([x, y], 0)
    high = np.minimum(np.subtract(image, 1), low + np.maximum([width - 1, height - 1], 0))
    extent = high - low
    if not width * height > 0 or (extent < 0).any() or not extent.any():
        raise EmptyBoxError(f'nothing of the box {x:g}, {y:g}, {width:g}, {height:g} is visible')
    aspect = crop[0] / crop[1]
    sides = np.array([max(extent[0], extent[1] * aspect), max(extent[1], extent[0] / aspect)])
    sides *= margin
    return np.concatenate([low + extent / 2 - sides / 2, sides])


@dataclass(frozen=True, eq=False)
class FlatCrop:
    """
    A rectangle of an image as a picture of its own.

    :param to_crop: pixels of the image to those of the crop, (2, 3)
    :param to_image: the way back, (2, 3)
    :param size: of the crop
    """

    to_crop: Array
    to_image: Array
    size: Size

    @classmethod
    def of(
        cls,
        box: ArrayLike,
        size: Size,
        scale: float = 1.0,
        angle: float = 0.0,
        mirror: int | None = None,
    ) -> FlatCrop:
        """
        Cut a grown box.

        :param box: (4,), float32 for crops bit for bit as in 2022
        :param size: of the crop
        :param scale: sides of what is seen per side of the box
        :param angle: radians that the rectangle is turned, clockwise as seen in the image
        :param mirror: width of the image, if the crop is of its mirror image and the box is not
        """
        x, y, width, height = np.asarray(box)
        middle = (x + width / 2, y + height / 2)
        if mirror is not None:
            middle = (mirror - 1 - float(middle[0]), middle[1])
        cos, sin = np.cos(angle), np.sin(angle)
        across, along = np.float32([float(side) * scale / 2 for side in (width, height)])
        seen = _points(middle, (-sin * along, cos * along), (cos * across, sin * across))
        half = np.divide(size, 2)
        shown = _points(half, (0, half[1]), (half[0], 0))
        # the way back is solved for, not inverted, as in training
        to_crop, to_image = (
            cv2.getAffineTransform(*pair).astype(np.float32)
            for pair in ((seen, shown), (shown, seen))
        )
        return cls(to_crop, to_image, size)

    def cut(self, image: NDArray) -> NDArray:
        """
        Cut the crop out of an image, black where there is none.

        :param image: (H, W, C), bytes or float32. Of bytes the crop is rounded to bytes.
        :return: (height, width, C)
        """
        return cv2.warpAffine(image, self.to_crop, self.size, flags=cv2.INTER_LINEAR)

    def in_image(self, pixels: ArrayLike) -> Array:
        """Where pixels (..., 2) of the crop are in the image."""
        return _mapped(self.to_image, pixels)

    def in_crop(self, pixels: ArrayLike) -> Array:
        """Where pixels (..., 2) of the image are in the crop."""
        return _mapped(self.to_crop, pixels)

    def intrinsics(self, image: ArrayLike) -> Array:
        """Intrinsics (3, 3) of the crop from those of the image; turned crops have a skew."""
        return np.vstack([self.to_crop, [0, 0, 1]]) @ np.asarray(image, dtype=float)


def usual_distance(box: ArrayLike, focal: Sequence[float], span: float = SPAN) -> float:
    """
    How far away a square would be that fills a grown box (Moon et al. 2019: k).

    :param box: (4,)
    :param focal: along x and y, pixels
    :param span: side of the square, in the unit of the result
    """
    *_, width, height = np.asarray(box, dtype=float)
    return float(span * np.sqrt(focal[0] * focal[1] / (width * height)))


def _points(middle: ArrayLike, down: ArrayLike, right: ArrayLike) -> NDArray[np.float32]:
    """Three points of a rectangle, rounded at each step as in training."""
    middle, down, right = (np.asarray(vector, np.float32) for vector in (middle, down, right))
    return np.stack([middle, middle + down, middle + right])


def _mapped(affine: Array, pixels: ArrayLike) -> Array:
    return np.asarray(pixels, dtype=float) @ affine[:, :2].T + affine[:, 2]
