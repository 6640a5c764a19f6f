"""
ROS message types without ROS.

`rosbags` carries the standard definitions and can serialise them; ours are read from the
``.msg`` files that also make the real package. What is encoded here is CDR, byte for byte what
a ROS node would send, so the node publishes it and the bag tool writes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from mesh_pose_ros.messages import hri_msgs

PACKAGE = 'mesh_pose_ros'


def shared_folder() -> Path:
    """
    Where msg, config, launch and demo lie: a checkout's root or share/mesh_pose_ros.

    :raises FileNotFoundError: the package is not installed as a whole
    """
    package = Path(__file__).parents[1]  # links stay unresolved: colcon may install links
    folders = [package.parent, *(above / 'share' / PACKAGE for above in package.parents)]
    for folder in folders:
        if (folder / 'msg' / 'Person.msg').is_file():
            return folder
    raise FileNotFoundError(
        f'{PACKAGE}: its share folder (msg/Person.msg) is not above {package}; '
        'build the workspace or install the package again'
    )


def _typestore() -> Typestore:
    store = get_typestore(Stores.ROS2_HUMBLE)  # the oldest supported; newer ones only add types
    ours: dict[str, Any] = {}
    for path in sorted((shared_folder() / 'msg').glob('*.msg')):
        ours.update(get_types_from_msg(path.read_text(), f'{PACKAGE}/msg/{path.stem}'))
    for name, text in hri_msgs.DEFINITIONS.items():
        ours.update(get_types_from_msg(text, f'{hri_msgs.PACKAGE}/msg/{name}'))
    store.register(ours)
    return store


TYPES = _typestore()
CLASSES = {name.replace('/msg/', '/'): kind for name, kind in TYPES.types.items()}


def message(name: str, /, **fields: Any) -> Any:
    """
    Make a message from all of its fields.

    :param name: 'package/Name', e.g. 'geometry_msgs/Point'
    """
    return CLASSES[name](**fields)


def encode(msg: Any) -> bytes:
    """Serialise a message to CDR, little endian, encapsulation header included."""
    return bytes(TYPES.serialize_cdr(msg, msg.__msgtype__))


def decode(data: bytes | memoryview, name: str) -> Any:
    """Read a message of type 'package/Name' from its CDR bytes."""
    return TYPES.deserialize_cdr(data, CLASSES[name].__msgtype__)


def definition(name: str) -> str:
    """The message's text definition with all that it needs, as MCAP files embed it."""
    return TYPES.generate_msgdef(CLASSES[name].__msgtype__, ros_version=2)[0]


def time(stamp_ns: int) -> Any:
    """Whole nanoseconds as a Time message."""
    return message('builtin_interfaces/Time', sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)


def header(stamp_ns: int, frame_id: str) -> Any:
    """Make a Header."""
    return message('std_msgs/Header', stamp=time(stamp_ns), frame_id=frame_id)


def stamp_ns(msg: Any) -> int:
    """The stamp of a message's header in whole nanoseconds; any ROS library's message."""
    stamp = msg.header.stamp
    return stamp.sec * 10**9 + stamp.nanosec


def point(xyz: Any) -> Any:
    """Make a Point."""
    return message('geometry_msgs/Point', x=float(xyz[0]), y=float(xyz[1]), z=float(xyz[2]))


def vector(xyz: Any) -> Any:
    """Make a Vector3."""
    return message('geometry_msgs/Vector3', x=float(xyz[0]), y=float(xyz[1]), z=float(xyz[2]))


def quaternion(xyzw: Any) -> Any:
    """Make a Quaternion."""
    x, y, z, w = map(float, xyzw)
    return message('geometry_msgs/Quaternion', x=x, y=y, z=z, w=w)
