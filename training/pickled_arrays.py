"""
Read a list of arrays that Python 2 pickled, and nothing else.

A pickle is a program. This reader lets it make arrays and refuses whatever else it asks for,
so a file from anywhere can be read.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.checkpoints import CheckpointError


def read_pickled_arrays(path: Path) -> list[NDArray[np.generic]]:
    """
    Arrays of numbers in a pickled list, in its order.

    :raises CheckpointError: it is no such file, or asks for anything but arrays
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise CheckpointError(f'{path}: there is no such file') from None
    try:
        values = _ArrayUnpickler(io.BytesIO(data), encoding='latin1').load()
    except CheckpointError as err:
        raise CheckpointError(f'{path}: {err}') from None
    except Exception as err:  # a broken pickle raises whatever its last command does
        why = ' '.join(str(err).split())  # some break their lines
        raise CheckpointError(f'{path}: not a pickle that can be read ({why})') from err
    if not (isinstance(values, list | tuple) and values and all(map(_is_array, values))):
        raise CheckpointError(f'{path}: not a pickled list of arrays of numbers')
    return list(values)


def _is_array(value: object) -> bool:
    return type(value) is np.ndarray and value.dtype.kind in 'fiu'


def _empty(*_: object) -> NDArray[np.generic]:
    """Stand for numpy's own maker of arrays; what follows in the pickle sets shape and values."""
    return np.zeros(0)


def _number_type(code: str, *_: object) -> np.dtype[np.generic]:
    """Make a type of numbers; a copy, as the pickle then sets its byte order."""
    kind = np.dtype(code, False, True)
    if kind.kind not in 'fiu':
        raise CheckpointError(f'asks for values of the type {code}; only numbers are read from it')
    return kind


def _latin1(text: str, encoding: str) -> bytes:
    """Bytes, as Python 3 writes them for Python 2."""
    if encoding != 'latin1':
        raise CheckpointError(f'asks for the encoding {encoding}; only arrays are read from it')
    return text.encode(encoding)


ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ('numpy.core.multiarray', '_reconstruct'): _empty,
    ('numpy._core.multiarray', '_reconstruct'): _empty,
    ('numpy', 'ndarray'): _empty,
    ('numpy', 'dtype'): _number_type,
    ('_codecs', 'encode'): _latin1,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        """Give only what arrays are made of."""
        if (module, name) not in ALLOWED:
            raise CheckpointError(f'asks for {module}.{name}; only arrays are read from it')
        return ALLOWED[module, name]
