"""Which topics of a bag are cameras, and what is known of their lenses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mesh_pose_ros.bag.reading import Bag, message_of
from mesh_pose_ros.errors import BadCameraError, BadImageError, BagError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.cameras import camera_from

IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
INFO_TYPE = 'sensor_msgs/msg/CameraInfo'


@dataclass(frozen=True)
class Stream:
    """
    One camera of a bag.

    :param image: topic of its images
    :param info: topic of its CameraInfo, empty if there is none
    :param camera: None if it is to be guessed from a field of view
    :param prefix: of the topics to be written, e.g. '/mesh_pose'
    """

    image: str
    info: str
    camera: Camera | None
    prefix: str


def find_streams(
    bag: Bag, images: Sequence[str] = (), infos: Sequence[str] = (), fov: float | None = None
) -> list[Stream]:
    """
    Find the cameras of a bag.

    :param images: topics to take; may be left out if there is only one
    :param infos: topics of CameraInfo in the same order; else the one beside the images
    :param fov: degrees across the longer side, where there is no usable CameraInfo
    :raises BagError: no images, several to choose from, or nothing known of the camera
    """
    chosen = _chosen_images(bag, images)
    if infos and len(infos) != len(chosen):
        raise BagError(
            f'{len(chosen)} image topics and {len(infos)} CameraInfo topics: give one each'
        )
    found = infos or [_info_beside(bag, topic, alone=len(chosen) == 1) for topic in chosen]
    many = len(chosen) > 1
    return [
        Stream(image, info, _camera(bag, image, info, fov), f'{image * many}/mesh_pose')
        for image, info in zip(chosen, found)
    ]


def guess_camera(fov: float, size: tuple[int, int]) -> Camera:
    """
    A pinhole camera from nothing but a field of view.

    :param fov: degrees across the longer side of the image
    :param size: (width, height), pixels
    """
    across = np.tan(np.deg2rad(fov) / 2) * size[0] / max(size)
    return Camera.from_fov(float(np.rad2deg(2 * np.arctan(across))), size)


def _chosen_images(bag: Bag, asked: Sequence[str]) -> list[str]:
    there = [
        topic.name
        for topic in bag.topics.values()
        if topic.msgtype in IMAGE_TYPES and not topic.name.endswith('compressedDepth')
    ]
    if not there:
        raise BagError(
            f'{bag.path}: no images in this bag (sensor_msgs Image or CompressedImage); it has '
            f'{_listing(bag, list(bag.topics)) or "no topics at all"}'
        )
    missing = [name for name in asked if name not in there]
    if missing:
        raise BagError(
            f'{bag.path}: no image topic {", ".join(missing)}; there are {_listing(bag, there)}'
        )
    if not asked and len(there) > 1:
        raise BagError(
            f'{bag.path}: several image topics, choose one or more with --image-topic: '
            f'{_listing(bag, there)}'
        )
    return list(dict.fromkeys(asked)) or there


def _listing(bag: Bag, names: Sequence[str]) -> str:
    topics = (bag.topics[name] for name in sorted(names))
    return ', '.join(f'{t.name} ({t.msgtype.split("/")[-1]}, {t.count})' for t in topics)


def _info_beside(bag: Bag, image: str, *, alone: bool) -> str:
    """The CameraInfo topic in the namespace of an image topic, or the only one there is."""
    infos = [t.name for t in bag.topics.values() if t.msgtype == INFO_TYPE]
    base = image.removesuffix('/compressed').rsplit('/', 1)[0]
    if f'{base}/camera_info' in infos:
        return f'{base}/camera_info'
    return infos[0] if alone and len(infos) == 1 else ''


def _camera(bag: Bag, image: str, info: str, fov: float | None) -> Camera | None:
    """The first usable CameraInfo of the topic, wherever in the bag; None for a guess."""
    trouble = 'no CameraInfo topic beside it'
    rectified = image.removesuffix('/compressed').rsplit('/', 1)[-1].startswith('image_rect')
    for record in bag.records([info]) if info else ():
        try:
            return camera_from(message_of(record), rectified=rectified)
        except (BadCameraError, BadImageError) as err:
            trouble = str(err)
    if info and info not in bag.topics:
        trouble = f'no topic {info} in the bag'
    if fov is None:
        raise BagError(
            f'{bag.path}: nothing known of the camera of {image}: {trouble}. Name its topic with '
            '--camera-info-topic, or guess its field of view with --fov'
        )
    return None
