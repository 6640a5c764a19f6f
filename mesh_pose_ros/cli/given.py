"""What the user knows better: cameras.json and boxes.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mesh_pose_ros.bag.streams import guess_camera
from mesh_pose_ros.errors import BadCameraError, BadImageError, BagError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.cameras import read_camera_yaml
from mesh_pose_ros.people import Box

DEFAULT_FOV = 55.0  # degrees across the longer side, as Sárándi et al. (2020) assume
ANY = '*'
NEEDED, SIZE = ('fx', 'fy', 'cx', 'cy'), ('width', 'height')
SAME_SHAPE = 0.005  # two images of one camera differ by less in width / height


@dataclass(frozen=True)
class Cameras:
    """
    The camera of each file.

    :param known: file name, or `ANY` -> camera
    :param fov: degrees across the longer side for all others; None refuses them
    :param source: what to name in complaints
    :param any_size: names whose intrinsics are for the image as it is, whatever their ``size``
    """

    known: Mapping[str, Camera] = field(default_factory=dict)
    fov: float | None = DEFAULT_FOV
    source: str = ''
    any_size: frozenset[str] = frozenset()

    def of(self, name: str, size: tuple[int, int]) -> Camera:
        """
        The camera of an image.

        :param size: (width, height) of the image; the calibration of another size is scaled if
            the shape is the same
        :raises BadCameraError: nothing is known of this file's camera, or it has another shape
        """
        entry = name if name in self.known else ANY
        if entry in self.any_size:
            return replace(self.known[entry], size=size)
        if entry in self.known:
            return self._fitting(self.known[entry], name, size)
        if self.fov is None:
            raise BadCameraError(
                f'{self.source} has no entry for {name}: add one, one for {ANY!r}, or give --fov'
            )
        return guess_camera(self.fov, size)

    def _fitting(self, camera: Camera, name: str, size: tuple[int, int]) -> Camera:
        if camera.size == size:
            return camera
        shapes = [width / height for width, height in (size, camera.size)]
        if abs(shapes[0] / shapes[1] - 1) > SAME_SHAPE:
            raise BadCameraError(
                f'{name} is {size[0]} x {size[1]} (upright), its camera in {self.source} '
                f'{camera.size[0]} x {camera.size[1]}: another shape cannot be scaled to'
            )
        return camera.resized(size)


def read_cameras(path: Path | None, fov: float | None) -> Cameras:
    """
    Read --camera, or fall back to a field of view.

    :raises BadCameraError: the file is missing or not as it should be; names file and entry
    """
    if path is None:
        return Cameras(fov=fov or DEFAULT_FOV)
    if path.suffix in ('.yaml', '.yml'):
        return Cameras({ANY: read_camera_yaml(path)}, fov, str(path))
    entries = _read_json(path, BadCameraError)
    if not set(NEEDED).isdisjoint(entries):  # one camera for all
        entries = {ANY: entries}
    cameras = {name: _camera(path, name, e) for name, e in entries.items()}
    return Cameras(
        cameras, fov, str(path), frozenset(n for n in cameras if not _sized(entries[n]))
    )


def _camera(path: Path, name: str, entry: Any) -> Camera:
    try:
        if not isinstance(entry, dict):
            raise TypeError(f'must be an object with the keys {", ".join(NEEDED)}')
        fx, fy, cx, cy = (_number(entry, key) for key in NEEDED)
        # without a size any will do: that of the image comes in its place
        width, height = (int(_number(entry, k)) for k in SIZE) if _sized(entry) else (1, 1)
        distortion = np.asarray(entry.get('distortion') or (), dtype=float).reshape(-1)
        model = entry.get('model') or _model_of(len(distortion))
        K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
        return Camera(K, (width, height), distortion, model)
    except (KeyError, TypeError, ValueError, OverflowError) as err:
        what = f'{err} is missing' if isinstance(err, KeyError) else str(err)
        raise BadCameraError(f'{path}: entry {name!r}: {what}') from err


def _number(entry: dict[str, Any], key: str) -> float:
    value = entry[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f'{key} must be a number')
    return float(value)


def _sized(entry: dict[str, Any]) -> bool:
    """Whether an entry says the size of its images; one of width and height alone is wrong."""
    return any(entry.get(key) is not None for key in SIZE)


def _model_of(coefficients: int) -> str:
    return 'plumb_bob' if coefficients <= 5 else 'rational_polynomial'


@dataclass(frozen=True)
class Boxes:
    """
    The boxes of each file.

    :param known: file name -> boxes, perhaps none
    :param source: what to name in complaints
    """

    known: Mapping[str, list[Box]]
    source: str

    def of(self, name: str, size: tuple[int, int]) -> list[Box]:
        """
        The boxes given for an image of ``size`` (width, height).

        :raises BadImageError: a box does not touch the image, or the file is not listed: nobody
            knows whether that means nobody is there
        """
        if name not in self.known:
            raise BadImageError(f'{name} is not in the file of boxes; list it, with [] for nobody')
        for box in self.known[name]:
            if not _touches(box, size):
                values = ', '.join(f'{value:g}' for value in box.xywh)
                raise BadImageError(
                    f'{self.source}: {name}: box [{values}] lies outside the '
                    f'{size[0]} x {size[1]} image'
                )
        return self.known[name]


def _touches(box: Box, size: tuple[int, int]) -> bool:
    across = box.x < size[0] and box.x + box.width > 0
    return across and box.y < size[1] and box.y + box.height > 0


def read_boxes(path: Path) -> Boxes:
    """
    Read --boxes: file name -> list of [x, y, w, h] in pixels of the image.

    :raises BagError: the file is missing or not as it should be; names file and entry
    """
    entries = _read_json(path, BagError)
    return Boxes({name: _boxes(path, name, rows) for name, rows in entries.items()}, str(path))


def _boxes(path: Path, name: str, rows: Any) -> list[Box]:
    try:
        table = np.asarray(rows, dtype=float).reshape(len(rows), 4)
    except (TypeError, ValueError) as err:
        raise BagError(f'{path}: entry {name!r} must be a list of [x, y, width, height]') from err
    if not np.isfinite(table).all() or (table[:, 2:] <= 0).any():
        raise BagError(f'{path}: entry {name!r} has a box without a size')
    return [Box(*row) for row in table.tolist()]


def _read_json(path: Path, kind: type[BadCameraError] | type[BagError]) -> dict[str, Any]:
    try:
        entries = json.loads(path.read_text(encoding='utf-8'))
    except OSError as err:
        raise kind(f'{path}: cannot be read: {err.strerror}') from err
    except ValueError as err:
        raise kind(f'{path}: is not JSON: {err}') from err
    if not isinstance(entries, dict):
        raise kind(f'{path}: must be an object with file names as keys')
    return entries
