"""
Image messages to RGB arrays and back, by shape of the message and not by its class.

Works on messages of rclpy and of rosbags alike. ``rgb8`` without padding becomes a view of the
message's own bytes; everything else is converted once. 16 bit images keep their high byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BadImageError
from mesh_pose_ros.messages.types import header, message

Pixels = NDArray[np.uint8]  # (H, W, C) or (H, W)
Rgb = NDArray[np.uint8]  # (H, W, 3)


@dataclass(frozen=True)
class Encoding:
    """
    How the bytes of an image are laid out.

    :param channels: samples a pixel in one row
    :param to_rgb: from (H, W, channels) uint8 to RGB
    :param depth: bytes a sample
    :param planes: rows stored for each two rows of the image (3 for 4:2:0 formats)
    """

    channels: int
    to_rgb: Callable[[Pixels], Rgb]
    depth: int = 1
    planes: int = 2


def _cv(code: int) -> Callable[[Pixels], Rgb]:
    return lambda pixels: cv2.cvtColor(pixels, code)  # type: ignore[return-value]


def _same(pixels: Pixels) -> Rgb:
    return np.ascontiguousarray(pixels)


_GREY = Encoding(1, _cv(cv2.COLOR_GRAY2RGB))
_RGB, _BGR = Encoding(3, _same), Encoding(3, _cv(cv2.COLOR_BGR2RGB))
_RGBA, _BGRA = Encoding(4, _cv(cv2.COLOR_RGBA2RGB)), Encoding(4, _cv(cv2.COLOR_BGRA2RGB))
_UYVY, _YUYV = Encoding(2, _cv(cv2.COLOR_YUV2RGB_UYVY)), Encoding(2, _cv(cv2.COLOR_YUV2RGB_YUY2))
# OpenCV names a mosaic by its second row, second and third pixel; ROS by the first two rows
_BAYER = {
    'rggb': cv2.COLOR_BayerBG2RGB,
    'bggr': cv2.COLOR_BayerRG2RGB,
    'gbrg': cv2.COLOR_BayerGR2RGB,
    'grbg': cv2.COLOR_BayerGB2RGB,
}

ENCODINGS: dict[str, Encoding] = {
    'rgb8': _RGB,
    'bgr8': _BGR,
    'rgba8': _RGBA,
    'bgra8': _BGRA,
    'mono8': _GREY,
    '8UC1': _GREY,
    '8UC3': _BGR,  # as cv_bridge reads it
    '8UC4': _BGRA,
    'mono16': Encoding(1, _GREY.to_rgb, depth=2),
    'rgb16': Encoding(3, _RGB.to_rgb, depth=2),
    'bgr16': Encoding(3, _BGR.to_rgb, depth=2),
    'rgba16': Encoding(4, _RGBA.to_rgb, depth=2),
    'bgra16': Encoding(4, _BGRA.to_rgb, depth=2),
    'yuv422': _UYVY,
    'uyvy': _UYVY,
    'yuv422_yuy2': _YUYV,
    'yuyv': _YUYV,
    'nv12': Encoding(1, _cv(cv2.COLOR_YUV2RGB_NV12), planes=3),
    'nv21': Encoding(1, _cv(cv2.COLOR_YUV2RGB_NV21), planes=3),
    **{f'bayer_{name}8': Encoding(1, _cv(code)) for name, code in _BAYER.items()},
    **{f'bayer_{name}16': Encoding(1, _cv(code), depth=2) for name, code in _BAYER.items()},
}


def to_rgb(msg: Any) -> Rgb:
    """
    Read an Image or CompressedImage message.

    :return: (H, W, 3) uint8, C-contiguous; perhaps a read-only view of the message
    :raises BadImageError: the message cannot be an image, and why
    """
    return _raw(msg) if hasattr(msg, 'encoding') else _compressed(msg)


def _raw(msg: Any) -> Rgb:
    encoding = ENCODINGS.get(msg.encoding)
    if encoding is None:
        raise BadImageError(
            f'image encoding {msg.encoding!r} is not supported; make the camera or image_proc '
            f'publish one of {", ".join(ENCODINGS)}'
        )
    rows = _rows(msg, encoding)
    try:
        return encoding.to_rgb(rows)
    except cv2.error as err:
        raise BadImageError(
            f'{_named(msg)} cannot be converted: {err.err}; is the size right for the encoding?'
        ) from err


def _rows(msg: Any, encoding: Encoding) -> Pixels:
    """View the message's bytes as (rows, width[, channels]) samples of 8 bit."""
    width, height, step = msg.width, msg.height, msg.step
    if not (width and height):
        raise BadImageError(f'{_named(msg)} has no pixels; check the camera driver')
    used = width * encoding.channels * encoding.depth
    if step < used:
        raise BadImageError(f'{_named(msg)}: step is {step} bytes, a row needs {used}')
    rows = height * encoding.planes // 2
    data = np.frombuffer(msg.data, np.uint8)
    if data.size < step * rows:
        raise BadImageError(
            f'{_named(msg)} has {data.size} bytes, {rows} rows of step {step} need {step * rows}; '
            'the message was cut short or its header is wrong'
        )
    pixels = data[: step * rows].reshape(rows, step)[:, :used]
    if encoding.depth == 2:
        pixels = pixels[:, 0::2] if msg.is_bigendian else pixels[:, 1::2]
    if encoding.channels > 1:
        pixels = pixels.reshape(rows, width, encoding.channels)
    return pixels


def _named(msg: Any) -> str:
    return f'{msg.encoding} image of {msg.width}x{msg.height}'


def _compressed(msg: Any) -> Rgb:
    if 'compressedDepth' in msg.format:
        raise BadImageError(f'compressed image is {msg.format!r}: depth, not colour')
    data = np.frombuffer(msg.data, np.uint8)
    # a camera's pixels stay where CameraInfo expects them, whatever EXIF says
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(data, flags) if data.size else None
    except cv2.error:
        pixels = None
    if pixels is None:
        raise BadImageError(
            f'compressed image ({msg.format!r}, {data.size} bytes) cannot be decoded; '
            'only JPEG and PNG are read'
        )
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)  # type: ignore[return-value]


def image_message(rgb: Rgb, stamp_ns: int, frame_id: str) -> Any:
    """Make an ``rgb8`` Image of (H, W, 3) uint8."""
    height, width = rgb.shape[:2]
    return message(
        'sensor_msgs/Image',
        header=header(stamp_ns, frame_id),
        height=height,
        width=width,
        encoding='rgb8',
        is_bigendian=0,
        step=3 * width,
        data=np.ascontiguousarray(rgb).reshape(-1),
    )


def compressed_message(rgb: Rgb, stamp_ns: int, frame_id: str, quality: int = 90) -> Any:
    """Make a JPEG CompressedImage of (H, W, 3) uint8; quality 1 to 100."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return message(
        'sensor_msgs/CompressedImage',
        header=header(stamp_ns, frame_id),
        format='rgb8; jpeg compressed bgr8',
        data=data.reshape(-1),
    )
