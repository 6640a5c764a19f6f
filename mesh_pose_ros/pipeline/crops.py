"""
Cut people out of an image; every crop comes with the camera that sees it.

The crop of a region is what a pinhole camera turned to that region would have taken
(`Camera.looking_at`): no lens distortion, no slant far from the image centre. Parts of a crop
that no pixel of the image shows are black, or repeat the image's border for networks that were
trained so. Training cuts its crops by the same function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.geometry.crop_boxes import EmptyBoxError, grown_box
from mesh_pose_ros.people import Box, Region
from mesh_pose_ros.pipeline.pyramid import Pyramid

Array = NDArray[np.floating]
Maps = tuple[NDArray[np.float32], NDArray[np.float32]]  # x and y to read at, per pixel

MARGIN = 1.25  # side of a crop per longer side of the box
NODES = 16  # per axis; a lens is smooth: the map between nodes is right to 0.1 px or better
NOWHERE = -1e4  # a pixel no image has
BORDERS = {'black': cv2.BORDER_CONSTANT, 'replicate': cv2.BORDER_REPLICATE}
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def region_of(box: Box, margin: float = MARGIN) -> Region:
    """
    Where to look to see the whole person: the box's own region, else an upright square.

    :param margin: side of the square per longer side of the box
    """
    return box.region or Region(box.centre, max(box.width, box.height) * margin)


def rectangle_of(
    box: Box, image: tuple[int, int], crop: tuple[int, int], margin: float = MARGIN
) -> Region | None:
    """
    Where networks look that were trained on upright rectangles, see `geometry.crop_boxes`.

    :param image: size of the image (width, height)
    :param crop: size of the crop
    :return: the square round the rectangle; None if nothing of the box is in the image
    """
    try:
        x, y, width, height = grown_box(box.xywh, image, crop, margin).tolist()
    except EmptyBoxError:
        return None
    return Region((x + width / 2, y + height / 2), max(width, height))


def rectangle_in(square: Camera, size: tuple[int, int]) -> Camera:
    """
    Take the middle of a square picture; its middle is at size / 2, as in `geometry.crop_boxes`.

    :param size: (width, height), the longer one as the square's side
    """
    intrinsics = square.intrinsics.copy()
    intrinsics[:2, 2] += (np.array(size) - square.size[0] + 1) / 2
    return replace(square, intrinsics=intrinsics, size=size)


def cut(
    image: NDArray[np.uint8],
    camera: Camera,
    regions: Sequence[Region],
    side: int,
    border: str = 'black',
) -> tuple[NDArray[np.uint8], list[Camera]]:
    """
    Cut regions out of one image.

    :param image: (H, W, 3) RGB, taken by ``camera``
    :param regions: in pixels of the image; may reach beyond it
    :param side: width and height of a crop, pixels
    :param border: a key of `BORDERS`
    :return: crops (N, side, side, 3) and their cameras
    :raises BadCameraError: a region has no area or lies where the lens sees nothing
    """
    cameras = [camera.looking_at(region, side) for region in regions]
    return cut_as_seen(image, camera, regions, cameras, border), cameras


def cut_as_seen(
    image: NDArray[np.uint8],
    camera: Camera,
    regions: Sequence[Region],
    cameras: Sequence[Camera],
    border: str = 'black',
) -> NDArray[np.uint8]:
    """
    Make the pictures of cameras at the same place as the image's; see `cut`.

    :param cameras: pinhole cameras of one size, perhaps rolled or mirrored by the caller
    :return: (N, height, width, 3)
    """
    width, height = cameras[0].size if cameras else (0, 0)
    crops = np.empty((len(cameras), height, width, 3), np.uint8)
    pyramid = Pyramid(image)
    for crop, region, own in zip(crops, regions, cameras, strict=True):
        source = pyramid.for_scale(region.side / max(width, height))
        taken_by = camera if source is image else camera.resized(source.shape[1::-1])
        _fill(crop, own, source, taken_by, BORDERS[border])
    return crops


def _fill(
    crop: NDArray[np.uint8], own: Camera, image: NDArray[np.uint8], camera: Camera, border: int
) -> None:
    """Write into ``crop`` what ``own`` would see of an image taken by ``camera``."""
    if np.isnan(seen_at(CORNERS * (np.array(own.size) - 1), own, camera)).any():
        maps = _map_pixel_by_pixel(own, camera)
    elif camera.has_distortion:
        maps = _map_through_nodes(own, camera)
    else:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpPerspective(image, own.homography(camera), own.size, crop, flags, border)
        return
    cv2.remap(image, *maps, cv2.INTER_LINEAR, crop, border)


def seen_at(pixels: Array, own: Camera, camera: Camera) -> Array:
    """Where pixels (..., 2) of one camera are found in another's image, NaN if nowhere."""
    rays = own.rays(pixels)
    ahead = np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1)
    return camera.project(own.to_optical(ahead))


def _map_pixel_by_pixel(own: Camera, camera: Camera) -> Maps:
    """The map for `cv2.remap` where part of the crop lies beyond what the lens can see."""
    width, height = own.size
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    found = np.nan_to_num(seen_at(grid.astype(float), own, camera), nan=NOWHERE)
    return found[..., 0].astype(np.float32), found[..., 1].astype(np.float32)


def _map_through_nodes(own: Camera, camera: Camera) -> Maps:
    """The map for `cv2.remap` from a few rays and the polynomial through them."""
    (x, across), (y, down) = (interpolation(length) for length in own.size)
    found = seen_at(np.stack(np.meshgrid(x, y), axis=-1), own, camera)
    u, v = (down @ found[..., i] @ across.T for i in (0, 1))
    return u.astype(np.float32), v.astype(np.float32)


@lru_cache(maxsize=16)
def interpolation(length: int) -> tuple[Array, Array]:
    """
    Chebyshev nodes along an axis and the weights that lead from them to every pixel.

    Barycentric formula of Berrut and Trefethen (2004).

    :return: nodes (NODES,) and weights (length, NODES)
    """
    k = np.arange(NODES)
    angles = (2 * k + 1) * np.pi / (2 * NODES)
    nodes = (length - 1) / 2 * (1 - np.cos(angles))
    gaps = np.arange(length)[:, None] - nodes
    gaps[gaps == 0] = 1e-12
    terms = (-1.0) ** k * np.sin(angles) / gaps
    return nodes, terms / terms.sum(axis=1, keepdims=True)
