"""Pixels as a network wants them, as its card says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.runtime.card import ImageInput


def image_tensor(images: NDArray[np.uint8], wanted: ImageInput) -> NDArray[np.generic]:
    """
    Turn pictures into a network's input.

    :param images: (N, H, W, 3), RGB
    :return: (N, H, W, 3) or (N, 3, H, W), contiguous
    """
    tensor: NDArray[np.generic] = images if wanted.colour == 'rgb' else images[..., ::-1]
    if wanted.dtype == 'float32':
        tensor = _normalised(tensor, wanted)
    if wanted.layout == 'nchw':
        tensor = tensor.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(tensor)


def _normalised(images: NDArray[np.generic], wanted: ImageInput) -> NDArray[np.float32]:
    gain = wanted.scale / np.array(wanted.std)
    offset = -np.array(wanted.mean) / np.array(wanted.std)
    tensor = images.astype(np.float32)
    for factor, apply in ((gain, np.multiply), (offset, np.add)):
        # one number for all channels is several times faster than three
        value = factor[0] if np.all(factor == factor[0]) else factor
        apply(tensor, np.asarray(value, np.float32), out=tensor)
    return tensor
