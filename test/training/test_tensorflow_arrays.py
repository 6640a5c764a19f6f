"""TensorFlow's files are read without TensorFlow; kernels are turned round, vectors are not."""

import struct

import numpy as np
import pytest
import torch
from parity import parity_file, tensorflow_state

from training.checkpoints import CheckpointError, fill
from training.networks.metrabs import TENSORFLOW_NAMING, Metrabs, MetrabsSettings
from training.tensorflow_arrays import in_torch_layout, read_tensorflow_arrays

# saved_model_half_plus_two_cpu of TensorFlow Serving's tests (Apache-2.0), index compressed
INDEX = bytes.fromhex(
    '646c00000608011a02080100010b61080112002804350638271f01010d32010f0420040d110c00010d620511'
    '2c0828043510fd784f00010d6305111c0c280435efd682c315333c10280435efd682c3000000000100000001'
    '03da3e1d000000000100000000c0f2a1b000010264005700000000010000000075f79c875c08690e00000000'
    '000000000000000000000000000000000000000000000000000000000000000057fb808b247547db'
)
DATA = bytes.fromhex('0000003f0000003f000000400000404000004040')
DTYPES = {'float32': 1, 'float64': 2, 'int64': 9}


def varint(value):
    out = b''
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def block(rows):
    """Keys are written as what differs from the one before."""
    out, before = b'', b''
    for key, value in rows:
        shared = next((i for i, (a, b) in enumerate(zip(key, before)) if a != b), len(before))
        shared = min(shared, len(key))
        out += varint(shared) + varint(len(key) - shared) + varint(len(value))
        out += key[shared:] + value
        before = key
    return out + struct.pack('<II', 0, 1) + bytes(5)


def write(arrays, prefix):
    """Write arrays as TensorFlow does, in two blocks."""
    rows, data = [], bytearray()
    for name, array in sorted(arrays.items()):
        shape = b''.join(field(2, field(1, side)) for side in array.shape)
        entry = field(1, DTYPES[array.dtype.name]) + field(2, shape)
        raw = array.tobytes()
        rows.append((name.encode(), entry + field(4, len(data)) + field(5, len(raw))))
        data += raw
    table, handles = b'', []
    for part in ([(b'', field(1, 1)), *rows[:2]], rows[2:]):
        written = block(part)
        handles.append((b'z', varint(len(table)) + varint(len(written) - 5)))
        table += written
    listed = block(handles)
    footer = varint(0) + varint(0) + varint(len(table)) + varint(len(listed) - 5)
    table += listed + footer.ljust(40, b'\0') + struct.pack('<Q', 0xDB4775248B80FB57)
    prefix.with_name(f'{prefix.name}.index').write_bytes(table)
    prefix.with_name(f'{prefix.name}.data-00000-of-00001').write_bytes(data)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return {
        'net/conv/weights': rng.normal(size=(3, 3, 5, 7)).astype(np.float32),
        'net/conv/biases': rng.normal(size=7).astype(np.float32),
        'net/dense/kernel': rng.normal(size=(300, 2)),
        'global_step': np.array(800000),
    }


def test_reads_a_file_that_tensorflow_wrote(tmp_path):
    (tmp_path / 'variables').mkdir()
    (tmp_path / 'variables' / 'variables.index').write_bytes(INDEX)
    (tmp_path / 'variables' / 'variables.data-00000-of-00001').write_bytes(DATA)
    found = {name: float(array) for name, array in read_tensorflow_arrays(tmp_path).items()}
    assert found == {'a': 0.5, 'a2': 0.5, 'b': 2.0, 'c': 3.0, 'c2': 3.0}


@pytest.mark.parametrize('name', ['model.ckpt-27', 'model.ckpt-27.index'])
def test_reads_arrays_of_all_kinds(arrays, tmp_path, name):
    write(arrays, tmp_path / 'model.ckpt-27')
    found = read_tensorflow_arrays(tmp_path / name)
    assert set(found) == set(arrays)
    for key, wanted in in_torch_layout(arrays).items():
        assert found[key].dtype == wanted.dtype
        assert torch.equal(found[key], wanted)


def test_reads_an_archive_of_arrays(arrays, tmp_path):
    np.savez(tmp_path / 'arrays.npz', **arrays)
    found = read_tensorflow_arrays(tmp_path / 'arrays.npz')
    assert all(torch.equal(found[name], want) for name, want in in_torch_layout(arrays).items())


@pytest.mark.parametrize('name', ['model', 'model.index', 'arrays.npz', '.'])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(CheckpointError, match='there is no such file'):
        read_tensorflow_arrays(tmp_path / name)


def test_missing_numbers_are_named(arrays, tmp_path):
    write(arrays, tmp_path / 'model')
    (tmp_path / 'model.data-00000-of-00001').unlink()
    with pytest.raises(CheckpointError, match='data-00000-of-00001: there is no such file'):
        read_tensorflow_arrays(tmp_path / 'model')


@pytest.mark.parametrize('cut', [0, 10, 60, 200, -1])
def test_a_broken_index_is_refused(arrays, tmp_path, cut):
    write(arrays, tmp_path / 'model')
    index = tmp_path / 'model.index'
    index.write_bytes(index.read_bytes()[:cut])
    with pytest.raises(CheckpointError, match=r'model\.index'):
        read_tensorflow_arrays(tmp_path / 'model')


def test_numbers_cut_off_are_refused(arrays, tmp_path):
    write(arrays, tmp_path / 'model')
    data = tmp_path / 'model.data-00000-of-00001'
    data.write_bytes(data.read_bytes()[:-4])
    with pytest.raises(CheckpointError, match='too short'):
        read_tensorflow_arrays(tmp_path / 'model')


def test_a_whole_network_is_filled_from_tensorflow_files(tmp_path):
    """Names as long as those of 2020, and numbers beside them that no network needs."""
    state = tensorflow_state(parity_file('metrabs/resnet50v2_tf2020_vars.txt'))
    write({**state, 'global_step': np.array(3)}, tmp_path / 'model.ckpt')
    network = Metrabs(MetrabsSettings(17, trunk='resnet_v2_50'))
    arrays = read_tensorflow_arrays(tmp_path / 'model.ckpt')
    report = fill(network, arrays, TENSORFLOW_NAMING)
    assert len(report.loaded) == len(state)
    assert report.skipped == ('global_step',)


def test_a_convolution_gives_what_it_gave_there():
    """Shape and place: output 4, input 2, one row down, none across."""
    kernel = np.zeros((3, 3, 5, 7), np.float32)
    kernel[2, 1, 2, 4] = 1
    turned = in_torch_layout({'conv/weights:0': kernel})['conv/weights']
    assert turned.shape == (7, 5, 3, 3)
    assert turned[4, 2, 2, 1] == 1


def test_a_matrix_is_transposed_and_a_vector_kept():
    arrays = {'dense/kernel': np.ones((2, 3)), 'dense/bias': np.arange(3.0), 'step': np.array(5)}
    turned = in_torch_layout(arrays)
    assert turned['dense/kernel'].shape == (3, 2)
    assert torch.equal(turned['dense/bias'], torch.arange(3.0, dtype=torch.float64))
    assert turned['step'].shape == ()
