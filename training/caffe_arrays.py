"""
Read the arrays of a trained Caffe network (``.caffemodel``), without Caffe.

Such a file is one protocol buffer, a NetParameter: a list of layers, each with a name and its
arrays ("blobs"). Only these few fields are read, by the numbers that ``caffe.proto`` gives
them; what forks of Caffe have added is passed over. Old files keep their layers elsewhere and
shapes as four numbers, both are known here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.checkpoints import CheckpointError

LAYER, OLD_LAYER = 100, 2  # of NetParameter
# field numbers of name, type and blobs in each kind of layer
LAYER_FIELDS = {LAYER: (1, 2, 7), OLD_LAYER: (4, 5, 6)}
CONVOLUTIONS = (b'Convolution', b'Deconvolution', 4, 39)  # new and old types
OLD_SHAPE = (1, 2, 3, 4)  # fields of a blob: number, channels, height, width
FLOATS, SHAPE, DOUBLES = 5, 7, 8
DIMENSION = 1  # of a shape
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # how a field is written

Value = int | memoryview


def read_caffe_arrays(path: Path) -> dict[str, Tensor]:
    """
    Arrays of a Caffe network, float32, by ``<layer>.<number>``.

    Weights of convolutions are (outputs, inputs, height, width), of inner products (outputs,
    inputs); an LSTM has input weight, bias and recurrent weight.

    :raises CheckpointError: it is not such a file, or is cut off, or holds no arrays
    """
    try:
        data = memoryview(path.read_bytes())
    except FileNotFoundError:
        raise CheckpointError(f'{path}: there is no such file') from None
    try:
        arrays = dict(_arrays(data))
    except (ValueError, IndexError) as err:
        raise CheckpointError(f'{path}: not a Caffe model, or not whole ({err})') from err
    if not arrays:
        raise CheckpointError(f'{path}: a Caffe network without arrays (a .prototxt has none)')
    return arrays


def _arrays(data: memoryview) -> Iterator[tuple[str, Tensor]]:
    for number, value in _fields(data):
        if number in LAYER_FIELDS:
            yield from _layer_arrays(_message(value), *LAYER_FIELDS[number])


def _layer_arrays(
    data: memoryview, name_field: int, type_field: int, blob_field: int
) -> Iterator[tuple[str, Tensor]]:
    name, kind, blobs = '', b'', []
    for number, value in _fields(data):
        if number == name_field:
            name = bytes(_message(value)).decode()
        elif number == type_field:
            kind = value if isinstance(value, int) else bytes(value)
        elif number == blob_field:
            blobs.append(_message(value))
    for place, blob in enumerate(blobs):
        four = kind in CONVOLUTIONS and place == 0
        yield f'{name}.{place}', torch.from_numpy(_blob(blob, four))


def _blob(data: memoryview, four: bool) -> NDArray[np.float32]:
    """
    Read an array.

    :param four: it has four axes; else leading ones of an old shape are dropped
    """
    fields = list(_fields(data))
    shapes = [_message(value) for number, value in fields if number == SHAPE]
    values = [_numbers(v, np.dtype('<f4')) for number, v in fields if number == FLOATS]
    values += [_numbers(v, np.dtype('<f8')) for number, v in fields if number == DOUBLES]
    flat = np.concatenate(values or [np.zeros(0)]).astype(np.float32)
    shape = _shape(shapes[-1]) if shapes else _old_shape(dict(fields), four)
    if math.prod(shape) != len(flat):
        raise ValueError(f'{len(flat)} values for an array of shape {shape}')
    return flat.reshape(shape)


def _shape(data: memoryview) -> tuple[int, ...]:
    sizes: list[int] = []
    for number, value in _fields(data):
        if number == DIMENSION:
            sizes += [value] if isinstance(value, int) else _varints(value)
    return tuple(sizes)


def _old_shape(fields: dict[int, Value], four: bool) -> tuple[int, ...]:
    shape = [value for n in OLD_SHAPE if isinstance(value := fields.get(n, 1), int)]
    while not four and len(shape) > 1 and shape[0] == 1:
        shape.pop(0)
    return tuple(shape)


def _fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """Field numbers and values of a message; four and eight bytes stay as they are."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise ValueError(f'byte {place}: no field has the number 0')
        if kind == VARINT:
            value, place = _varint(data, place)
            yield number, value
            continue
        if kind == LENGTH:
            size, place = _varint(data, place)
        elif kind in (FOUR_BYTES, EIGHT_BYTES):
            size = 4 if kind == FOUR_BYTES else 8
        else:
            raise ValueError(f'byte {place}: no field is written so')
        if place + size > len(data):
            raise ValueError(f'byte {place}: {size} bytes should follow, {len(data) - place} do')
        yield number, data[place : place + size]
        place += size


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, and where it ends."""
    value = shift = 0
    while shift < 64:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
    raise ValueError(f'byte {place}: a number that does not end')


def _varints(data: memoryview) -> list[int]:
    numbers, place = [], 0
    while place < len(data):
        number, place = _varint(data, place)
        numbers.append(number)
    return numbers


def _numbers(value: Value, kind: np.dtype[np.floating]) -> NDArray[np.floating]:
    return np.frombuffer(_message(value), dtype=kind)


def _message(value: Value) -> memoryview:
    if isinstance(value, int):
        raise ValueError('a number where a text or a message should be')
    return value
