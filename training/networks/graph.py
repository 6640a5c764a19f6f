"""
Convolution on graphs by Chebyshev polynomials (Defferrard et al. 2016).

Features are (N, P, C): a row for each of P nodes. Matrices of graphs are sparse and fixed; they
are applied by gathering what each node's neighbours have, which every inference library knows
how to do, and fast.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
import torch
from torch import Tensor, nn

ORDER = 3  # polynomials of degree 0, 1 and 2


class SparseProduct(nn.Module):
    """
    A fixed sparse matrix times features.

    :param matrix: (P, Q)
    """

    places: Tensor  # (P * K,), K entries of each row; where it has fewer, any place and weight 0
    weights: Tensor  # (P, 1, K)

    def __init__(self, matrix: scipy.sparse.spmatrix) -> None:
        super().__init__()
        entries = scipy.sparse.csr_matrix(matrix)
        counts = np.diff(entries.indptr)
        rows = np.repeat(np.arange(len(counts)), counts)
        slots = np.arange(len(rows)) - entries.indptr[rows]
        places = np.zeros((len(counts), counts.max()), np.int64)
        weights = np.zeros(places.shape, np.float32)
        places[rows, slots], weights[rows, slots] = entries.indices, entries.data
        self.register_buffer('places', torch.from_numpy(places).flatten(), persistent=False)
        self.register_buffer('weights', torch.from_numpy(weights).unsqueeze(1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, Q, C) to (N, P, C)."""
        gathered = x.index_select(1, self.places).unflatten(1, (-1, self.weights.shape[2]))
        return (self.weights @ gathered).squeeze(2)


class ChebyshevLayer(nn.Module):
    """
    A graph convolution, batch normalisation and a rectifier.

    :param laplacian: of the graph; layers may share it
    :param active: whether normalisation and rectifier follow
    """

    def __init__(
        self, laplacian: SparseProduct, inputs: int, outputs: int, active: bool = True
    ) -> None:
        super().__init__()
        self.laplacian = laplacian
        # the published layout: channels are major, the polynomials' degrees minor
        self.linear = nn.Linear(ORDER * inputs, outputs)
        self.norm = nn.BatchNorm1d(outputs) if active else nn.Identity()
        self.active = active
        spread = (2 / (ORDER * inputs + outputs)) ** 0.5
        nn.init.uniform_(self.linear.weight, -spread, spread)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, P, inputs) to (N, P, outputs)."""
        x = filtered(x, self.laplacian, by_degree(self.linear.weight), self.linear.bias)
        if not self.active:
            return x
        # each node of each sample counts once
        return torch.relu(self.norm(x.flatten(0, 1)).unflatten(0, (-1, x.shape[1])))


class FixedChebyshevLayer(nn.Module):
    """A trained layer for use, with normalisation folded into the weights before it."""

    weights: Tensor
    bias: Tensor

    def __init__(self, layer: ChebyshevLayer) -> None:
        super().__init__()
        linear, norm = layer.linear, layer.norm
        if isinstance(norm, nn.BatchNorm1d):
            linear = nn.utils.fusion.fuse_linear_bn_eval(linear.eval(), norm.eval())
        self.laplacian = layer.laplacian
        self.register_buffer('weights', by_degree(linear.weight).detach().contiguous())
        self.register_buffer('bias', linear.bias.detach())
        self._end = nn.ReLU() if layer.active else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, P, inputs) to (N, P, outputs)."""
        return self._end(filtered(x, self.laplacian, self.weights, self.bias))


def by_degree(weight: Tensor) -> Tensor:
    """Published weights (outputs, inputs * 3) as `filtered` takes them, (inputs, 3 * outputs)."""
    zeroth, first, second = weight.unflatten(1, (-1, ORDER)).unbind(-1)
    return torch.cat([zeroth - second, first, 2 * second]).t()


def filtered(x: Tensor, laplacian: SparseProduct, weights: Tensor, bias: Tensor) -> Tensor:
    """
    Apply polynomials of a Laplacian.

    With T0 = 1, T1 = L, T2 = 2 L L - 1 and weights for each, the sum over k of ``T_k x W_k`` is
    ``x (W0 - W2) + L (x W1 + L x 2 W2)``: weights first, so that the Laplacian meets as few
    channels as come out.

    :param x: (N, P, C)
    :param weights: W0 - W2, W1 and 2 W2 side by side, (C, 3 * D)
    :return: (N, P, D)
    """
    plain, once, twice = (x @ weights).chunk(ORDER, dim=-1)
    return plain + laplacian(once + laplacian(twice)) + bias


class Resample(nn.Module):
    """Stretch or shrink the channels of each node, as if they were samples of a line."""

    matrix: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        impulses = torch.eye(inputs).unsqueeze(0)
        matrix = nn.functional.interpolate(impulses, outputs, mode='linear', align_corners=False)
        self.register_buffer('matrix', matrix[0], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, P, inputs) to (N, P, outputs)."""
        same = self.matrix.shape[0] == self.matrix.shape[1]
        return x if same else x @ self.matrix
