"""Pixels as a network wants them, as its card says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.runtime.card import INTRINSICS, ImageInput
from mesh_pose_ros.runtime.session import Session


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


def cameras_for(
    session: Session, intrinsics: Sequence[NDArray[np.floating]]
) -> dict[str, NDArray[np.float32]]:
    """
    What a crop graph that asks for its crops' cameras is told of them; nothing for another.

    :param intrinsics: N times (3, 3), pixels
    """
    if INTRINSICS not in session.inputs:
        return {}
    return {INTRINSICS: np.asarray(intrinsics, np.float32)}


def _normalised(images: NDArray[np.generic], wanted: ImageInput) -> NDArray[np.float32]:
    gain = wanted.scale / np.array(wanted.std)
    offset = -np.array(wanted.mean) / np.array(wanted.std)
    tensor = images.astype(np.float32)
    for factor, apply in ((gain, np.multiply), (offset, np.add)):
        # one number for all channels is several times faster than three
        value = factor[0] if np.all(factor == factor[0]) else factor
        apply(tensor, np.asarray(value, np.float32), out=tensor)
    return tensor
