"""Graph convolutions are the polynomials they stand for."""

import numpy as np
import pytest
import scipy.sparse
import torch

from training.networks.graph import (
    ORDER,
    ChebyshevLayer,
    FixedChebyshevLayer,
    Resample,
    SparseProduct,
)

NODES, INPUTS, OUTPUTS = 9, 5, 4


@pytest.fixture
def matrix():
    return scipy.sparse.random(NODES, NODES, 0.3, random_state=2, format='csr')


@pytest.fixture
def layer(matrix):
    torch.manual_seed(0)
    layer = ChebyshevLayer(SparseProduct(matrix), INPUTS, OUTPUTS).eval()
    layer.norm.running_mean.normal_()
    layer.norm.running_var.uniform_(0.5, 2)
    return layer


@pytest.fixture
def features(draw):
    return torch.randn(3, NODES, INPUTS, generator=draw)


def test_a_sparse_product_is_the_dense_one(matrix, features):
    wanted = torch.from_numpy(matrix.toarray()).float() @ features
    np.testing.assert_allclose(SparseProduct(matrix)(features), wanted, atol=1e-6)


def test_rows_without_entries_give_zero(features):
    assert not SparseProduct(scipy.sparse.eye(NODES, NODES, 1))(features)[:, -1].any()


@torch.no_grad()
def test_a_layer_is_three_polynomials_each_with_its_weights(matrix, layer, features):
    dense = torch.from_numpy(matrix.toarray()).float()
    polynomials = [torch.eye(NODES), dense, 2 * dense @ dense - torch.eye(NODES)]
    # as the authors lay them out: a channel's degrees follow each other
    terms = torch.stack([p @ features for p in polynomials], dim=-1)
    assert terms.shape[-1] == ORDER
    wanted = layer.norm(layer.linear(terms.flatten(2)).flatten(0, 1)).unflatten(0, (3, NODES))
    np.testing.assert_allclose(layer(features), torch.relu(wanted), atol=1e-5)


@torch.no_grad()
def test_a_fixed_layer_does_the_same(layer, features):
    fixed = FixedChebyshevLayer(layer)
    assert not any(isinstance(m, torch.nn.BatchNorm1d) for m in fixed.modules())
    np.testing.assert_allclose(fixed(features), layer(features), atol=1e-5)


@torch.no_grad()
def test_a_fixed_layer_without_end_does_the_same(matrix, features):
    layer = ChebyshevLayer(SparseProduct(matrix), INPUTS, OUTPUTS, active=False)
    assert (layer(features) < 0).any()
    np.testing.assert_allclose(FixedChebyshevLayer(layer)(features), layer(features), atol=1e-6)


@pytest.mark.parametrize(('inputs', 'outputs'), [(4, 4), (4, 2), (2, 4), (64, 256)])
def test_resampled_channels_are_torchs(inputs, outputs, draw):
    x = torch.randn(2, 3, inputs, generator=draw)
    wanted = torch.nn.functional.interpolate(x, outputs, mode='linear')
    np.testing.assert_allclose(Resample(inputs, outputs)(x), wanted, atol=1e-6)
