"""
Mesh markers as CDR, straight from arrays.

CDR (OMG DDS-XTypes 1.3, plain encoding) writes numbers little-endian, each aligned to its own
size counted from behind the four bytes of the encapsulation header; text and sequences start
with their length.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

TRIANGLE_LIST = 11


class Cdr:
    """A message as it grows."""

    def __init__(self) -> None:
        self._parts: list[Any] = []
        self._size = 0

    def bytes(self) -> bytes:
        """The message with its encapsulation header."""
        return b''.join([b'\x00\x01\x00\x00', *self._parts])

    def add(self, data: Any, size: int) -> None:
        """Append bytes (anything with a buffer of bytes) as they are."""
        self._parts.append(data)
        self._size += size

    def pack(self, kinds: str, *values: Any) -> None:
        """Write numbers of one size; kinds as in `struct`, such as '3d'."""
        self.align(struct.calcsize(kinds[-1]))
        data = struct.pack(f'<{kinds}', *values)
        self.add(data, len(data))

    def align(self, width: int) -> None:
        """Fill up to the next multiple of width."""
        pad = -self._size % width
        self.add(b'\x00' * pad, pad)

    def text(self, text: str) -> None:
        """Write a string."""
        data = text.encode() + b'\x00'
        self.pack('I', len(data))
        self.add(data, len(data))

    def marker(
        self, stamp_ns: int, frame_id: str, ns: str, action: int, color: Sequence[float],
        scale: float, lifetime: float, soup: NDArray[np.float64],
    ) -> None:  # fmt: skip
        """Write a TRIANGLE_LIST Marker, field by field as in its definition."""
        self.pack('II', *divmod(stamp_ns, 10**9))
        self.text(frame_id)
        self.text(ns)
        self.pack('iii', 0, TRIANGLE_LIST, action)
        self.pack('7d', 0, 0, 0, 0, 0, 0, 1)  # pose
        self.pack('3d', scale, scale, scale)
        self.pack('4f', *color)
        self.pack('ii', *divmod(round(lifetime * 1e9), 10**9))
        self.pack('?', False)  # frame_locked
        self.pack('I', 3 * len(soup))
        if len(soup):
            self.align(8)
            self.add(soup.data.cast('B'), soup.nbytes)
        self.pack('I', 0)  # colors
        self.text('')  # texture_resource
        self.pack('II', 0, 0)  # texture: stamp
        self.text('')  # frame
        self.text('')  # format
        self.pack('II', 0, 0)  # no data; uv_coordinates
        self.text('')  # text
        self.text('')  # mesh_resource
        self.text('')  # mesh_file: name
        self.pack('I', 0)  # no data
        self.pack('?', False)  # mesh_use_embedded_materials
