"""
What can still be read of a bag whose recorder died: no index, no end, a torn page.

Each format is read from its beginning, record by record, in the order of the file. What is
found to be damaged is told through a callback; reading goes on where the format allows it.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mcap.records import Channel, Chunk, McapRecord, Message, Schema
from mcap.stream_reader import StreamReader, breakup_chunk
from rosbags.rosbag1.reader import Header, RecordType, decompressors, read_bytes, read_uint32

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Record:
    """
    One message of a bag, still serialised.

    :param msgtype: 'package/msg/Name'
    :param log_time: when it was recorded, nanoseconds
    :param ros1: serialised as ROS 1 has it, not as CDR
    """

    topic: str
    msgtype: str
    log_time: int
    data: bytes
    ros1: bool = False


def salvage(path: Path, tell: Tell) -> Iterator[Record]:
    """
    Read all records of one bag file that can be read.

    :param path: MCAP, SQLite or ROS 1 file, whatever its name ends in
    :param tell: called with a sentence for each damage
    """
    with path.open('rb') as file:
        magic = file.read(16)
    for start, read in FORMATS.items():
        if magic.startswith(start):
            yield from read(path, tell)
            return
    tell(f'{path.name}: is neither MCAP, SQLite nor a ROS 1 bag')


def _mcap(path: Path, tell: Tell) -> Iterator[Record]:
    schemas: dict[int, str] = {}
    channels: dict[int, Channel] = {}
    for record in _mcap_records(path, tell):
        if isinstance(record, Schema):
            schemas[record.id] = record.name
        elif isinstance(record, Channel):
            channels[record.id] = record
        elif isinstance(record, Message) and record.channel_id in channels:
            channel = channels[record.channel_id]
            msgtype = full_type(schemas.get(channel.schema_id, ''))
            ros1 = channel.message_encoding == 'ros1'
            yield Record(channel.topic, msgtype, record.log_time, record.data, ros1)


def _mcap_records(path: Path, tell: Tell) -> Iterator[McapRecord]:
    """Records in and outside of chunks; a chunk that fails its checksum is left out."""
    size = path.stat().st_size
    with path.open('rb') as file:
        try:
            for record in StreamReader(file, emit_chunks=True, record_size_limit=size).records:
                if not isinstance(record, Chunk):
                    yield record
                    continue
                try:
                    inner = breakup_chunk(record, validate_crc=True)
                except Exception as err:  # decompressors have exceptions of their own
                    tell(_torn(path, file.tell(), err))
                    continue
                yield from inner
        except Exception as err:  # a torn file fails anywhere in the library
            tell(_torn(path, file.tell(), err))


def _sqlite(path: Path, tell: Tell) -> Iterator[Record]:
    database = sqlite3.connect(f'{path.resolve().as_uri()}?mode=ro', uri=True)
    try:
        # else SQLite refuses a file that is shorter than its header says
        database.execute('PRAGMA writable_schema=ON')
        topics = dict(
            (number, (name, kind))
            for number, name, kind in database.execute('SELECT id, name, type FROM topics')
        )
        rows = database.execute('SELECT topic_id, timestamp, data FROM messages ORDER BY id')
        for number, stamp, data in rows:
            name, kind = topics[number]
            yield Record(name, full_type(kind), stamp, data)
    except (sqlite3.Error, KeyError) as err:
        tell(_torn(path, None, err))
    finally:
        database.close()


def _rosbag1(path: Path, tell: Tell) -> Iterator[Record]:
    size = path.stat().st_size
    topics: dict[int, tuple[str, str]] = {}
    with path.open('rb') as file:
        file.readline()
        while file.tell() < size:
            try:
                records = list(_rosbag1_records(Header.read(file), file, topics))
            except Exception as err:  # a torn file fails anywhere in the library
                tell(_torn(path, file.tell(), err))
                return
            yield from records


def _rosbag1_records(header, file, topics: dict[int, tuple[str, str]]) -> Iterator[Record]:  # type: ignore[no-untyped-def]
    """The messages of one record of a ROS 1 bag, which may be a chunk of records."""
    data = read_bytes(file, read_uint32(file))
    kind = header.get_uint8('op')
    if kind == RecordType.CHUNK:
        chunk = io.BytesIO(decompressors[header.get_string('compression')](data))
        while chunk.tell() < len(chunk.getbuffer()):
            yield from _rosbag1_records(Header.read(chunk), chunk, topics)
    elif kind == RecordType.CONNECTION:
        about = Header.read(io.BytesIO(len(data).to_bytes(4, 'little') + data))
        topics[header.get_uint32('conn')] = (
            header.get_string('topic'),
            full_type(about.get_string('type')),
        )
    elif kind == RecordType.MSGDATA:
        topic, msgtype = topics[header.get_uint32('conn')]
        yield Record(topic, msgtype, header.get_time('time'), data, ros1=True)


FORMATS: dict[bytes, Callable[[Path, Tell], Iterator[Record]]] = {
    b'\x89MCAP0\r\n': _mcap,
    b'SQLite format 3\0': _sqlite,
    b'#ROSBAG V2.0\n': _rosbag1,
}


def full_type(name: str) -> str:
    """'package/msg/Name', of the ROS 1 form 'package/Name' too."""
    package, _, rest = name.partition('/')
    return name if '/' in rest or not rest else f'{package}/msg/{rest}'


def _torn(path: Path, place: int | None, err: Exception) -> str:
    where = '' if place is None else f' at byte {place} of {path.stat().st_size}'
    return f'{path.name}: damaged{where} ({str(err) or type(err).__name__})'
