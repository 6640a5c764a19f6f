"""
Images from anywhere: video file, folder of pictures, webcam or bag.

Stamps are nanoseconds: of a video since its start, of a bag those of the messages, of a webcam
since 1970.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.bag.reading import ENDINGS, Bag, is_bag_folder, message_of, open_bag, stamp_of
from mesh_pose_ros.bag.streams import Stream, find_streams
from mesh_pose_ros.errors import BadImageError, BagError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.cameras import read_camera_yaml
from mesh_pose_ros.messages.images import to_rgb

PICTURES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm')
BAGS = ('.bag', *ENDINGS)
FOLDER_RATE = 10.0  # pictures a second of a folder
WIDE = 60.0  # degrees, a common webcam


@dataclass(frozen=True, eq=False)
class Frame:
    """
    One image.

    :param image: (H, W, 3) uint8 RGB
    :param name: file name, or the number of the frame
    :param camera: None if nothing is known of it
    """

    image: NDArray[np.uint8]
    stamp_ns: int
    name: str
    camera: Camera | None = None


class Source(Protocol):
    """Something that gives frames, each time from the start."""

    @property
    def count(self) -> int:
        """Frames there are, 0 if unknown."""
        ...

    @property
    def problems(self) -> list[str]:
        """Frames that could not be read, and why; grows while reading."""
        ...

    def __iter__(self) -> Iterator[Frame]:
        """Give all frames in order."""
        ...


def open_source(
    what: str | Path,
    *,
    camera: Camera | None = None,
    fov: float | None = None,
    rate: float = 0.0,
    topic: str = '',
) -> Source:
    """
    Open a video, a folder of pictures or a picture, a webcam (number or device) or a bag.

    :param camera: of all frames; else that of the bag, or of ``<name>.yaml`` beside a file
    :param fov: degrees across, to guess a camera where none is known
    :param rate: frames a second of a folder, or instead of a video's own
    :param topic: image topic of a bag that has several
    :raises BagError: there is nothing like that, or it cannot be read
    """
    path, text = Path(what).expanduser(), str(what)
    camera = camera or _camera_beside(path)
    if text.isdecimal() or text.startswith('/dev/video'):
        return _Cameras(WebcamSource(text), camera, fov or WIDE)
    if not path.exists():
        raise BagError(f'{path}: there is no such video, folder, picture or bag')
    if path.suffix in BAGS or is_bag_folder(path):
        return _Cameras(BagSource(path, topic, fov), camera, fov)
    if path.is_dir() or path.suffix.lower() in PICTURES:
        return _Cameras(FolderSource(path, rate or FOLDER_RATE), camera, fov)
    return _Cameras(VideoSource(path, rate), camera, fov)


def _camera_beside(path: Path) -> Camera | None:
    """A calibration that lies beside a file or in a folder of pictures."""
    if not path.is_dir() and not path.suffix:  # a webcam
        return None
    beside = path / 'camera.yaml' if path.is_dir() else path.with_suffix('.yaml')
    return read_camera_yaml(beside) if beside.is_file() else None


class _Cameras:
    """Frames of a source with the camera that is known or guessed."""

    def __init__(self, source: Source, camera: Camera | None, fov: float | None) -> None:
        self._source, self._camera, self._fov = source, camera, fov

    @property
    def count(self) -> int:
        """As of the source."""
        return self._source.count

    @property
    def problems(self) -> list[str]:
        """As of the source."""
        return self._source.problems

    def __iter__(self) -> Iterator[Frame]:
        """Give the source's frames."""
        for frame in self._source:
            yield replace(frame, camera=self._camera_of(frame))

    def _camera_of(self, frame: Frame) -> Camera | None:
        size = (frame.image.shape[1], frame.image.shape[0])
        known = self._camera or frame.camera
        if known is not None or self._fov is None:
            return known
        return Camera.from_fov(self._fov, size)


class VideoSource:
    """
    A video file; phones film at a rate that varies, so each frame's own time counts.

    :param rate: frames a second, 0 for the file's own times
    """

    def __init__(self, path: Path, rate: float = 0.0) -> None:
        capture = _opened(lambda: cv2.VideoCapture(str(path)), f'{path}: is not a video')
        self.problems: list[str] = []
        self.count = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
        self._own_rate = capture.get(cv2.CAP_PROP_FPS) or 30.0
        self._path, self._rate = path, rate
        capture.release()

    def __iter__(self) -> Iterator[Frame]:
        """Give all frames; a file that breaks off ends there."""
        capture = _opened(lambda: cv2.VideoCapture(str(self._path)), f'{self._path}: is gone')
        number, seconds = -1, -1 / self._own_rate
        for number, image in enumerate(_images_of(capture)):
            told = capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
            seconds = told if told > seconds else seconds + 1 / self._own_rate
            stamp = number / self._rate if self._rate else seconds
            yield Frame(image, round(stamp * 1e9), f'{number:06d}')
        # some files tell their length alone, and the count is made of that
        if number + 1 < self.count and seconds * self._own_rate < self.count - 1.5:
            self.problems.append(
                f'{self._path}: only {number + 1} of {self.count} frames can be read'
            )


class WebcamSource:
    """A camera of this computer; ends when it is unplugged."""

    def __init__(self, device: str) -> None:
        self.problems: list[str] = []
        self.count = 0
        which = int(device) if device.isdecimal() else device
        self._capture = _opened(lambda: cv2.VideoCapture(which), f'no camera {device}')

    def __iter__(self) -> Iterator[Frame]:
        """Give frames as they come."""
        for number, image in enumerate(_images_of(self._capture)):
            yield Frame(image, time.time_ns(), f'{number:06d}')


class FolderSource:
    """The pictures of a folder by name, or a single picture."""

    def __init__(self, path: Path, rate: float = FOLDER_RATE) -> None:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        self._files = [file for file in files if file.suffix.lower() in PICTURES]
        if not self._files:
            raise BagError(f'{path}: there are no pictures in it ({", ".join(PICTURES)})')
        self.problems: list[str] = []
        self.count, self._rate = len(self._files), rate

    def __iter__(self) -> Iterator[Frame]:
        """Give all pictures; one that cannot be read is left out."""
        for number, file in enumerate(self._files):
            bgr = cv2.imread(str(file), cv2.IMREAD_COLOR)
            if bgr is None:
                self.problems.append(f'{file}: cannot be read as a picture')
                continue
            yield Frame(_rgb(bgr), round(number / self._rate * 1e9), file.name)


class BagSource:
    """
    The images of one topic of a bag.

    :param fov: degrees, if the bag has no usable CameraInfo
    """

    def __init__(self, path: Path, topic: str = '', fov: float | None = None) -> None:
        self._bag: Bag = open_bag(path)
        self._stream = self._chosen([topic] if topic else [], fov)
        self.problems: list[str] = []
        self.count = self._bag.topics[self._stream.image].count

    def _chosen(self, topics: Sequence[str], fov: float | None) -> Stream:
        # a camera given by the user, or by fov for each size, takes the place of a missing one
        return find_streams(self._bag, topics, fov=fov or WIDE)[0]

    def __iter__(self) -> Iterator[Frame]:
        """Give all images; one that cannot be read is left out."""
        for number, record in enumerate(self._bag.records([self._stream.image])):
            try:
                msg = message_of(record)
                image = to_rgb(msg)
            except BadImageError as err:
                self.problems.append(str(err))
                continue
            yield Frame(image, stamp_of(record, msg), f'{number:06d}', self._stream.camera)
        self.problems += [text for text in self._bag.damage if text not in self.problems]


def _opened(make: Callable[[], cv2.VideoCapture], complaint: str) -> cv2.VideoCapture:
    capture = make()
    if not capture.isOpened():
        raise BagError(f'{complaint} that OpenCV can open')
    return capture


def _images_of(capture: cv2.VideoCapture) -> Iterator[NDArray[np.uint8]]:
    while True:
        fine, bgr = capture.read()
        if not fine:
            return
        yield _rgb(bgr)


def _rgb(bgr: Any) -> NDArray[np.uint8]:
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]
