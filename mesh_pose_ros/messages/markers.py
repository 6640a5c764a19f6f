"""
Skeletons and meshes as visualization_msgs/MarkerArray, for RViz and Foxglove.

A skeleton is three markers of its track's namespace. A mesh is a million bytes of triangles;
made of Point objects it costs 60 ms, so it is written as CDR straight from arrays, with the
same bytes as result.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.messages.cdr import Cdr
from mesh_pose_ros.messages.surfaces import drawn_faces, triangle_soup
from mesh_pose_ros.messages.types import header, message, point, quaternion, vector
from mesh_pose_ros.people import Mesh, Person, Pose

Array = NDArray[np.floating]
Colour = tuple[float, float, float]

SPHERE_LIST, LINE_LIST, TEXT = 7, 5, 9
ADD, DELETE = 0, 2
LINES, JOINTS, LABEL = 0, 1, 2  # marker ids within the namespace of a skeleton
MIN_CONFIDENCE = 0.3  # joints below are left out
LIFETIME = 0.5  # seconds a marker outlives a stream that stopped
NO_BYTES = np.zeros(0, np.uint8)
NO_TEXTURE = message('sensor_msgs/CompressedImage', header=header(0, ''), format='', data=NO_BYTES)
NO_FILE = message('visualization_msgs/MeshFile', filename='', data=NO_BYTES)
GOLDEN = 0.61803398875  # turns of the colour wheel between two tracks


def person_id(track_id: int) -> str:
    """Short name of a track; starts with a letter so that topics and frames may hold it."""
    return f'p{track_id}'


def colour_of(track_id: int) -> Colour:
    """A bright colour (r, g, b), 0 to 1, far from those of the tracks before."""
    return colorsys.hsv_to_rgb(track_id * GOLDEN % 1.0, 0.75, 1.0)


def skeleton_markers(
    people: Iterable[Person],
    stamp_ns: int,
    frame_id: str,
    *,
    ended: Iterable[int] = (),
    lifetime: float = LIFETIME,
    min_confidence: float = MIN_CONFIDENCE,
) -> Any:
    """
    Bones, joints and name of each person as a MarkerArray.

    :param ended: track ids whose markers shall go
    :param lifetime: seconds
    :param min_confidence: joints below are left out, the others fade with their confidence
    """
    image: dict[str, Any] = {'frame_id': frame_id, 'stamp_ns': stamp_ns}
    markers = []
    for person in people:
        base = image | {'ns': f'skeleton/{person_id(person.track_id)}', 'lifetime': lifetime}
        markers += _skeleton(person, base, min_confidence)
    for track in ended:
        base = image | {'ns': f'skeleton/{person_id(track)}', 'action': DELETE}
        markers += [_marker(**base, id=i) for i in (LINES, JOINTS, LABEL)]
    return message('visualization_msgs/MarkerArray', markers=markers)


def _skeleton(person: Person, base: dict[str, Any], min_confidence: float) -> list[Any]:
    pose, colour = person.pose, colour_of(person.track_id)
    seen = (pose.confidence >= min_confidence) & np.isfinite(pose.joints3d).all(axis=-1)
    bones = pose.skeleton.bones
    bones = bones[seen[bones].all(axis=-1)].reshape(-1)
    joints = np.flatnonzero(seen)
    return [
        _points_marker(pose, bones, colour, base | {'id': LINES, 'type': LINE_LIST}, 0.03),
        _points_marker(pose, joints, colour, base | {'id': JOINTS, 'type': SPHERE_LIST}, 0.05),
        _label(person, pose.joints3d[joints], base),
    ]


def _points_marker(
    pose: Pose, places: NDArray[np.int64], colour: Colour, base: dict[str, Any], size: float
) -> Any:
    return _marker(
        **base,
        action=ADD if len(places) else DELETE,
        scale=(size, size, size),
        color=(*colour, 1.0),
        points=_each(places, [point(xyz) for xyz in pose.joints3d.tolist()]),
        colors=_each(places, [_rgba((*colour, c)) for c in pose.confidence.tolist()]),
    )


def _each(places: NDArray[np.int64], values: list[Any]) -> list[Any]:
    return [values[place] for place in places.tolist()]


def _label(person: Person, joints: Array, base: dict[str, Any]) -> Any:
    """The track's name over the highest joint; up is -y in the camera frame."""
    place = joints[joints[:, 1].argmin()] - (0.0, 0.3, 0.0) if len(joints) else np.zeros(3)
    return _marker(
        **base,
        id=LABEL,
        type=TEXT,
        action=ADD if len(joints) else DELETE,
        position=place,
        scale=(0.0, 0.0, 0.15),
        color=(1.0, 1.0, 1.0, 1.0),
        text=person_id(person.track_id),
    )


def _rgba(values: Sequence[float]) -> Any:
    r, g, b, a = values
    return message('std_msgs/ColorRGBA', r=r, g=g, b=b, a=a)


def _marker(
    *,
    frame_id: str,
    stamp_ns: int,
    ns: str,
    id: int,
    type: int = 0,
    action: int = ADD,
    position: Sequence[float] | Array = (0.0, 0.0, 0.0),
    scale: Sequence[float] = (0.0, 0.0, 0.0),
    color: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
    lifetime: float = 0.0,
    points: Sequence[Any] = (),
    colors: Sequence[Any] = (),
    text: str = '',
) -> Any:
    return message(
        'visualization_msgs/Marker',
        header=header(stamp_ns, frame_id),
        ns=ns,
        id=id,
        type=type,
        action=action,
        pose=message(
            'geometry_msgs/Pose', position=point(position), orientation=quaternion((0, 0, 0, 1))
        ),
        scale=vector(scale),
        color=_rgba(color),
        lifetime=message('builtin_interfaces/Duration', **_seconds(lifetime)),
        frame_locked=False,
        points=list(points),
        colors=list(colors),
        texture_resource='',
        texture=NO_TEXTURE,
        uv_coordinates=[],
        text=text,
        mesh_resource='',
        mesh_file=NO_FILE,
        mesh_use_embedded_materials=False,
    )


def _seconds(seconds: float) -> dict[str, int]:
    whole, rest = divmod(round(seconds * 1e9), 10**9)
    return {'sec': whole, 'nanosec': rest}


def mesh_markers(
    people: Iterable[Person],
    stamp_ns: int,
    frame_id: str,
    *,
    ended: Iterable[int] = (),
    lifetime: float = LIFETIME,
    level: int = 0,
) -> bytes:
    """
    The surface of each person that has one, as the CDR bytes of a MarkerArray.

    :param ended: track ids whose markers shall go
    :param lifetime: seconds
    :param level: 0 for every triangle, 1, 2 ... for about a quarter each, see `drawn_faces`
    """
    fields = [_mesh_fields(p.track_id, p.mesh, lifetime, level) for p in people if p.mesh]
    fields += [_mesh_end(track) for track in ended]
    cdr = Cdr()
    cdr.pack('I', len(fields))
    for one in fields:
        cdr.marker(stamp_ns, frame_id, *one)
    return cdr.bytes()


_MeshFields = tuple[str, int, tuple[float, ...], float, float, NDArray[np.float64]]


def _mesh_fields(track_id: int, mesh: Mesh, lifetime: float, level: int) -> _MeshFields:
    """Namespace, action, colour, scale, lifetime, triangles. Alpha 1: RViz garbles the rest."""
    soup = triangle_soup(mesh.vertices, drawn_faces(mesh.topology, level))
    color = (*colour_of(track_id), 1.0)
    return f'mesh/{person_id(track_id)}', ADD, color, 1.0, lifetime, soup


def _mesh_end(track_id: int) -> _MeshFields:
    nothing = np.zeros((0, 3, 3))
    return f'mesh/{person_id(track_id)}', DELETE, (0.0,) * 4, 0.0, 0.0, nothing
