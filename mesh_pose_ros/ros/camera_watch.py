"""Which camera the images are from, as far as it is known."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from mesh_pose_ros.errors import BadCameraError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.cameras import camera_from
from mesh_pose_ros.ros.diagnostics import ERROR, OK, WARN, Finding

REFOCUSED = 0.05  # largest change of the focal length, as a share, of one and the same camera
GRACE = 2.0  # seconds that images wait for a CameraInfo before a guess takes its place


class CameraMissingError(BadCameraError):
    """No CameraInfo has come yet."""


class CameraWatch:
    """
    Keeps the newest CameraInfo and makes a `Camera` for an image; any thread may ask.

    :param topic: where CameraInfo comes from, for the messages
    :param rectified: images are rectified, see `camera_from`
    """

    def __init__(
        self, topic: str, *, rectified: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._topic, self._rectified, self._clock = topic, rectified, clock
        self._lock = threading.RLock()
        self._info: Any = None
        self._key: tuple[object, ...] = ()
        self._begun: float | None = None
        self._camera: Camera | None = None
        self._size: tuple[int, int] | None = None  # of the last image

    def update(self, info: Any) -> bool:
        """
        Take a CameraInfo; say whether it is of another camera than the one before.

        A lens that focuses anew between two images is still the same.
        """
        roi = info.roi
        key = (
            info.width, info.height, info.distortion_model, *map(bytes, (info.k, info.d, info.p)),
            info.binning_x, info.binning_y, roi.x_offset, roi.y_offset, roi.width, roi.height,
        )  # fmt: skip
        with self._lock:
            if key == self._key:
                return False
            before, self._info, self._key, self._camera = self._info, info, key, None
            return before is None or _is_another(before, info)

    def camera_for(self, size: tuple[int, int], fallback_hfov_deg: float = 0.0) -> Camera:
        """
        The camera of an image of (width, height).

        :param fallback_hfov_deg: field of view to assume without a usable CameraInfo, 0 for none
        :raises CameraMissingError: nothing came so far
        :raises BadCameraError: what came cannot be used
        """
        with self._lock:
            self._size = size
            known = self._camera
            if known is None or known.size != size or known.guessed:
                known = self._made(size, fallback_hfov_deg)
            self._camera = known
            return known

    def _made(self, size: tuple[int, int], fallback_hfov_deg: float) -> Camera:
        try:
            return self._calibrated()
        except BadCameraError:
            if not fallback_hfov_deg or self._is_early():
                raise
            return Camera.from_fov(fallback_hfov_deg, size)

    def _calibrated(self) -> Camera:
        if self._info is None:
            raise CameraMissingError(
                f'no CameraInfo on {self._topic}: remap camera_info to your camera, or set '
                'camera.fallback_hfov_deg to go on with a guess'
            )
        try:
            return camera_from(self._info, self._size, rectified=self._rectified)
        except BadCameraError as err:
            raise BadCameraError(f'{self._topic}: {err}') from err

    def _is_early(self) -> bool:
        """Whether a CameraInfo may still come; it often follows the first image."""
        if self._info is not None:
            return False
        self._begun = self._clock() if self._begun is None else self._begun
        return self._clock() - self._begun < GRACE

    def finding(self, fallback_hfov_deg: float = 0.0) -> Finding:
        """The state of the camera, for diagnostics."""
        with self._lock:
            return self._found(fallback_hfov_deg)

    def _found(self, fallback_hfov_deg: float) -> Finding:
        if self._camera is not None and self._camera.guessed:
            return WARN, f'camera is guessed, {fallback_hfov_deg:g} degrees wide'
        try:
            self._calibrated()
        except CameraMissingError as err:
            return WARN, str(err)
        except BadCameraError as err:
            return ERROR, str(err)
        return OK, 'camera is calibrated'


def _is_another(before: Any, now: Any) -> bool:
    pictures = [(info.width, info.height, info.distortion_model) for info in (before, now)]
    focals = [(info.k[0], info.k[4]) for info in (before, now)]
    return pictures[0] != pictures[1] or not np.allclose(*focals, rtol=REFOCUSED, atol=0)
