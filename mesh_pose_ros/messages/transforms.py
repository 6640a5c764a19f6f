"""
Bodies and their joints as TF.

``body_<id>`` hangs on the image's frame, the joints of the body model on each other below it, so
a viewer draws the skeleton. No frame occurs twice: a track's name is never used again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.rotations import matrix_to_quaternion_xyzw
from mesh_pose_ros.messages.body_frame import body_rotation, pelvis_position, ros_axes
from mesh_pose_ros.messages.markers import person_id
from mesh_pose_ros.messages.types import message, quaternion, time, vector
from mesh_pose_ros.people import Person
from mesh_pose_ros.skeletons import ROOT

Array = NDArray[np.floating]
CONTENTS = ('none', 'body', 'joints')


def transforms(
    people: Iterable[Person], stamp_ns: int, frame_id: str, contents: str = 'body'
) -> Any:
    """
    Where everybody is, as a TFMessage.

    :param stamp_ns, frame_id: of the image
    :param contents: 'none', 'body' for ``body_<id>``, 'joints' for these and, of people with a
        mesh, ``<joint>_<id>``
    """
    found: list[Any] = []
    stamp = time(stamp_ns)
    for person in people if contents != 'none' else ():
        if not np.isfinite(pelvis_position(person.pose)).all():
            continue
        found += _body(person, stamp, frame_id)
        if contents == 'joints':
            found += _joints(person, stamp)
    return message('tf2_msgs/TFMessage', transforms=found)


def _body(person: Person, stamp: Any, frame_id: str) -> list[Any]:
    position, rotation = _body_pose(person)
    child = f'body_{person_id(person.track_id)}'
    xyzw = matrix_to_quaternion_xyzw(rotation)
    return [_transform(stamp, frame_id, child, position.tolist(), xyzw.tolist())]


def _body_pose(person: Person) -> tuple[Array, Array]:
    rotation = body_rotation(person)
    return pelvis_position(person.pose), np.eye(3) if rotation is None else rotation


def _joints(person: Person, stamp: Any) -> list[Any]:
    mesh, name = person.mesh, person_id(person.track_id)
    if mesh is None or mesh.joints is None or mesh.rotations is None:
        return []
    skeleton = mesh.topology.skeleton
    if skeleton is None:
        return []
    position, rotation = _body_pose(person)
    parents = np.array(skeleton.parents)
    root = (parents == ROOT)[:, None]
    rotations = ros_axes(mesh.rotations)
    above = np.where(root[..., None], rotation, rotations[parents])
    offsets = mesh.joints - np.where(root, position, mesh.joints[parents])
    offsets = np.einsum('jki,jk->ji', above, offsets)
    turns = matrix_to_quaternion_xyzw(np.swapaxes(above, -1, -2) @ rotations)
    frames = [f'{joint}_{name}' for joint in skeleton.names]
    return [
        _transform(stamp, f'body_{name}' if p == ROOT else frames[p], child, offset, turn)
        for p, child, offset, turn in zip(
            parents.tolist(), frames, offsets.tolist(), turns.tolist()
        )
    ]


def _transform(
    stamp: Any, parent: str, child: str, offset: Sequence[float], xyzw: Sequence[float]
) -> Any:
    return message(
        'geometry_msgs/TransformStamped',
        header=message('std_msgs/Header', stamp=stamp, frame_id=parent),
        child_frame_id=child,
        transform=message(
            'geometry_msgs/Transform', translation=vector(offset), rotation=quaternion(xyzw)
        ),
    )
