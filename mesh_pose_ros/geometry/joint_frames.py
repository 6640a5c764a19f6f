"""
Frames that a network which sees joints and no pixels measures them in.

The published code of Choi et al. (2020) puts a pose into a crop about its joints, then stretches
x and y apart to zero mean and unit variance. The crop cancels out of that: `standardised` of
any upright picture's pixels is what such a network takes. Crops are needed where joints are
compared in pixels of one size.

Boxes are x, y, width, height. Leading batch axes are free.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

FLAT = 1e-6  # pixels of spread below which joints are in line with an axis, and stay there


def standardised(joints: ArrayLike) -> Array:
    """
    Move and stretch x and y so that they have zero mean and unit variance over the joints.

    :param joints: (..., J, 2), any unit
    """
    joints = np.asarray(joints, dtype=float)
    centred = joints - joints.mean(axis=-2, keepdims=True)
    return centred / np.maximum(joints.std(axis=-2, keepdims=True), FLAT)


def tight_box(joints: ArrayLike) -> Array:
    """Box whose borders go through the outermost joints, (..., J, 2) to (..., 4)."""
    joints = np.asarray(joints, dtype=float)
    low, high = joints.min(axis=-2), joints.max(axis=-2)
    return np.concatenate([low, high - low], axis=-1)


def framing_box(box: ArrayLike, aspect: float, scale: float = 1.0) -> Array:
    """
    Box of a given shape about another, as the published code makes it.

    :param box: (..., 4), pixels; its borders are taken to be pixels that it holds, so that it is
        a pixel shorter than it says
    :param aspect: width over height
    :param scale: by how much more the box grows
    :return: (..., 4)
    """
    box = np.asarray(box, dtype=float)
    size = box[..., 2:] - 1
    height = np.maximum(size[..., 1], size[..., 0] / aspect)
    grown = scale * np.stack([aspect * height, height], axis=-1)
    return np.concatenate([box[..., :2] + size / 2 - grown / 2, grown], axis=-1)


def picture_to_crop(box: ArrayLike, size: tuple[float, float]) -> Array:
    """
    Similarity that brings a box's middle to a crop's and makes it as wide as the crop.

    :param box: (..., 4), pixels of the picture
    :param size: width and height of the crop, pixels
    :return: (..., 2, 3)
    """
    box = np.asarray(box, dtype=float)
    scale = size[0] / box[..., 2]
    middle = box[..., :2] + box[..., 2:] / 2
    matrix = np.zeros((*box.shape[:-1], 2, 3))
    matrix[..., 0, 0] = matrix[..., 1, 1] = scale
    matrix[..., 2] = np.divide(size, 2) - scale[..., None] * middle
    return matrix


def moved(joints: ArrayLike, matrix: ArrayLike) -> Array:
    """Apply affine matrices (..., 2, 3) to joints (..., J, 2)."""
    matrix = np.asarray(matrix)
    turned = np.asarray(joints) @ np.swapaxes(matrix[..., :2], -1, -2)
    return np.asarray(turned + matrix[..., None, :, 2])
