"""Pictures and videos on the disk, with errors that say what went wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BagError

Image = NDArray[np.uint8]


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into a BagError that names the file and the space left."""
    try:
        yield
    except OSError as err:
        space = ''
        with suppress(OSError):
            space = f' ({shutil.disk_usage(path.parent).free / 1e6:.1f} MB free there)'
        raise BagError(f'{path}: cannot be written: {err.strerror}{space}') from err


def write_picture(image: Image, path: Path) -> None:
    """
    Write an RGB picture; the ending tells the format (.jpg, .png).

    :raises BagError: the file cannot be written
    """
    done, data = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        raise BagError(f'{path}: OpenCV cannot write {path.suffix} pictures')
    with writing(path):
        path.write_bytes(data.tobytes())


class VideoFile:
    """
    A video being written; the size is that of the first frame.

    :param path: .mp4 (MPEG-4) or .avi (Motion JPEG)
    :param fps: frames per second, constant
    :raises BagError: OpenCV cannot write such a file, or the disk is full
    """

    CODECS = {'.mp4': 'mp4v', '.avi': 'MJPG'}  # noqa: RUF012

    def __init__(self, path: Path, fps: float) -> None:
        if path.suffix not in self.CODECS:
            endings = ' or '.join(self.CODECS)
            raise BagError(f'{path}: cannot write {path.suffix} videos; use {endings}')
        self.path, self.fps, self.count = path, fps, 0
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, frame: Image) -> None:
        """Append an RGB frame; another size than the first's is scaled to it."""
        if self._writer is None:
            self._size = (frame.shape[1] // 2 * 2, frame.shape[0] // 2 * 2)
            codec = cv2.VideoWriter.fourcc(*self.CODECS[self.path.suffix])
            self._writer = cv2.VideoWriter(str(self.path), codec, self.fps, self._size)
            if not self._writer.isOpened():
                raise BagError(f'{self.path}: cannot open the video for writing')
        bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
        if (frame.shape[1], frame.shape[0]) != self._size:
            bgr = cv2.resize(bgr, self._size, interpolation=cv2.INTER_AREA)
        self._writer.write(bgr)
        self.count += 1

    def close(self) -> None:
        """Finish the file and make sure that it holds what was written."""
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        found = _frame_count(self.path)
        if found < self.count:
            free = shutil.disk_usage(self.path.parent).free
            raise BagError(
                f'{self.path}: only {found} of {self.count} frames arrived in the file; '
                f'{free / 1e6:.0f} MB are free there'
            )

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        elif self._writer is not None:
            self._writer.release()


def _frame_count(path: Path) -> int:
    reader = cv2.VideoCapture(str(path))
    try:
        return int(reader.get(cv2.CAP_PROP_FRAME_COUNT)) if reader.isOpened() else 0
    finally:
        reader.release()
