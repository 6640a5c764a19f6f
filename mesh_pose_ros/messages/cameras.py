"""
CameraInfo messages and camera_info YAML files to `Camera` and back.

A driver that does not know its camera sends zeros; a pipeline that goes on with them gives
skeletons nowhere. So every number is checked here, once, with the remedy in the message.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from mesh_pose_ros.errors import BadCameraError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.types import header, message

Array = NDArray[np.floating]

LENSES = {  # distortion_model of ROS drivers -> lens of `Camera`
    '': 'plumb_bob',
    'none': 'plumb_bob',
    'plumb_bob': 'plumb_bob',
    'rational_polynomial': 'rational_polynomial',
    'equidistant': 'equidistant',
    'fisheye': 'equidistant',
    'kannala_brandt': 'equidistant',
    'kannala_brandt4': 'equidistant',
}
CALIBRATE = 'calibrate the camera, or set camera.fallback_hfov_deg to go on with a guess'


def camera_from(
    info: Any, image_size: tuple[int, int] | None = None, *, rectified: bool = False
) -> Camera:
    """
    Read a CameraInfo, of any ROS library or like one in its fields.

    K and the region of interest count pixels of the full sensor; binning makes the image
    smaller (see sensor_msgs/CameraInfo).

    :param image_size: (width, height) of the images that come with it, checked if given
    :param rectified: the images are rectified: take P and no distortion
    :raises BadCameraError: zero, NaN or unusable calibration, or made for another image size
    """
    camera = _rectified(info) if rectified else _as_seen(info)
    camera = _cut_and_binned(camera, info)
    if image_size is not None and tuple(image_size) != camera.size:
        raise BadCameraError(
            f'the image is {image_size[0]}x{image_size[1]}, its CameraInfo describes '
            f'{camera.size[0]}x{camera.size[1]}; publish the CameraInfo that belongs to this '
            'image topic (a resized image needs a resized one)'
        )
    return camera


def _as_seen(info: Any) -> Camera:
    K = _matrix(info, 'k', (3, 3))
    D = np.asarray(_either(info, 'd'), dtype=float).reshape(-1)
    if not np.isfinite(D).all():
        raise BadCameraError(f'CameraInfo has NaN or infinite distortion; {CALIBRATE}')
    lens = _lens(info.distortion_model, D)
    return Camera(K, _full_size(info), D if D.any() else (), lens)


def _rectified(info: Any) -> Camera:
    return Camera(_matrix(info, 'p', (3, 4))[:, :3], _full_size(info))


def _either(info: Any, name: str) -> Any:
    """ROS 2 writes the field small, ROS 1 large."""
    return getattr(info, name) if hasattr(info, name) else getattr(info, name.upper())


def _matrix(info: Any, name: str, shape: tuple[int, int]) -> Array:
    values = np.asarray(_either(info, name), dtype=float)
    if not np.isfinite(values).all():
        raise BadCameraError(f'CameraInfo has NaN or infinite {name.upper()}; {CALIBRATE}')
    if not values.any():
        raise BadCameraError(f'CameraInfo is not calibrated, all {name.upper()} = 0; {CALIBRATE}')
    return values.reshape(shape)


def _lens(name: str, D: Array) -> str:
    if not D.any():
        return 'plumb_bob'
    if name not in LENSES:
        raise BadCameraError(
            f'distortion model {name!r} is unknown; use one of {", ".join(filter(None, LENSES))}, '
            'or rectified images with camera.rectified'
        )
    # some drivers call eight coefficients plumb_bob
    return 'rational_polynomial' if LENSES[name] == 'plumb_bob' and len(D) > 5 else LENSES[name]


def _full_size(info: Any) -> tuple[int, int]:
    if not (info.width and info.height):
        raise BadCameraError(f'CameraInfo says {info.width}x{info.height} pixels; {CALIBRATE}')
    return int(info.width), int(info.height)


def _cut_and_binned(camera: Camera, info: Any) -> Camera:
    """The camera of the image which the sensor's region of interest and binning leave."""
    roi = info.roi
    offset = np.array([roi.x_offset, roi.y_offset], dtype=float)
    width, height = roi.width or camera.size[0], roi.height or camera.size[1]
    binning = np.maximum([info.binning_x, info.binning_y], 1).astype(float)
    if not offset.any() and (binning == 1).all() and (width, height) == camera.size:
        return camera
    K = camera.intrinsics.copy()
    K[:2, :2] /= binning[:, None]
    # a binned pixel's centre is the mean of the centres of those it is made of
    K[:2, 2] = (K[:2, 2] - offset + 0.5) / binning - 0.5
    size = (int(width // binning[0]), int(height // binning[1]))
    return Camera(K, size, camera.distortion, camera.model)


def camera_info(camera: Camera, stamp_ns: int, frame_id: str) -> Any:
    """Make the CameraInfo of a camera that is not turned (its rotation is not written)."""
    width, height = camera.size
    P = np.hstack([camera.intrinsics, np.zeros((3, 1))])
    return message(
        'sensor_msgs/CameraInfo',
        header=header(stamp_ns, frame_id),
        height=height,
        width=width,
        distortion_model=camera.model,
        d=_coefficients(camera),
        k=camera.intrinsics.astype(float).reshape(-1),
        r=np.eye(3).reshape(-1),
        p=P.reshape(-1),
        binning_x=0,
        binning_y=0,
        roi=message(
            'sensor_msgs/RegionOfInterest',
            x_offset=0, y_offset=0, height=0, width=0, do_rectify=False,
        ),
    )  # fmt: skip


def _coefficients(camera: Camera) -> Array:
    """The distortion, with the zeros that ROS expects of an ideal plumb_bob."""
    D = np.asarray(camera.distortion, dtype=float).reshape(-1)
    return D if D.size else np.zeros(4 if camera.model == 'equidistant' else 5)


def read_camera_yaml(path: Path) -> Camera:
    """
    Read a calibration as `camera_calibration` writes it.

    :raises BadCameraError: no such file, or not a calibration
    """
    try:
        fields = yaml.safe_load(path.read_text())
        info = SimpleNamespace(
            width=fields['image_width'],
            height=fields['image_height'],
            k=fields['camera_matrix']['data'],
            d=fields.get('distortion_coefficients', {}).get('data', []),
            distortion_model=fields.get('distortion_model', 'plumb_bob'),
            roi=SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0),
            binning_x=0,
            binning_y=0,
        )
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as err:
        raise BadCameraError(
            f'{path}: not a camera_info YAML file: {err!r}; camera_calibration writes such files'
        ) from err
    return camera_from(info)


def write_camera_yaml(camera: Camera, path: Path, name: str = 'camera') -> None:
    """Write a calibration that ROS camera drivers read."""
    info = camera_info(camera, 0, '')
    fields = {
        'image_width': info.width,
        'image_height': info.height,
        'camera_name': name,
        'camera_matrix': _yaml_matrix(3, 3, info.k),
        'distortion_model': info.distortion_model,
        'distortion_coefficients': _yaml_matrix(1, len(info.d), info.d),
        'rectification_matrix': _yaml_matrix(3, 3, info.r),
        'projection_matrix': _yaml_matrix(3, 4, info.p),
    }
    path.write_text(yaml.safe_dump(fields, sort_keys=False, default_flow_style=None))


def _yaml_matrix(rows: int, cols: int, data: Array) -> dict[str, Any]:
    return {'rows': rows, 'cols': cols, 'data': [float(value) for value in data]}
