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

from mesh_pose_ros.messages.body_frame import FORWARD_LEFT_UP, Body, body_of, ros_axes
from mesh_pose_ros.messages.markers import person_id
from mesh_pose_ros.messages.types import message, quaternion, time, vector
from mesh_pose_ros.people import Person
from mesh_pose_ros.skeletons import ROOT

Array = NDArray[np.floating]
NO_TURN = (0.0, 0.0, 0.0, 1.0)
IN_ROS_AXES = (*FORWARD_LEFT_UP, 3)  # of a quaternion x y z w
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
        body = body_of(person)
        if not np.isfinite(body.position).all():
            continue
        child = f'body_{person_id(person.track_id)}'
        place = body.position.tolist(), body.xyzw.tolist()
        found.append(_transform(stamp, frame_id, child, *place))
        if contents == 'joints':
            found += _joints(person, body, stamp)
    return message('tf2_msgs/TFMessage', transforms=found)


def _joints(person: Person, body: Body, stamp: Any) -> list[Any]:
    mesh, name = person.mesh, person_id(person.track_id)
    if mesh is None or mesh.joints is None or mesh.rotations is None:
        return []
    if mesh.topology.skeleton is None or body.relative is None:
        return []
    skeleton = mesh.topology.skeleton
    parents = np.array(skeleton.parents)
    root = parents == ROOT
    # the root's own axes are the body's
    above = ros_axes(mesh.rotations)[np.where(root, 0, parents)]
    offsets = mesh.joints - np.where(root[:, None], body.position, mesh.joints[parents])
    offsets = np.einsum('jki,jk->ji', above, offsets)
    turns = np.where(root[:, None], NO_TURN, body.relative[:, IN_ROS_AXES])
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
