"""Image files: which there are, what is in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BadImageError, BagError

ENDINGS = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.ppm', '.pgm')


def list_images(inputs: Sequence[Path]) -> list[Path]:
    """
    Files as given, and the images of folders by name.

    :raises BagError: there are none, or two of the same name, which results could not tell apart
    """
    files = [file for given in inputs for file in _expanded(given)]
    if not files:
        raise BagError(
            f'{", ".join(map(str, inputs))}: no images here; known are {" ".join(ENDINGS)}'
        )
    twice = [name for name, count in Counter(file.name for file in files).items() if count > 1]
    if twice:
        raise BagError(
            f'{twice[0]} is there more than once; results go by file name, so process the '
            'folders one by one'
        )
    return files


def _expanded(given: Path) -> list[Path]:
    if not given.is_dir():
        return [given]
    return sorted(file for file in given.iterdir() if file.suffix.lower() in ENDINGS)


def read_image(path: Path) -> NDArray[np.uint8]:
    """
    Read an image upright, as viewers show it: an EXIF orientation is applied.

    :return: (H, W, 3) RGB; 16 bit and grey images are converted
    :raises BadImageError: the file is missing, or is no image that OpenCV knows
    """
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as err:
        raise BadImageError(f'{path}: cannot be read: {err.strerror}') from err
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error as err:  # too many pixels
        raise BadImageError(f'{path}: cannot be decoded: {err.err}') from err
    if image is None:
        raise BadImageError(f'{path}: is empty, damaged, or no image of a known format')
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


def result_names(files: Sequence[Path]) -> dict[Path, str]:
    """A stem for the results of each file; the ending joins it where stems are alike."""
    stems = Counter(file.stem for file in files)
    return {
        file: file.stem if stems[file.stem] == 1 else file.name.replace('.', '_') for file in files
    }
