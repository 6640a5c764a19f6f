"""
Bags of every kind as one stream of records: rosbag2 (MCAP, SQLite) and ROS 1.

A sound bag is read through its index, in the order of recording. One that has lost its index
or its end is read as far as it goes, and says so in ``damage``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rosbags.rosbag1 import Reader as Reader1
from rosbags.rosbag2 import Reader as Reader2
from rosbags.typesys import Stores, get_typestore

from mesh_pose_ros.bag.salvage import FORMATS, Record, salvage
from mesh_pose_ros.errors import BadImageError, BagError
from mesh_pose_ros.messages import types

ROS1_TYPES = get_typestore(Stores.ROS1_NOETIC)
ENDINGS = ('.mcap', '.db3')


@dataclass(frozen=True)
class Topic:
    """What a bag says about one of its topics; ``count`` is the number of messages."""

    name: str
    msgtype: str
    count: int


class Bag(Protocol):
    """A bag that is open."""

    path: Path
    topics: dict[str, Topic]
    damage: list[str]  # sentences; grows while reading

    def records(self, topics: Collection[str]) -> Iterator[Record]:
        """Yield the messages of some topics in order; may be called again."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


class IndexedBag:
    """A sound bag, read by rosbags. See `Bag`."""

    def __init__(self, path: Path) -> None:
        self.path, self.damage = path, []  # type: ignore[var-annotated]
        self.ros1 = path.suffix == '.bag'
        self._reader: Any = Reader1(path) if self.ros1 else Reader2(path)
        self._reader.open()
        self.topics = {
            name: Topic(name, info.msgtype or 'several types', info.msgcount)
            for name, info in self._reader.topics.items()
        }

    def records(self, topics: Collection[str]) -> Iterator[Record]:
        """Yield the messages of some topics by time of recording."""
        wanted = [c for c in self._reader.connections if c.topic in topics]
        if not wanted:
            return
        messages = self._reader.messages(connections=wanted)
        while True:
            try:
                connection, stamp, data = next(messages)
            except StopIteration:
                return
            except Exception as err:  # a torn chunk fails anywhere in the library
                self.damage.append(f'{self.path.name}: damaged, reading ended early ({err})')
                return
            yield Record(connection.topic, connection.msgtype, stamp, bytes(data), self.ros1)

    def close(self) -> None:
        """Let go of the files."""
        self._reader.close()


class SalvagedBag:
    """A bag without index or end, read as far as it goes. See `Bag`."""

    def __init__(self, path: Path, files: Collection[Path]) -> None:
        self.path, self.files = path, files
        self.damage: list[str] = []
        counts: dict[tuple[str, str], int] = {}
        for record in self._all(self.damage):
            key = record.topic, record.msgtype
            counts[key] = counts.get(key, 0) + 1
        self.topics = {name: Topic(name, kind, n) for (name, kind), n in counts.items()}

    def records(self, topics: Collection[str]) -> Iterator[Record]:
        """Yield the messages of some topics in the order of the file."""
        return (record for record in self._all([]) if record.topic in topics)

    def _all(self, damage: list[str]) -> Iterator[Record]:
        for file in self.files:
            yield from salvage(file, damage.append)

    def close(self) -> None:
        """Nothing is held open."""


def open_bag(path: Path) -> Bag:
    """
    Open a bag, sound or not.

    :param path: rosbag2 folder, .mcap, .db3, or .bag of ROS 1
    :raises BagError: no such bag, or not a single message of it can be read
    """
    if not path.exists():
        raise BagError(f'{path}: there is no such bag')
    files = _files_of(path)
    if not files and not is_bag_folder(path):
        raise BagError(
            f'{path}: is not a bag; give a rosbag2 folder, an .mcap, .db3 or ROS 1 .bag file'
        )
    with suppress(Exception):  # a torn index fails anywhere in the library; then salvage
        return IndexedBag(path)
    bag = SalvagedBag(path, files)
    if not bag.topics:
        reason = '; '.join(bag.damage) or 'it is empty'
        raise BagError(f'{path}: nothing can be read of this bag: {reason}')
    return bag


def is_bag_folder(path: Path) -> bool:
    """Whether a folder holds a bag of rosbag2, perhaps with compressed files."""
    return path.is_dir() and ((path / 'metadata.yaml').is_file() or bool(_files_of(path)))


def _files_of(path: Path) -> list[Path]:
    """The files with messages, in the order of recording."""
    if path.is_file():
        with path.open('rb') as file:
            magic = file.read(16)
        return [path] if magic.startswith(tuple(FORMATS)) else []
    found = [file for file in path.iterdir() if file.suffix in ENDINGS]
    return sorted(found, key=lambda file: (len(file.name), file.name))  # part 10 after part 9


def message_of(record: Record) -> Any:
    """
    Deserialise a record.

    :raises BadImageError: the bytes are not a message of the record's type
    """
    try:
        if record.ros1:
            return ROS1_TYPES.deserialize_ros1(record.data, record.msgtype)
        package, _, name = record.msgtype.split('/')
        return types.decode(record.data, f'{package}/{name}')
    except Exception as err:  # rosbags lets struct.error, IndexError and others out
        raise BadImageError(
            f'{record.topic}: message of {len(record.data)} bytes is no {record.msgtype}: {err!r}'
        ) from err


def stamp_of(record: Record, msg: Any) -> int:
    """When a record's image was taken, nanoseconds; some drivers do not say: when it was kept."""
    return types.stamp_ns(msg) or record.log_time
