"""
Cut crops in linear light, as the networks expect that were trained on them.

Numbers in an image file are not amounts of light; they are about the 2.2th root of them. Means
of such numbers come out too dark, so everything that averages pixels is done on amounts of
light, and the crop is brought back to numbers at the end, with a gamma of one's choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.camera import Camera

Array = NDArray[np.floating]

GAMMA = 2.2
LIGHT = ((np.arange(256) / 255) ** GAMMA).astype(np.float32)  # of each number
COARSEST = 2  # how often an image is halved at most
NOWHERE = -1e4  # a pixel no image has


class LightPyramid:
    """
    An image in linear light, halved again and again.

    :param image: (H, W, 3) uint8
    :param camera: what took it
    """

    def __init__(self, image: NDArray[np.uint8], camera: Camera) -> None:
        self._levels = [(LIGHT[image], camera)]

    def for_scale(self, scale: float) -> tuple[Array, Camera]:
        """
        Return the version to read bilinearly, and the camera that would have taken it.

        :param scale: pixels of what is made from the image per pixel of the image
        """
        level = int(np.clip(np.floor(-np.log2(scale)), 0, COARSEST))
        while len(self._levels) <= level and min(self._levels[-1][1].size) > 1:
            self._levels.append(_halved(*self._levels[-1]))
        return self._levels[min(level, len(self._levels) - 1)]


def crops_in_linear_light(
    pyramid: LightPyramid,
    cameras: Sequence[Camera],
    gammas: Sequence[float],
    antialias: int = 1,
) -> NDArray[np.float32]:
    """
    Make the pictures of cameras at the same place as the image's.

    :param cameras: pinhole cameras of one size
    :param gammas: of each crop; below 1 it looks brighter than the image, above darker
    :param antialias: each pixel is the mean of this many by this many
    :return: (N, height, width, 3), 0 to 1; black where the image shows nothing
    """
    crops = [_read(pyramid, own, antialias) for own in cameras]
    exponents = np.asarray(gammas, np.float32) / np.float32(GAMMA)
    return np.stack(crops) ** exponents[:, None, None, None]


def _read(pyramid: LightPyramid, own: Camera, antialias: int) -> Array:
    width, height = own.size
    fine = own.resized((width * antialias, height * antialias))
    full = pyramid.for_scale(1.0)[1]
    source, camera = pyramid.for_scale(fine.intrinsics[0, 0] / full.intrinsics[0, 0])
    crop = cv2.remap(source, *_places(fine, camera), cv2.INTER_LINEAR)
    return crop.reshape(height, antialias, width, antialias, 3).mean(axis=(1, 3))


def _places(own: Camera, camera: Camera) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each pixel of one camera is found in another's image, for `cv2.remap`."""
    grid = np.stack(np.meshgrid(*(np.arange(length, dtype=float) for length in own.size)), axis=-1)
    rays = own.rays(grid)
    ahead = np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1)
    found = np.nan_to_num(camera.project(own.to_optical(ahead)), nan=NOWHERE)
    return found[..., 0].astype(np.float32), found[..., 1].astype(np.float32)


def _halved(image: Array, camera: Camera) -> tuple[Array, Camera]:
    """Means of 2 x 2 pixels; a last odd row or column is dropped."""
    height, width = (length // 2 for length in image.shape[:2])
    blocks = image[: 2 * height, : 2 * width].reshape(height, -1, width, 2, 3)
    shrink = np.array([[0.5, 0.0, -0.25], [0.0, 0.5, -0.25], [0.0, 0.0, 1.0]])
    smaller = replace(camera, intrinsics=shrink @ camera.intrinsics, size=(width, height))
    return blocks.mean(axis=(1, 3)), smaller
