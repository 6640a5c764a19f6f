"""
Body models of the user: SMPL, SMPL-X and MANO files.

Their licences forbid to pass them on, so everybody downloads their own:

======= ============================ ==================================================
model   where                        file
======= ============================ ==================================================
SMPL    smpl.is.tue.mpg.de           SMPL_NEUTRAL.pkl (basicmodel_neutral_lbs_10_207_0...)
SMPL-X  smpl-x.is.tue.mpg.de         SMPLX_NEUTRAL.npz
MANO    mano.is.tue.mpg.de           MANO_RIGHT.pkl
======= ============================ ==================================================

``python -m training.body_models FILE`` tells whether a file can be used. Pickles may make
arrays, sparse matrices and chumpy's wrapped arrays; whatever else they ask for is refused.
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

Arrays = Mapping[str, Any]
NEEDED = ('v_template', 'f', 'shapedirs', 'posedirs', 'J_regressor', 'weights', 'kintree_table')


class BodyModelError(Exception):
    """A file is not the body model that is wanted; says which is, and where it is from."""


@dataclass(frozen=True)
class BodyModelKind:
    """
    A body model as its authors publish it.

    :param needed: arrays beside `NEEDED`
    """

    name: str
    vertices: int
    joints: int
    file: str
    page: str
    needed: tuple[str, ...] = ()


SMPL = BodyModelKind('SMPL', 6890, 24, 'SMPL_NEUTRAL.pkl', 'https://smpl.is.tue.mpg.de')
MANO = BodyModelKind(
    'MANO', 778, 16, 'MANO_RIGHT.pkl', 'https://mano.is.tue.mpg.de', ('hands_mean',)
)
SMPLX = BodyModelKind(
    'SMPL-X', 10475, 55, 'SMPLX_NEUTRAL.npz', 'https://smpl-x.is.tue.mpg.de',
    ('hands_meanl', 'hands_meanr', 'lmk_faces_idx', 'lmk_bary_coords',
     'dynamic_lmk_faces_idx', 'dynamic_lmk_bary_coords'),
)  # fmt: skip
KINDS = (SMPL, MANO, SMPLX)


def read_body_model(path: Path) -> Arrays:
    """
    Arrays of a body model's file by name.

    :raises BodyModelError: there is no such file, or it is none, or asks for more than arrays
    """
    try:
        arrays = _npz(path) if path.suffix == '.npz' else _pickle(path)
    except FileNotFoundError:
        known = '; '.join(f'{k.name}: {k.file} from {k.page}' for k in KINDS)
        raise BodyModelError(f'{path}: there is no such file. Body models: {known}') from None
    except BodyModelError:
        raise
    except Exception as err:  # whatever a broken file makes its reader say
        raise BodyModelError(f'{path}: cannot be read as a body model ({err})') from err
    kind_of(arrays, str(path))
    return arrays


def kind_of(arrays: Arrays, source: str = 'body model') -> BodyModelKind:
    """
    Tell which body model arrays are.

    :raises BodyModelError: none of `KINDS`, or something is missing
    """
    absent = [name for name in NEEDED if name not in arrays]
    if absent:
        raise BodyModelError(f'{source}: not a body model, {", ".join(absent)} is missing')
    counts = (len(arrays['v_template']), arrays['kintree_table'].shape[1])
    for kind in KINDS:
        if counts == (kind.vertices, kind.joints):
            lacking = [name for name in kind.needed if name not in arrays]
            if lacking:
                raise BodyModelError(f'{source}: {kind.name} without {", ".join(lacking)}')
            return kind
    known = ', '.join(f'{k.name} ({k.vertices}, {k.joints})' for k in KINDS)
    raise BodyModelError(f'{source}: {counts} vertices and joints; known are {known}')


def known_as(kind: BodyModelKind, arrays: Arrays) -> dict[str, np.ndarray]:
    """
    What a card's topology needs of a body model: triangles and the tree of joints.

    :raises BodyModelError: it is another body model than the network's
    """
    found = kind_of(arrays)
    if found != kind:
        raise BodyModelError(
            f'the network wants {kind.name} ({kind.file} from {kind.page}), this is {found.name}'
        )
    return {
        'faces': np.asarray(arrays['f']).astype(np.int32),
        'kintree_table': np.asarray(arrays['kintree_table']).astype(np.int64),
    }


def _npz(path: Path) -> Arrays:
    """Arrays of numbers; an official file has others too, which nobody needs."""
    with np.load(path, allow_pickle=False) as file:
        found = {}
        for name in file.files:
            try:
                found[name] = file[name]
            except ValueError:  # objects
                continue
    return found


def _pickle(path: Path) -> Arrays:
    with path.open('rb') as file:
        content = _BodyModelUnpickler(file, encoding='latin1').load()
    if not isinstance(content, dict):
        raise BodyModelError(f'{path}: a {type(content).__name__}, not a body model')
    wanted = {*NEEDED, *(name for kind in KINDS for name in kind.needed)}
    return {name: _plain(value) for name, value in content.items() if name in wanted}


def _plain(value: Any) -> Any:
    return value.array() if isinstance(value, _Chumpy) else value


class _Chumpy:
    """Stands for the arrays of chumpy, a library that official pickles were made with."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def array(self) -> np.ndarray:
        """Return the numbers inside; of a selection, those selected."""
        parts = self.__dict__
        if 'idxs' in parts:  # a selection, as MANO's shape directions
            chosen = np.asarray(_plain(parts['a'])).ravel()[parts['idxs']]
            return chosen.reshape(parts['preferred_shape'])
        return np.asarray(parts['x'])


def _reconstruct(*_: object) -> np.ndarray:
    return np.zeros(0)


def _latin1(text: str, encoding: str) -> bytes:
    return text.encode('latin1' if encoding == 'latin1' else 'ascii')


def _made(kind: type, *_: object) -> object:
    """Stand for the maker of objects in old pickles."""
    if kind is not _Chumpy:
        raise BodyModelError(f'asks for an object of {kind}; only arrays are read')
    return _Chumpy()


ALLOWED: dict[tuple[str, str], Any] = {
    ('numpy.core.multiarray', '_reconstruct'): _reconstruct,
    ('numpy._core.multiarray', '_reconstruct'): _reconstruct,
    ('numpy', 'ndarray'): np.ndarray,
    ('numpy', 'dtype'): np.dtype,
    ('scipy.sparse.csc', 'csc_matrix'): scipy.sparse.csc_matrix,
    ('scipy.sparse._csc', 'csc_matrix'): scipy.sparse.csc_matrix,
    ('builtins', 'object'): object,
    ('copyreg', '_reconstructor'): _made,
    ('_codecs', 'encode'): _latin1,
}


class _BodyModelUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Give only what body models are made of."""
        if module.partition('.')[0] == 'chumpy':
            return _Chumpy
        if (module, name) not in ALLOWED:
            raise BodyModelError(
                f'asks for {module}.{name}; only arrays are read from a body model'
            )
        return ALLOWED[module, name]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description='Tell whether body model files can be used.',
        epilog='; '.join(f'{k.name}: {k.file} from {k.page}' for k in KINDS),
    )
    parser.add_argument('files', type=Path, nargs='+')
    failed = 0
    for path in parser.parse_args().files:
        try:
            kind = kind_of(read_body_model(path), str(path))
        except BodyModelError as err:
            failed += 1
            print(err)
        else:
            print(f'{path}: {kind.name}, {kind.vertices} vertices, {kind.joints} joints: usable')
    raise SystemExit(min(failed, 1))


if __name__ == '__main__':
    main()
