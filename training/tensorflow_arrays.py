"""
Arrays of TensorFlow checkpoints, without TensorFlow, in PyTorch's layout.

A checkpoint of TensorFlow 1 or 2 is ``<prefix>.index``, a table of names in LevelDB's format, and
``<prefix>.data-00000-of-00001``, the numbers; a SavedModel has such a pair in ``variables/``.
Nothing in them can be executed. Kernels are stored as height, width, inputs, outputs; ours are
outputs, inputs, height, width.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.checkpoints import CheckpointError
from training.snappy import decompressed, varint

Arrays = dict[str, NDArray[np.generic]]

MAGIC = 0xDB4775248B80FB57  # last eight bytes of a table
FOOTER, TRAILER = 48, 5  # bytes; the trailer of a block is its compression and a checksum
TYPES = {1: '<f4', 2: '<f8', 3: '<i4', 9: '<i8', 19: '<f2'}  # of TensorFlow's DataType
VARINT, LENGTH, FIXED32, FIXED64 = 0, 2, 5, 1  # protocol buffers' wire types


@dataclass(frozen=True)
class Entry:
    """Where an array lies in the data file."""

    kind: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int


def read_tensorflow_arrays(path: Path) -> dict[str, Tensor]:
    """
    Arrays by name, in PyTorch's layout.

    :param path: of the ``.index`` file, the prefix before it, or the folder of a SavedModel; or
        an ``.npz`` file of arrays by name as TensorFlow has them
    :raises CheckpointError: it is no such file
    """
    if path.suffix == '.npz':
        return in_torch_layout(_npz_arrays(path))
    prefix = path / 'variables' / 'variables' if path.is_dir() else path
    prefix = prefix.with_suffix('') if prefix.suffix == '.index' else prefix
    return in_torch_layout(_stored_arrays(prefix))


def in_torch_layout(arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, Tensor]:
    """
    Turn kernels of convolutions and fully connected layers around; leave vectors as they are.

    :param arrays: by name, as TensorFlow stores them; ``:0`` at the end of a name is dropped
    """
    return {
        name.removesuffix(':0'): torch.from_numpy(_turned(array).copy())
        for name, array in arrays.items()
    }


def _turned(array: NDArray[np.generic]) -> NDArray[np.generic]:
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    return array.T if array.ndim == 2 else array


def _npz_arrays(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise CheckpointError(f'{path}: there is no such file') from None
    except Exception as err:  # a broken archive breaks in many ways
        raise CheckpointError(f'{path}: cannot be read ({err})') from err


def _stored_arrays(prefix: Path) -> Arrays:
    index = prefix.with_name(f'{prefix.name}.index')
    try:
        table = index.read_bytes()
        entries = {name.decode(): _entry(value) for name, value in _rows(table) if name}
    except FileNotFoundError:
        raise CheckpointError(f'{index}: there is no such file') from None
    except (IndexError, ValueError, struct.error) as err:
        raise CheckpointError(f'{index}: no index of a TensorFlow checkpoint ({err})') from err
    except CheckpointError as err:
        raise CheckpointError(f'{index}: {err}') from None
    shards = sorted(prefix.parent.glob(f'{prefix.name}.data-?????-of-?????'))
    numbers = {name: entry for name, entry in entries.items() if entry.kind in TYPES}
    if any(entry.shard >= len(shards) for entry in numbers.values()):
        raise CheckpointError(f'{prefix}.data-00000-of-00001: there is no such file')
    data = [np.memmap(shard, np.uint8, 'r') for shard in shards if shard.stat().st_size]
    return {name: _array(data[e.shard], name, e) for name, e in numbers.items()}


def _array(data: NDArray[np.uint8], name: str, entry: Entry) -> NDArray[np.generic]:
    kind = np.dtype(TYPES[entry.kind])
    count = int(np.prod(entry.shape))
    raw = data[entry.offset : entry.offset + entry.size]
    if len(raw) != count * kind.itemsize:
        raise CheckpointError(f'{name}: the data file is too short')
    return np.frombuffer(raw.tobytes(), kind).reshape(entry.shape)


def _rows(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a table: its last block lists the blocks that hold them."""
    if len(table) < FOOTER or struct.unpack('<Q', table[-8:])[0] != MAGIC:
        raise CheckpointError('no index of a TensorFlow checkpoint')
    _, _, place = _handle(table, len(table) - FOOTER)  # of a block that nobody needs
    start, size, _ = _handle(table, place)
    for _, handle in _block(table, start, size):
        start, size, _ = _handle(handle, 0)
        yield from _block(table, start, size)


def _handle(data: bytes, place: int) -> tuple[int, int, int]:
    """Start and size of a block, and where its handle ends."""
    start, place = varint(data, place)
    size, place = varint(data, place)
    return start, size, place


def _block(table: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Rows of a block; a key is given as what differs from the one before."""
    if len(table) < start + size + TRAILER:
        raise CheckpointError('a block is cut off')
    block = table[start : start + size]
    if table[start + size]:
        block = decompressed(block)
    end = len(block) - 4 * (1 + struct.unpack('<I', block[-4:])[0])  # of rows; restarts follow
    key, place = b'', 0
    while place < end:
        shared, place = varint(block, place)
        fresh, place = varint(block, place)
        length, place = varint(block, place)
        key = key[:shared] + block[place : place + fresh]
        place += fresh
        yield key, block[place : place + length]
        place += length


def _entry(message: bytes) -> Entry:
    """Read a BundleEntryProto."""
    told: dict[int, int] = {}
    shape: tuple[int, ...] = ()
    for field, value in _fields(message):
        if field == 2 and isinstance(value, bytes):
            sizes = (
                dict(_fields(d)) for f, d in _fields(value) if f == 2 and isinstance(d, bytes)
            )
            shape = tuple(int(dim.get(1, 0)) for dim in sizes)
        elif isinstance(value, int):
            told[field] = value
    return Entry(told.get(1, 0), shape, told.get(3, 0), told.get(4, 0), told.get(5, 0))


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of a protocol buffer's fields."""
    place = 0
    while place < len(message):
        tag, place = varint(message, place)
        field, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, place = varint(message, place)
            yield field, value
        elif wire == LENGTH:
            size, place = varint(message, place)
            yield field, message[place : place + size]
            place += size
        elif wire in (FIXED32, FIXED64):
            place += 4 if wire == FIXED32 else 8
        else:
            raise CheckpointError('no index of a TensorFlow checkpoint')
