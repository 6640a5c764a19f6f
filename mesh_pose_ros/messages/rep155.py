"""
People as REP-155 tells them: bodies below ``/humans/bodies``, for ROS4HRI's tools.

Points of images are normalised here, 0 and 1 at the image's edges. What is not known is left
out: makers return None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.rotations import quaternion_xyzw_to_matrix
from mesh_pose_ros.messages.body_frame import body_of, standing_height
from mesh_pose_ros.messages.hri_msgs import KEYPOINTS
from mesh_pose_ros.messages.images import image_message
from mesh_pose_ros.messages.markers import person_id
from mesh_pose_ros.messages.rep155_body import JOINTS, Sizes
from mesh_pose_ros.messages.rep155_urdf import urdf
from mesh_pose_ros.messages.types import header, message, point, vector
from mesh_pose_ros.people import Box, Person

Array = NDArray[np.floating]

NECK = KEYPOINTS.index('neck')
SHOULDERS = [KEYPOINTS.index(f'{side}_shoulder') for side in ('left', 'right')]
HEIGHT_PER_HEAD_RADIUS = 15.0  # seven and a half heads, the canon of human_description


def ids_list(track_ids: Sequence[int], stamp_ns: int, frame_id: str) -> Any:
    """Who is followed, as an IdsList."""
    ids = [person_id(track) for track in track_ids]
    return message('hri_msgs/IdsList', header=header(stamp_ns, frame_id), ids=ids)


def roi(person: Person, size: tuple[int, int], stamp_ns: int, frame_id: str) -> Any:
    """
    Where in the image a person is, as a NormalizedRegionOfInterest2D.

    :param size: (width, height) of the image, pixels
    """
    (xmin, ymin), (xmax, ymax) = _normalised(_corners(person.box), size).tolist()
    return message(
        'hri_msgs/NormalizedRegionOfInterest2D',
        header=header(stamp_ns, frame_id),
        xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax,
        c=float(np.clip(person.score, 0, 1)),
    )  # fmt: skip


def cropped(person: Person, image: NDArray[np.uint8], stamp_ns: int, frame_id: str) -> Any | None:
    """
    The part of the image that `roi` tells of, as an Image; None if it has no pixels.

    :param image: (H, W, 3) RGB
    """
    size = (image.shape[1], image.shape[0])
    corners = _normalised(_corners(person.box), size) * size
    (left, top), (right, bottom) = np.round(corners).astype(int)
    if left >= right or top >= bottom:
        return None
    return image_message(image[top:bottom, left:right], stamp_ns, frame_id)


def skeleton2d(person: Person, size: tuple[int, int], stamp_ns: int, frame_id: str) -> Any:
    """
    The 18 points of a Skeleton2D; c is 0 where a point is unknown or not in the image.

    :param size: (width, height) of the image, pixels
    """
    pixels, confidence = _keypoints(person)
    places = _normalised(pixels, size)
    inside = ((pixels >= -0.5) & (pixels <= np.array(size) - 0.5)).all(axis=-1)
    found = zip(places.tolist(), np.where(inside, confidence, 0.0).tolist())
    return message(
        'hri_msgs/Skeleton2D',
        header=header(stamp_ns, frame_id),
        skeleton=[
            message('hri_msgs/NormalizedPointOfInterest2D', x=x, y=y, c=c) for (x, y), c in found
        ],
    )


def _keypoints(person: Person) -> tuple[Array, Array]:
    """Pixels (18, 2) and confidence (18,) of `KEYPOINTS`, NaN and 0 for those not there."""
    pose = person.pose
    places = pose.skeleton.places_of(KEYPOINTS)
    known = places >= 0
    pixels = np.where(known[:, None], pose.joints2d[places], np.nan)
    confidence = np.where(known, np.clip(pose.confidence[places], 0, 1), 0.0)
    pixels[NECK] = pixels[SHOULDERS].mean(axis=0)
    confidence[NECK] = confidence[SHOULDERS].min()
    return pixels, confidence


def _corners(box: Box) -> Array:
    return np.array([[box.x, box.y], [box.x + box.width, box.y + box.height]])


def _normalised(pixels: Array, size: tuple[int, int]) -> Array:
    """Pixels (..., 2) as parts of width and height, within 0 to 1; 0 for NaN."""
    return np.nan_to_num(np.clip((pixels + 0.5) / np.array(size), 0.0, 1.0))


def position(person: Person, stamp_ns: int, frame_id: str) -> Any | None:
    """The origin of ``body_<id>`` as a PointStamped in the camera's frame; None if unknown."""
    place = body_of(person).position
    if not np.isfinite(place).all():
        return None
    head = header(stamp_ns, frame_id)
    return message('geometry_msgs/PointStamped', header=head, point=point(place))


def velocity(person: Person, stamp_ns: int) -> Any | None:
    """How a person moves as a TwistStamped in the frame ``body_<id>``; None if unknown."""
    if person.velocity is None or not np.isfinite(person.velocity).all():
        return None
    axes = quaternion_xyzw_to_matrix(body_of(person).xyzw)
    return message(
        'geometry_msgs/TwistStamped',
        header=header(stamp_ns, f'body_{person_id(person.track_id)}'),
        twist=message(
            'geometry_msgs/Twist',
            linear=vector(person.velocity @ axes),
            angular=vector((0, 0, 0)),
        ),
    )


def joint_states(person: Person, angles: Array, stamp_ns: int) -> Any:
    """
    The angles of `JOINTS` as a JointState.

    :param angles: (20,), radians
    """
    name = person_id(person.track_id)
    return message(
        'sensor_msgs/JointState',
        header=header(stamp_ns, f'body_{name}'),
        name=[f'{joint}_{name}' for joint in JOINTS],
        position=np.asarray(angles, dtype=np.float64),
        velocity=np.zeros(0),
        effort=np.zeros(0),
    )


def description(person: Person, sizes: Sizes) -> Any:
    """The person's URDF as a String."""
    radius = standing_height(person) / HEIGHT_PER_HEAD_RADIUS
    return message('std_msgs/String', data=urdf(person_id(person.track_id), sizes, radius))
