"""
Real photographs that training never sees, with what people marked in them.

The folder ``real_photos`` (see `default_photos`) holds ``annotations.json`` in COCO's layout and
``images``. Two whole sources are kept for validation, and one in eight of the pictures without
people.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BadImageError
from training.data.album import read_annotations

SOURCES = ('coco_mini_train', 'pennfudan')  # never trained on
EMPTY_SOURCE = 'inria_neg'  # pictures without people
HELD_OUT_SHARE = 8  # one empty picture in so many is never trained on


@dataclass(frozen=True, eq=False)
class Photograph:
    """
    A picture and its people.

    :param boxes: x1 y1 x2 y2, (M, 4) pixels
    :param crowd: whether a box is a crowd's, (M,)
    :param joints: COCO's, (M, 17, 2) pixels
    :param seen: whether a joint is marked, (M, 17)
    """

    path: Path
    source: str
    boxes: NDArray[np.floating]
    crowd: NDArray[np.bool_]
    joints: NDArray[np.floating]
    seen: NDArray[np.bool_]

    def image(self) -> NDArray[np.uint8]:
        """
        Read the picture, (H, W, 3) RGB.

        :raises BadImageError: it cannot be read
        """
        pixels = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise BadImageError(f'{self.path}: cannot read this picture')
        return np.ascontiguousarray(pixels[..., ::-1], np.uint8)


def default_photos() -> Path:
    """Where the photographs lie: under ``$MESH_POSE_SHARED``, else beside the checkout."""
    shared = os.environ.get('MESH_POSE_SHARED', Path(__file__).parents[3] / 'shared')
    return Path(shared) / 'data' / 'real_photos'


def held_out(image: Mapping[str, Any]) -> bool:
    """Whether a picture (its entry in the file) is kept from training."""
    if image['source'] == EMPTY_SOURCE:
        return zlib.crc32(image['file_name'].encode()) % HELD_OUT_SHARE == 0
    return image['source'] in SOURCES


def validation(folder: Path) -> list[Photograph]:
    """Read what is kept from training, people or none."""
    return list(_read(folder))


def _read(folder: Path) -> Iterator[Photograph]:
    images, people = read_annotations(folder)
    for image in filter(held_out, images):
        yield _photograph(folder, image, people.get(image['id'], []))


def _photograph(folder: Path, image: dict[str, Any], people: list[dict[str, Any]]) -> Photograph:
    boxes = np.array([p['bbox'] for p in people], float).reshape(-1, 4)
    joints = np.array([p['keypoints'] for p in people], float).reshape(-1, 17, 3)
    boxes[:, 2:] += boxes[:, :2]
    return Photograph(
        path=folder / 'images' / image['file_name'],
        source=image['source'],
        boxes=boxes - 0.5,  # pixel centres at whole numbers
        crowd=np.array([p['iscrowd'] for p in people], bool),
        joints=joints[..., :2],
        seen=joints[..., 2] > 0,
    )
