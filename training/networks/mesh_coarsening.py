"""
A mesh as a pile of ever coarser graphs, as the published Pose2Mesh networks were trained on.

Neighbours are paired by heavy edge matching (Dhillon et al. 2007, in the form of Defferrard et
al. 2016) again and again; padding then makes every node the parent of exactly two, so that
rows 2 i and 2 i + 1 of a finer graph belong to row i of the next. The graphs are in no
checkpoint, so they are made again here step by step: where the original strays from the
textbook, in the order of its visits, in rows cut one entry off and in the scale of the
Laplacians, so does this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import eigsh

from training.networks.introsort import introsort_order

Indices = NDArray[np.int64]
TINY = 1e-9  # keeps scores finite
NOBODY = -1


@dataclass(frozen=True, eq=False)
class MeshPyramid:
    """
    Graphs of a mesh from fine to coarse.

    :param orders: node in each row, (P_i,). A graph's first nodes are real, the others pad it;
        those of the finest graph are the mesh's vertices
    :param counts: how many nodes of each graph are real
    :param laplacians: sparse (P_i, P_i), scaled as `scaled` does it
    """

    orders: tuple[Indices, ...]
    counts: tuple[int, ...]
    laplacians: tuple[scipy.sparse.csr_matrix, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows of each graph, finest first."""
        return tuple(len(order) for order in self.orders)

    def rows(self, level: int = 0) -> Indices:
        """Row of each node of a graph, (P_i,); of the finest, the first are the vertices'."""
        return np.argsort(self.orders[level])


def coarsened(faces: ArrayLike, levels: int) -> MeshPyramid:
    """
    Make graphs of a mesh.

    :param faces: triangles of vertex numbers, (F, 3)
    :param levels: how many graphs; the coarsest has about V / 2^(levels - 1) nodes
    """
    graphs, clusters = _paired(mesh_graph(faces), levels)
    orders = _orders(clusters)[:levels]
    laplacians = [scaled(laplacian(_padded(graph, order))) for graph, order in zip(graphs, orders)]
    counts = tuple(graph.shape[0] for graph in graphs)
    return MeshPyramid(tuple(orders), counts, tuple(laplacians))


def mesh_graph(faces: ArrayLike) -> scipy.sparse.csr_matrix:
    """Ones where triangles (F, 3) have an edge, sparse (V, V)."""
    faces = np.asarray(faces).astype(np.int64)
    edges = faces[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2)
    count = int(faces.max()) + 1
    directed = scipy.sparse.csr_matrix((np.ones(len(edges)), edges.T), (count, count))
    directed.data -= directed.data > 1  # what two triangles share counts once
    return directed.maximum(directed.T).tocsr()


def laplacian(graph: scipy.sparse.spmatrix) -> scipy.sparse.csr_matrix:
    """Normalised Laplacian of a weighted graph: ``I - D^-1/2 W D^-1/2``, a loner's row is I's."""
    degrees = np.asarray(graph.sum(axis=0)).ravel()
    root = scipy.sparse.diags(1 / np.sqrt(degrees + np.spacing(0.0)))
    return (scipy.sparse.identity(len(degrees)) - root @ graph @ root).tocsr()


def scaled(matrix: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """
    Laplacian with its spectrum in -1 .. -1/2.

    Chebyshev polynomials want -1 .. 1, which ``2 L / lmax - I`` would give; the published
    networks were trained with ``L / (2 lmax) - I``.
    """
    count = matrix.shape[0]
    start = np.random.default_rng(0).standard_normal(count)
    largest = eigsh(matrix, k=1, which='LM', v0=start, return_eigenvectors=False)[0]
    return (matrix / (2 * largest) - scipy.sparse.identity(count)).tocsr()


def _paired(
    graph: scipy.sparse.csr_matrix, times: int
) -> tuple[list[scipy.sparse.csr_matrix], list[Indices]]:
    """
    Pair neighbours a number of times.

    :return: the graphs before each time, and for each node of them the cluster it goes to
    """
    graphs, clusters = [], []
    degrees = _column_sums(graph) - graph.diagonal()
    for _ in range(times):
        rows, columns, weights = _entries(graph)
        cluster = _matched(rows, columns, weights, degrees, introsort_order(_column_sums(graph)))
        graphs.append(graph)
        clusters.append(cluster)
        count = int(cluster.max()) + 1
        graph = scipy.sparse.csr_matrix(
            (weights, (cluster[rows], cluster[columns])), (count, count)
        )
        degrees = _column_sums(graph)  # loops count from now on
    return graphs, clusters


def _entries(graph: scipy.sparse.csr_matrix) -> tuple[Indices, Indices, NDArray[np.float64]]:
    """Row, column and value of what is not zero, row by row, columns ascending."""
    entries = graph.tocoo()
    order = np.lexsort((entries.col, entries.row))
    return entries.row[order], entries.col[order], entries.data[order]


def _matched(
    rows: Indices,
    columns: Indices,
    weights: NDArray[np.float64],
    degrees: NDArray[np.float64],
    visits: Indices,
) -> Indices:
    """
    Pair each node with the free neighbour that it is tied to most.

    :param rows, columns, weights: entries of a symmetric graph sorted by row, none empty
    :param visits: nodes in the order in which they choose
    :return: number of each node's pair, or of itself alone
    """
    starts, lengths = _row_ranges(rows, len(degrees))
    to, value, degree = columns.tolist(), weights.tolist(), degrees.tolist()
    cluster = [NOBODY] * len(degree)
    count = 0
    for node in visits.tolist():
        if cluster[node] != NOBODY:
            continue
        cluster[node] = count
        # a row's first entry stands for its loop, whether it is one or not
        first, best, mate = value[starts[node]], 0.0, NOBODY
        for entry in range(starts[node], starts[node] + lengths[node]):
            other = to[entry]
            if cluster[other] != NOBODY:
                continue
            score = 2 * value[entry] + first + value[starts[other]]
            score /= degree[node] + degree[other] + TINY
            if score > best:
                best, mate = score, other
        if mate != NOBODY:
            cluster[mate] = count
        count += 1
    return np.array(cluster, dtype=np.int64)


def _row_ranges(rows: Indices, count: int) -> tuple[list[int], list[int]]:
    """
    First entry of each row and how many the original looks at.

    It counts an entry before it sees that a new row has begun: the first row has one too many,
    the last one too few.
    """
    starts = np.searchsorted(rows, np.arange(count))
    lengths = np.bincount(rows, minlength=count)
    lengths[0] += 1
    lengths[-1] -= 1
    return starts.tolist(), lengths.tolist()


def _orders(clusters: Sequence[Indices]) -> list[Indices]:
    """
    Rows of each graph such that children follow in the order of their parents, two by two.

    :param clusters: cluster of each node, finest first
    :return: one more than ``clusters``, finest first; see `MeshPyramid`
    """
    orders = [np.arange(int(clusters[-1].max()) + 1)]
    for cluster in reversed(clusters):
        children: list[list[int]] = [[] for _ in range(int(cluster.max()) + 1)]
        for node, parent in enumerate(cluster.tolist()):
            children[parent].append(node)
        following, order = len(cluster), []
        for parent in orders[-1].tolist():
            family = children[parent] if parent < len(children) else []
            missing = 2 - len(family)
            order += [*family, *range(following, following + missing)]
            following += missing
        orders.append(np.array(order))
    return orders[::-1]


def _padded(graph: scipy.sparse.csr_matrix, order: Indices) -> scipy.sparse.csr_matrix:
    """Put a graph's nodes into rows, with loners for padding."""
    entries, row = graph.tocoo(), np.argsort(order)
    ends = (row[entries.row], row[entries.col])
    return scipy.sparse.csr_matrix((entries.data, ends), (len(order), len(order)))


def _column_sums(graph: scipy.sparse.csr_matrix) -> NDArray[np.float64]:
    return np.asarray(graph.sum(axis=0)).ravel()
