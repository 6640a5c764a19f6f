"""
Snappy decompression: github.com/google/snappy, format_description.txt.

Slow, as it goes byte by byte in Python; meant for small things such as a checkpoint's index.
"""

from __future__ import annotations

LITERAL = 0  # kind of element, its tag's two lowest bits; the others are copies
OFFSET_BYTES = {1: 1, 2: 2, 3: 4}  # of copies, after the tag


def decompressed(data: bytes) -> bytes:
    """
    Undo snappy.

    :raises ValueError: the data is broken
    """
    size, place = varint(data, 0)
    out = bytearray()
    while place < len(data):
        tag, place = data[place], place + 1
        if tag & 3 == LITERAL:
            length, place = _literal_length(data, tag, place)
            out += data[place : place + length]
            place += length
        else:
            length, offset, place = _copy(data, tag, place)
            _repeat(out, offset, length)
    if len(out) != size:
        raise ValueError(f'{len(out)} bytes, not {size}')
    return bytes(out)


def varint(data: bytes, place: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, the lowest first, and where it ends."""
    value, shift = 0, 0
    while True:
        byte = data[place]
        value, shift, place = value | (byte & 0x7F) << shift, shift + 7, place + 1
        if byte < 0x80:
            return value, place


def _literal_length(data: bytes, tag: int, place: int) -> tuple[int, int]:
    short = tag >> 2
    if short < 60:
        return short + 1, place
    width = short - 59
    return int.from_bytes(data[place : place + width], 'little') + 1, place + width


def _copy(data: bytes, tag: int, place: int) -> tuple[int, int, int]:
    """Length and offset of what is repeated, and where the element ends."""
    kind = tag & 3
    width = OFFSET_BYTES[kind]
    offset = int.from_bytes(data[place : place + width], 'little')
    if kind == 1:
        return (tag >> 2 & 7) + 4, offset | (tag >> 5) << 8, place + width
    return (tag >> 2) + 1, offset, place + width


def _repeat(out: bytearray, offset: int, length: int) -> None:
    """Append what was written before; it may overlap what is being written."""
    if not 0 < offset <= len(out):
        raise ValueError(f'repeats what was {offset} bytes ago, after {len(out)}')
    for _ in range(length):
        out.append(out[-offset])
