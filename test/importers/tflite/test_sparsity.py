"""Sparse weights come out as the dense array they stand for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from mesh_pose_ros.importers.tflite.sparsity import Compressed, Dense, expand


@given(arrays.arrays(np.int16, arrays.array_shapes(min_dims=1, max_dims=4, max_side=4)))
def test_expanding_undoes_leaving_out_zeros_along_rows(dense):
    rows = dense.reshape(-1, dense.shape[-1])
    segments = np.concatenate([[0], np.cumsum((rows != 0).sum(axis=1))])
    last = Compressed(segments, np.nonzero(rows)[1])
    levels = [*(Dense(size) for size in dense.shape[:-1]), last]
    np.testing.assert_array_equal(expand(rows[rows != 0], dense.shape, levels), dense)


def test_an_outer_level_may_be_compressed_too():
    levels = [Compressed(np.array([0, 1]), np.array([2])), Dense(2)]
    np.testing.assert_array_equal(
        expand(np.array([5, 6]), (3, 2), levels), [[0, 0], [0, 0], [5, 6]]
    )


@pytest.mark.parametrize('dtype', [np.float16, np.float32])
def test_the_type_of_the_values_stays(dtype):
    assert expand(np.ones(2, dtype), (2,), [Dense(2)]).dtype == dtype
