"""A thinned mesh is the same surface with fewer of the same vertices."""

import numpy as np
import pytest
import trimesh

from training.synthetic.decimation import Collapser, mirror_of, symmetric_subset


@pytest.fixture(scope='module')
def ball():
    """An octahedron blown up; no face crosses the plane of symmetry."""
    hull = trimesh.convex.convex_hull(np.concatenate([np.eye(3), -np.eye(3)]))
    points, faces = np.asarray(hull.vertices), np.asarray(hull.faces)
    for _ in range(5):
        points, faces = trimesh.remesh.subdivide(points, faces)
        points = points / np.linalg.norm(points, axis=1, keepdims=True)
    return points, faces


def closed(faces):
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    return {tuple(e) for e in edges} == {tuple(e) for e in edges[:, ::-1]}


def test_keeps_a_closed_symmetric_ball(ball):
    vertices, faces = ball
    kept, thin, mirror = symmetric_subset(vertices, faces, np.ones(len(vertices)), 600)
    points = vertices[kept]
    assert abs(len(kept) - 600) < 30
    assert closed(thin)
    assert len(thin) == 2 * len(kept) - 4  # Euler: still a ball
    np.testing.assert_allclose(points[mirror] * [-1, 1, 1], points, atol=1e-9)
    assert trimesh.Trimesh(points, thin, process=False).volume > 0.97 * 4 / 3 * np.pi


def test_thins_first_where_it_matters_least(ball):
    vertices, faces = ball
    top = vertices[:, 1] > 0
    kept, _, _ = symmetric_subset(vertices, faces, np.where(top, 1.0, 0.01), 1200)
    assert top[kept].sum() > 1.5 * (~top[kept]).sum()


def test_stops_where_nothing_can_go():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    thin = Collapser(points, faces, np.ones(4))
    thin.run(1)
    assert len(thin.faces()) == 4


def test_refuses_a_mesh_that_is_not_symmetric(ball):
    vertices, _ = ball
    with pytest.raises(ValueError, match='mirror'):
        mirror_of(vertices + np.where(vertices[:, :1] > 0.5, 0.1, 0))
