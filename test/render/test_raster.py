"""A pixel shows the nearest triangle that covers it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mesh_pose_ros.render.raster import rasterise

SIZE = (40, 30)
corners = arrays(np.float64, (4, 3, 2), elements=st.floats(-20, 60, width=16))
depths = arrays(np.float64, (4,), elements=st.floats(0.5, 9, width=16))


def cover(triangle):
    """Pixels inside a triangle, (H, W), by half planes; those on an edge do not count."""
    v, u = np.mgrid[: SIZE[1], : SIZE[0]]
    sides = []
    for start, end in zip(triangle, np.roll(triangle, -1, axis=0)):
        along = end - start
        sides.append(along[0] * (v - start[1]) - along[1] * (u - start[0]))
    sides = np.array(sides)
    margin = 1e-3 * (1 + np.abs(triangle).max()) ** 2  # single precision decides near the edges
    return (sides > margin).all(axis=0) | (sides < -margin).all(axis=0)


def drawn(triangles, depth):
    faces = np.arange(3 * len(triangles)).reshape(-1, 3)
    surface = rasterise(triangles.reshape(-1, 2), 1 / np.repeat(depth, 3), faces, SIZE)
    picture = np.full(SIZE[::-1], -1)
    picture[surface.rows, surface.columns] = surface.faces
    return picture


@given(corners, depths)
def test_every_pixel_well_inside_a_triangle_shows_one_that_is_not_farther(triangles, depth):
    picture = drawn(triangles, depth)
    for number, triangle in enumerate(triangles):
        inside = cover(triangle)
        assert (picture[inside] >= 0).all()
        assert (depth[picture[inside]] <= depth[number] * (1 + 1e-4)).all()


@given(corners, depths)
def test_no_pixel_outside_all_boxes_is_drawn(triangles, depth):
    rows, columns = np.nonzero(drawn(triangles, depth) >= 0)
    low, high = triangles.min(axis=1), triangles.max(axis=1)
    for u, v in zip(columns, rows):
        assert ((low <= (u, v)) & ((u, v) <= high)).all(axis=1).any()


def test_two_triangles_of_a_square_leave_no_seam():
    square = np.array([[3.3, 2.2], [25.7, 4.1], [27.2, 22.9], [2.1, 20.4]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    surface = rasterise(square, np.ones(4), faces, SIZE)
    seen = np.zeros(SIZE[::-1], bool)
    seen[surface.rows, surface.columns] = True
    assert seen[5:19, 5:24].all()


def test_values_of_the_vertices_are_blended_linearly():
    points = np.array([[0.0, 0.0], [30.0, 0.0], [0.0, 25.0]])
    faces = np.array([[0, 1, 2]])
    surface = rasterise(points, np.ones(3), faces, SIZE)
    found = surface.interpolate(faces, points)
    expected = np.stack([surface.columns, surface.rows], axis=-1)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    'points',
    [
        [[np.nan, 0], [9, 0], [0, 9]],  # a corner behind the eye
        [[5, 5], [5, 5], [9, 9]],  # no area
        [[-9, -9], [-1, -9], [-9, -1]],  # outside the image
        [[5.2, 5.2], [5.4, 5.2], [5.2, 5.4]],  # between the pixel centres
    ],
)
def test_draws_nothing_of_a_triangle_that_cannot_be_seen(points):
    surface = rasterise(np.array(points), np.ones(3), np.array([[0, 1, 2]]), SIZE)
    assert len(surface.rows) == 0


def test_an_empty_scene_is_an_empty_surface():
    surface = rasterise(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 3), int), SIZE)
    assert len(surface.rows) == 0
