"""The picture agrees with geometry: depth, coverage, order and place of every pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh_pose_ros.geometry.camera import Camera
from training.synthetic.rasteriser import NEAR, rasterise, supersampled, vertex_normals

K = np.array([[220.0, 0, 127.5], [0, 220.0, 95.5], [0, 0, 1]])
SIZE = (256, 192)
QUAD = np.array([[0, 1, 2], [0, 2, 3]])


def quad_at(depth: float, half: float = 0.4) -> np.ndarray:
    corners = np.array([[-1, -1, 0], [-1, 1, 0], [1, 1, 0], [1, -1, 0]], float) * half
    return corners + np.array([0, 0, depth])


def sphere(centre, radius: float, rings: int = 48, around: int = 96):
    polar, azimuth = np.meshgrid(
        np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, around, False), indexing='ij'
    )
    points = np.stack(
        [np.sin(polar) * np.cos(azimuth), np.cos(polar), np.sin(polar) * np.sin(azimuth)], -1
    ).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(around), indexing='ij')
    a, b = i * around + j, i * around + (j + 1) % around
    faces = np.concatenate(
        [np.stack([a, b, a + around], -1), np.stack([b, b + around, a + around], -1)]
    )
    return points * radius + np.asarray(centre), faces.reshape(-1, 3)


def pixel_rays() -> np.ndarray:
    u, v = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    return np.stack([(u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1], np.ones_like(u)], -1)


def test_a_slanted_plane_has_its_analytic_depth():
    normal, offset = np.array([0.3, -0.5, -1.0]), -2.0  # normal . x = offset
    corners = pixel_rays()[[0, -1, -1, 0], [0, 0, -1, -1]]
    corners *= (offset / (corners @ normal))[:, None]
    seen = rasterise(corners * 1.0, QUAD, K, SIZE)
    expected = offset / (pixel_rays() @ normal)
    inside = np.s_[1:-1, 1:-1]
    np.testing.assert_allclose(seen.depth[inside], expected[inside], rtol=1e-5)


def test_a_sphere_has_its_analytic_depth():
    centre, radius = np.array([0.1, -0.1, 2.0]), 0.6
    vertices, faces = sphere(centre, radius, 200, 400)
    seen = rasterise(vertices, faces, K, SIZE, cull=True)
    rays = pixel_rays()
    along, square = rays @ centre, np.sum(rays**2, -1)
    inner = along**2 - square * (centre @ centre - radius**2)
    well_inside = inner > 0.1
    expected = (along - np.sqrt(np.maximum(inner, 0))) / square
    np.testing.assert_allclose(seen.depth[well_inside], expected[well_inside], atol=1e-3)


@pytest.mark.parametrize('order', [(0, 1), (1, 0)], ids=['near first', 'far first'])
def test_the_nearer_face_is_seen_in_any_order(order):
    layers = [quad_at(1.0, 0.1), quad_at(3.0)]
    vertices = np.concatenate([layers[i] for i in order])
    seen = rasterise(vertices, np.concatenate([QUAD, QUAD + 4]), K, SIZE)
    assert seen.depth[96, 128] == pytest.approx(1.0)
    assert seen.face[96, 128] // 2 == order.index(0)
    assert seen.depth[96, 128 + 27] == pytest.approx(3.0)


def test_coverage_is_the_projected_area():
    seen = rasterise(quad_at(2.0), QUAD, K, SIZE)
    assert seen.mask.sum() == pytest.approx((0.8 * 220 / 2) ** 2, rel=0.03)


def test_shared_edges_leave_no_gap():
    vertices, faces = sphere((0, 0, 2.0), 0.5)
    rays = pixel_rays()
    away = np.linalg.norm(rays[..., :2], axis=-1)
    assert rasterise(vertices, faces, K, SIZE).mask[away < 0.24].all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_vertex_is_drawn_where_the_camera_projects_it(seed):
    rng = np.random.default_rng(seed)
    point = np.array([*rng.uniform(-0.4, 0.4, 2), rng.uniform(1, 4)])
    camera = Camera(K, SIZE)
    dot = point + quad_at(0, 0.6 * point[2] / 220)  # a little more than a pixel wide
    v, u = np.nonzero(rasterise(dot, QUAD, K, SIZE).mask)
    pixel = camera.project(point)
    assert len(u)
    assert np.abs([u - pixel[0], v - pixel[1]]).max() <= 0.75
    assert np.abs([u.mean() - pixel[0], v.mean() - pixel[1]]).max() <= 0.5


def test_what_lies_behind_the_camera_is_not_drawn():
    assert not rasterise(quad_at(-2.0), QUAD, K, SIZE).mask.any()
    assert not rasterise(quad_at(NEAR / 2), QUAD, K, SIZE).mask.any()


def test_a_floor_that_runs_behind_the_camera_is_drawn_to_the_lower_border():
    floor = np.array([[-50, 1.5, -50], [-50, 1.5, 50], [50, 1.5, 50], [50, 1.5, -50]], float)
    seen = rasterise(floor, QUAD, K, SIZE)
    rows = pixel_rays()[:, 0, 1]
    below = rows > 1.5 / 45
    assert seen.mask[below].all()
    assert not seen.mask[rows < 0].any()
    np.testing.assert_allclose(seen.depth[below, 0], 1.5 / rows[below], rtol=1e-4)


def test_barycentrics_are_right_in_perspective():
    vertices = quad_at(2.0)
    vertices[1:3, 2] += 2.0
    seen = rasterise(vertices, QUAD, K, SIZE)
    points = seen.interpolate(vertices, QUAD)[seen.mask]
    expected = pixel_rays()[seen.mask] * seen.depth[seen.mask][:, None]
    np.testing.assert_allclose(points, expected, atol=1e-4)


def test_culling_drops_only_the_far_side():
    vertices, faces = sphere((0, 0, 2.0), 0.5)
    both, front = (rasterise(vertices, faces, K, SIZE, cull=cull) for cull in (False, True))
    np.testing.assert_array_equal(both.mask, front.mask)
    np.testing.assert_allclose(both.depth, front.depth)
    inside_out = rasterise(vertices, faces[:, ::-1], K, SIZE, cull=True)
    assert inside_out.depth.min() > 1.8  # the front starts at 1.5, the horizon is at 1.875


def test_supersampling_shows_the_same_view():
    fine = rasterise(quad_at(2.0), QUAD, supersampled(K, 2), (512, 384)).mask
    coarse = fine.reshape(192, 2, 256, 2).mean((1, 3))
    plain = rasterise(quad_at(2.0), QUAD, K, SIZE).mask
    assert np.abs(coarse - plain).max() <= 0.75
    assert coarse.sum() == pytest.approx((0.8 * 110) ** 2, rel=0.01)


def test_normals_of_a_sphere_point_outwards():
    vertices, faces = sphere((0, 0, 0), 1.0)
    used = slice(96, -96)  # the poles are many vertices at one place
    np.testing.assert_allclose(vertex_normals(vertices, faces)[used], vertices[used], atol=0.02)


def test_the_same_mesh_gives_the_same_picture():
    vertices, faces = sphere((0.2, 0, 2.0), 0.7)
    first, second = (rasterise(vertices, faces, K, SIZE) for _ in range(2))
    np.testing.assert_array_equal(first.face, second.face)
    np.testing.assert_array_equal(first.barycentric, second.barycentric)
