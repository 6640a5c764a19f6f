"""Arrays come out of Python 2's pickles; programs do not."""

import pickle

import numpy as np
import pytest

from training.checkpoints import CheckpointError
from training.pickled_arrays import read_pickled_arrays

# what cPickle of Python 2.7 wrote with numpy 1.16: [array([[1, 2, 3], [4, 5, 6]], '<f4')]
BY_PYTHON_2 = (
    b'\x80\x02]q\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85U\x01b'
    b'\x87Rq\x04(K\x01K\x02K\x03\x86cnumpy\ndtype\nq\x05U\x02f4K\x00K\x01\x87Rq\x06(K\x03U\x01<NNNJ'
    b'\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x18'
    + np.arange(1, 7, dtype='<f4').tobytes()
    + b'tba.'
)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(np.float32) for shape in ((48, 16), (16,), (16, 48))]


def stored(data, folder):
    path = folder / 'weights.pkl'
    path.write_bytes(data)
    return path


@pytest.mark.parametrize('protocol', [0, 1, 2])
def test_reads_a_list_of_arrays(arrays, tmp_path, protocol):
    found = read_pickled_arrays(stored(pickle.dumps(arrays, protocol), tmp_path))
    assert len(found) == len(arrays)
    for ours, theirs in zip(found, arrays):
        np.testing.assert_array_equal(ours, theirs, strict=True)


def test_reads_what_python_2_wrote(tmp_path):
    (found,) = read_pickled_arrays(stored(BY_PYTHON_2, tmp_path))
    np.testing.assert_array_equal(found, np.arange(1, 7, dtype=np.float32).reshape(2, 3))


def test_reads_transposed_and_big_endian_arrays(arrays, tmp_path):
    stubborn = [arrays[0].T, arrays[2].astype('>f4')]
    found = read_pickled_arrays(stored(pickle.dumps(stubborn, 2), tmp_path))
    for ours, theirs in zip(found, stubborn):
        np.testing.assert_array_equal(ours, theirs)


class Trap:
    def __reduce__(self):
        return eval, ("open('sprung', 'w')",)


@pytest.mark.parametrize('hidden', [Trap(), [np.zeros(2), Trap()], np.array([Trap()], object)])
def test_runs_nothing(tmp_path, monkeypatch, hidden):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=r'weights\.pkl: asks for .*only'):
        read_pickled_arrays(stored(pickle.dumps(hidden, 2), tmp_path))
    assert not (tmp_path / 'sprung').exists()


@pytest.mark.parametrize(
    'value',
    [
        [],
        {'w': np.zeros(2)},
        [np.zeros(2), 'text'],
        np.zeros(3),
        3,
    ],
)
def test_something_else_is_refused(tmp_path, value):
    with pytest.raises(CheckpointError, match='not a pickled list of arrays of numbers'):
        read_pickled_arrays(stored(pickle.dumps(value, 2), tmp_path))


@pytest.mark.parametrize('data', [b'', b'not a pickle', pickle.dumps([np.zeros(9)], 2)[:-20]])
def test_a_broken_file_is_refused(tmp_path, data):
    with pytest.raises(CheckpointError, match=r'weights\.pkl: not a pickle that can be read'):
        read_pickled_arrays(stored(data, tmp_path))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r'gone\.pkl: there is no such file'):
        read_pickled_arrays(tmp_path / 'gone.pkl')
