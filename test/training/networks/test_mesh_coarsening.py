"""Graphs of a mesh are those that the published networks were trained on."""

import numpy as np
import pytest
import scipy.sparse
from parity import parity_case, stand_ins

from training.networks.joint_graphs import JOINT_GRAPHS
from training.networks.mesh_coarsening import coarsened, laplacian, mesh_graph, scaled

ROUNDING = 1e-6


@pytest.fixture(scope='module')
def hand():
    case = parity_case('pose2mesh/hand_graphs.npz')
    return case, coarsened(case['hand_faces'], 6)


@pytest.fixture(scope='module', params=['hand', 'body'])
def published(request):
    """Arrays of the authors' code, and ours."""
    if request.param == 'hand':
        case, pyramid = request.getfixturevalue('hand')
    else:
        faces = stand_ins().faces('smpl')
        case, pyramid = parity_case('pose2mesh/graphs.npz'), coarsened(faces, 9)
    name = request.param + '_'
    return {key.removeprefix(name): case[key] for key in case if key.startswith(name)}, pyramid


def test_rows_are_the_published_ones(published):
    case, pyramid = published
    assert pyramid.sizes == tuple(case['sizes'])
    np.testing.assert_array_equal(pyramid.orders[0], case['perm0'])
    np.testing.assert_array_equal(pyramid.rows(), case['perm_reverse'])


def test_laplacians_are_the_published_ones(published):
    case, pyramid = published
    for level, found in enumerate(pyramid.laplacians):
        rows, columns, values = (case[f'L{level}_{part}'] for part in ('row', 'col', 'val'))
        found = found.tocoo()
        order = np.lexsort((found.col, found.row))
        np.testing.assert_array_equal(found.row[order], rows)
        np.testing.assert_array_equal(found.col[order], columns)
        np.testing.assert_allclose(found.data[order], values, atol=ROUNDING, rtol=0)


@pytest.mark.parametrize('name', JOINT_GRAPHS)
def test_joint_laplacians_are_the_published_ones(name):
    wanted = parity_case('pose2mesh/hand_graphs.npz')[f'{name}_joint_laplacian']
    found = JOINT_GRAPHS[name].laplacian().toarray()
    np.testing.assert_allclose(found, wanted, atol=ROUNDING, rtol=0)


def test_children_of_a_row_are_neighbours_or_padding(hand):
    case, pyramid = hand
    graph, order = mesh_graph(case['hand_faces']), pyramid.orders[0]
    for first, second in order.reshape(-1, 2):
        assert second >= pyramid.counts[0] or graph[first, second] == 1


def test_padding_is_tied_to_nothing(hand):
    _, pyramid = hand
    for order, count, matrix in zip(pyramid.orders, pyramid.counts, pyramid.laplacians):
        padding = np.flatnonzero(order >= count)
        assert len(padding) == len(order) - count
        assert (np.diff(matrix.indptr)[padding] == 1).all()


def test_edges_of_triangles_tie_both_ways():
    graph = mesh_graph([[0, 1, 2], [2, 1, 3]]).toarray()
    wanted = [[0, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 0]]
    np.testing.assert_array_equal(graph, wanted)


def test_a_laplacian_forgets_what_is_even():
    graph = mesh_graph([[0, 1, 2], [2, 1, 3]])
    degrees = np.asarray(graph.sum(axis=0)).ravel()
    np.testing.assert_allclose(laplacian(graph) @ np.sqrt(degrees), 0, atol=1e-12)


def test_a_loner_has_a_row_of_the_identity():
    assert laplacian(scipy.sparse.csr_matrix((3, 3))).toarray().tolist() == np.eye(3).tolist()


def test_scaling_leaves_a_spectrum_of_minus_one_to_minus_half():
    spectrum = np.linalg.eigvalsh(scaled(laplacian(mesh_graph([[0, 1, 2], [2, 1, 3]]))).toarray())
    np.testing.assert_allclose(spectrum[[0, -1]], [-1, -0.5], atol=1e-9)
