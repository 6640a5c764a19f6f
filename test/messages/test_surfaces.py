"""Fewer triangles still make the same closed surface."""

import numpy as np
import pytest

from mesh_pose_ros.messages.surfaces import drawn_faces, triangle_soup
from mesh_pose_ros.people import Topology

trimesh = pytest.importorskip('trimesh')


@pytest.fixture(scope='module')
def ball():
    return trimesh.creation.icosphere(subdivisions=4)


@pytest.fixture(scope='module')
def topology(ball):
    return Topology('ball', len(ball.vertices), ball.faces.astype(np.int32))


@pytest.mark.parametrize('level', [0, 1, 2])
def test_each_level_is_closed_round_and_smaller(ball, topology, level):
    faces = drawn_faces(topology, level)
    coarse = trimesh.Trimesh(ball.vertices, faces, process=False)
    assert coarse.is_watertight
    assert len(faces) <= len(ball.faces) / 3**level
    assert coarse.volume == pytest.approx(ball.volume, rel=0.05 * 2**level)


def test_the_full_level_is_the_mesh_itself(ball, topology):
    np.testing.assert_array_equal(drawn_faces(topology), ball.faces)
    np.testing.assert_array_equal(
        triangle_soup(ball.vertices, drawn_faces(topology)), ball.vertices[ball.faces]
    )


def test_repeated_and_doubled_faces_are_dropped():
    faces = np.array([[0, 1, 2], [2, 2, 1], [1, 2, 0], [0, 2, 3]], dtype=np.int32)
    assert drawn_faces(Topology('x', 4, faces)).tolist() == [[0, 1, 2], [0, 2, 3]]


def test_a_mesh_without_faces_gives_nothing():
    faces = np.zeros((0, 3), dtype=np.int32)
    assert triangle_soup(np.zeros((3, 3)), faces).shape == (0, 3, 3)
    assert drawn_faces(Topology('cloud', 3, faces), 1).shape == (0, 3)
