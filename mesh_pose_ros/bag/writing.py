"""An MCAP file with the definitions of its messages inside, so that any viewer opens it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from mcap.writer import CompressionType, Writer

from mesh_pose_ros.errors import BagError
from mesh_pose_ros.messages.types import definition
from mesh_pose_ros.render.files import file_behind, writing

# rosbag2's numbers: keep last; reliable; transient local or volatile
QOS = """- history: 1
  depth: {depth}
  reliability: 1
  durability: {durability}
  deadline: {{sec: 9223372036, nsec: 854775807}}
  lifespan: {{sec: 9223372036, nsec: 854775807}}
  liveliness: 1
  liveliness_lease_duration: {{sec: 9223372036, nsec: 854775807}}
  avoid_ros_namespace_conventions: false
"""
LATCHED, VOLATILE = QOS.format(depth=1, durability=1), QOS.format(depth=10, durability=2)


class McapFile:
    """
    An MCAP file being written.

    While it grows it is called ``<name>.partial``; it gets its name when it is complete. The
    same messages give the same bytes.

    A link is followed: the file behind it is replaced.

    :raises BagError: the file cannot be written: no right, no folder, disk full, or there is a
        folder or a device of that name
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._target = file_behind(path)
        self.partial = self._target.with_name(self._target.name + '.partial')
        self._schemas: dict[str, int] = {}
        self._stream = self._on_disk(self._open)
        self._writer = Writer(self._stream, compression=CompressionType.ZSTD)
        self._on_disk(self._writer.start, 'ros2', 'mesh_pose_ros')

    def channel(self, topic: str, kind: str, *, latched: bool = False) -> int:
        """
        Announce a topic.

        :param kind: 'package/Name'
        :param latched: late subscribers get the last message when the bag is played
        :return: the channel, for `write`
        """
        if kind not in self._schemas:
            package, name = kind.split('/')
            text = definition(kind).encode()
            number = self._writer.register_schema(f'{package}/msg/{name}', 'ros2msg', text)
            self._schemas[kind] = number
        qos = {'offered_qos_profiles': LATCHED if latched else VOLATILE}
        return self._writer.register_channel(topic, 'cdr', self._schemas[kind], qos)

    def write(self, channel: int, data: bytes, log_time: int) -> None:
        """Append a serialised message; ``log_time`` in nanoseconds."""
        self._on_disk(self._writer.add_message, channel, log_time, data, log_time)

    def close(self) -> None:
        """Write the index and give the file its name."""
        self._on_disk(self._finish)

    def _open(self) -> Any:
        self.partial.parent.mkdir(parents=True, exist_ok=True)
        return self.partial.open('wb')

    def _finish(self) -> None:
        self._writer.finish()
        self._stream.flush()
        os.fsync(self._stream.fileno())  # a full network disk may say so only here
        self._stream.close()
        self.partial.replace(self._target)

    def _on_disk(self, act: Callable[..., Any], *values: Any) -> Any:
        try:
            with writing(self.path):
                return act(*values)
        except BagError as err:
            if not self.partial.exists():
                raise
            raise BagError(f'{err}; what there is until then is in {self.partial}') from err

    def __enter__(self) -> McapFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            with suppress(OSError):
                self._stream.close()
