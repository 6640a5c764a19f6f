"""
Photographs and what is marked in them: a folder, or the same packed into one file.

A folder has ``images`` and ``annotations.json`` (see `training.data.photo_people`). A packed
album is an npz with the bytes of JPEG files and the annotations; both are read alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.encoded import Encoded

Entry = dict[str, Any]  # of a picture or of a person, as in the annotations


def read_annotations(photos: Path) -> tuple[list[Entry], dict[int, list[Entry]]]:
    """Entries of pictures, and of people by picture."""
    file = _packed(photos)[0] if photos.is_file() else _told(photos)
    people: dict[int, list[Entry]] = {}
    for person in file['annotations']:
        people.setdefault(person['image_id'], []).append(person)
    return file['images'], people


def read_picture(photos: Path, image: Mapping[str, Any]) -> NDArray[np.uint8]:
    """
    One of them, (H, W, 3) RGB.

    :raises ValueError: it cannot be read
    """
    if photos.is_file():
        _, pictures, place = _packed(photos)
        return pictures.picture(place[image['id']])
    path = photos / 'images' / image['file_name']
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise ValueError(f'{path}: cannot read this picture')
    return np.asarray(pixels, np.uint8)


def pack_album(
    photos: Path, images: Iterable[Entry], path: Path, quality: int, longest: int
) -> NDArray[np.int64]:
    """
    Write some of a folder's pictures and their people to one file.

    :param quality: of the JPEG files
    :param longest: pixels; larger pictures are shrunk, and their marks with them
    :return: bytes of each picture
    """
    _, people = read_annotations(photos)
    kept, marked, pictures = [], [], []
    for image in images:
        picture = read_picture(photos, image)
        scale = min(1.0, longest / max(picture.shape[:2]))
        if scale < 1:
            size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        pictures.append(picture)
        kept.append({**image, 'height': picture.shape[0], 'width': picture.shape[1]})
        marked += [_shrunk(person, scale) for person in people.get(image['id'], ())]
    encoded = Encoded.of(pictures, quality)
    told = json.dumps({'images': kept, 'annotations': marked}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, told=np.frombuffer(told, np.uint8), data=encoded.data,
                        start=encoded.start)  # fmt: skip
    return np.diff(encoded.start)


def _shrunk(person: Entry, scale: float) -> Entry:
    """A person's entry in a picture ``scale`` times as large."""
    marks = {}
    for name in ('keypoints', 'extra_keypoints'):
        points = np.array(person[name], float).reshape(-1, 3)
        # marks name places where pixel centres are at whole numbers, boxes edges of pixels
        points[:, :2] = np.where(points[:, 2:] > 0, (points[:, :2] + 0.5) * scale - 0.5, 0)
        marks[name] = points.round(2).ravel().tolist()
    box = [round(scale * value, 2) for value in person['bbox']]
    return {**person, **marks, 'bbox': box}


def _told(photos: Path) -> dict[str, list[Entry]]:
    return json.loads((photos / 'annotations.json').read_text())


@lru_cache(maxsize=2)
def _packed(path: Path) -> tuple[dict[str, list[Entry]], Encoded, dict[int, int]]:
    with np.load(path) as file:
        told = json.loads(file['told'].tobytes())
        pictures = Encoded(file['data'], file['start'])
    return told, pictures, {image['id']: row for row, image in enumerate(told['images'])}
