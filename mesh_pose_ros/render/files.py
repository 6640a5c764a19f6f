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
SPARE_BYTES = 8_000_000  # a second of a large film and its index need about as much


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


def file_behind(path: Path) -> Path:
    """
    The file that a path stands for, links followed; it need not exist yet.

    Who writes beside a file and renames at the end would replace a link or a device.

    :raises BagError: there is something that is not a file: a folder, a device
    """
    try:
        target = path.resolve() if path.is_symlink() else path
        other = target.is_symlink() or (path.exists() and not path.is_file())
    except (OSError, RuntimeError) as err:  # a loop of links, before and after Python 3.13
        raise BagError(f'{path}: cannot be followed: {err}') from err
    if other:
        kind = 'a folder' if path.is_dir() else 'a device or the like'
        raise BagError(f'{path}: is {kind}, not a file; give another name')
    return target


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

    While it grows it is called ``<name>.partial.<ending>``; it gets its name when it is
    complete. What was written until an error stays under the first name and can be played.

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
        self._target = file_behind(path)
        self.partial = self._target.with_name(f'{self._target.stem}.partial{path.suffix}')
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, frame: Image) -> None:
        """Append an RGB frame; another size than the first's is scaled to it."""
        if self.count % max(round(self.fps), 1) == 0:  # OpenCV does not say that a disk is full
            self._check_space()
        if self._writer is None:
            self._size = (frame.shape[1] // 2 * 2, frame.shape[0] // 2 * 2)
            codec = cv2.VideoWriter.fourcc(*self.CODECS[self.path.suffix])
            self._writer = cv2.VideoWriter(str(self.partial), codec, self.fps, self._size)
            if not self._writer.isOpened():
                raise BagError(f'{self.path}: cannot open the video for writing')
        bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
        if (frame.shape[1], frame.shape[0]) != self._size:
            bgr = cv2.resize(bgr, self._size, interpolation=cv2.INTER_AREA)
        self._writer.write(bgr)
        self.count += 1

    def close(self) -> None:
        """Finish the file, make sure that it holds what was written, and give it its name."""
        if self._writer is None:
            return
        self._release()
        found = _frame_count(self.partial)
        with writing(self.path):
            if found < self.count:
                raise self._failure(f'only {found} of {self.count} frames arrived in the file')
            self.partial.replace(self._target)

    def _check_space(self) -> None:
        with writing(self.path):
            if shutil.disk_usage(self.partial.parent).free < SPARE_BYTES:
                self._release()
                raise self._failure('the disk is full')

    def _failure(self, reason: str) -> BagError:
        free = shutil.disk_usage(self.partial.parent).free / 1e6
        kept = ''
        if self.count and self.partial.exists():
            kept = f'; the frames until then are in {self.partial}'
        return BagError(f'{self.path}: {reason}, {free:.1f} MB are free there{kept}')

    def _release(self) -> None:
        if self._writer is not None:
            self._writer.release()
        self._writer = None

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
        else:
            self._release()


def _frame_count(path: Path) -> int:
    reader = cv2.VideoCapture(str(path))
    try:
        return int(reader.get(cv2.CAP_PROP_FRAME_COUNT)) if reader.isOpened() else 0
    finally:
        reader.release()
