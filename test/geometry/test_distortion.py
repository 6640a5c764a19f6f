"""Lenses bend rays as OpenCV's do, back and forth, and say so where they no longer hold."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh_pose_ros.errors import BadCameraError
from mesh_pose_ros.geometry.distortion import Pinhole, make_lens

BROWN = {
    'one radial coefficient, padded': ('plumb_bob', [-0.2]),
    'webcam': ('plumb_bob', [0.12, -0.25, 0.001, -0.002, 0.09]),
    'wide angle, folds at 1.1': ('plumb_bob', [-0.28, 0.0, 0.0005, -0.0008]),
    'pincushion': ('plumb_bob', [0.3, 0.1, 0.002, 0.001, 0.02]),
    'depth camera': ('rational_polynomial', [0.44, -2.6, 4e-4, -2e-4, 1.5, 0.32, -2.42, 1.43]),
    'thin prism': (
        'rational_polynomial',
        [-0.1, 0.02, 0.001, -0.001, 0.0, 0.02, 0.0, 0.0, 0.003, -0.001, -0.002, 0.001],
    ),
    'no tilt, said at length': ('rational_polynomial', [0.1, *[0.0] * 13]),
}
FISHEYE = {
    'ideal': [0.0, 0.0, 0.0, 0.0],
    'robot': [-0.04, 0.01, -0.008, 0.002],
    'folds below a right angle': [-0.25, 0.0, 0.0, 0.0],
}


def grid(radius: float, count: int = 21) -> np.ndarray:
    """Points of a disc, the middle among them."""
    points = np.stack(np.meshgrid(*[np.linspace(-radius, radius, count)] * 2), -1).reshape(-1, 2)
    return points[np.linalg.norm(points, axis=-1) < radius]


def opencv_distorts(points: np.ndarray, coefficients: list[float]) -> np.ndarray:
    space = np.column_stack([points, np.ones(len(points))])
    zero = np.zeros(3)
    return cv2.projectPoints(space, zero, zero, np.eye(3), np.array(coefficients))[0][:, 0]


def padded(coefficients: list[float]) -> list[float]:
    return coefficients + [0.0] * max(0, 5 - len(coefficients))


@pytest.mark.parametrize(('model', 'coefficients'), BROWN.values(), ids=BROWN)
def test_distorts_like_opencv(model, coefficients):
    points = grid(0.8)
    expected = opencv_distorts(points, padded(coefficients))
    np.testing.assert_allclose(make_lens(model, coefficients).distort(points), expected, atol=1e-9)


@pytest.mark.parametrize(('model', 'coefficients'), BROWN.values(), ids=BROWN)
def test_undistorts_like_opencv(model, coefficients):
    bent = opencv_distorts(grid(0.5), padded(coefficients))
    often = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 500, 1e-12)
    expected = cv2.undistortPoints(
        bent[:, None], np.eye(3), np.array(padded(coefficients)), criteria=often
    )[:, 0]
    np.testing.assert_allclose(make_lens(model, coefficients).undistort(bent), expected, atol=1e-6)


@pytest.mark.parametrize('coefficients', FISHEYE.values(), ids=FISHEYE)
def test_a_fisheye_bends_like_opencv(coefficients):
    points, lens = grid(1.2), make_lens('equidistant', coefficients)
    bent = cv2.fisheye.distortPoints(points[:, None], np.eye(3), np.array(coefficients))[:, 0]
    np.testing.assert_allclose(lens.distort(points), bent, atol=1e-9)
    np.testing.assert_allclose(lens.undistort(bent), points, atol=1e-6)


@given(
    k=st.lists(st.floats(-0.4, 0.4), min_size=3, max_size=3),
    p=st.lists(st.floats(-0.01, 0.01), min_size=2, max_size=2),
    share=st.floats(0.0, 0.999),
    direction=st.floats(0, 2 * np.pi),
)
@settings(max_examples=300, deadline=None)
def test_undistort_undoes_distort_wherever_the_lens_holds(k, p, share, direction):
    lens = make_lens('plumb_bob', [k[0], k[1], *p, k[2]])
    radius = share * min(getattr(lens, 'limit', 3.0), 3.0)
    point = radius * np.array([np.cos(direction), np.sin(direction)])
    bent = lens.distort(point)
    assert np.isfinite(bent).all()
    np.testing.assert_allclose(lens.distort(lens.undistort(bent)), bent, atol=1e-7)
    if share < 0.99:  # at the fold the inverse is infinitely steep
        np.testing.assert_allclose(lens.undistort(bent), point, atol=1e-5)


@given(k=st.lists(st.floats(-0.3, 0.3), min_size=4, max_size=4), angle=st.floats(0.0, 1.5))
@settings(max_examples=200, deadline=None)
def test_a_fisheye_undoes_itself_wherever_it_holds(k, angle):
    lens = make_lens('equidistant', k)
    point = np.tan(angle) * np.array([0.6, -0.8])
    if angle < 0.98 * lens.limit:
        np.testing.assert_allclose(
            lens.undistort(lens.distort(point)), point, rtol=1e-5, atol=1e-9
        )


FOLDING = [
    ('plumb_bob', [-0.28, 0.02]),  # folds, and far out folds again
    ('plumb_bob', [0.0, 0.0, 0.002, -0.001]),  # tangential terms alone fold, far out
    ('plumb_bob', [0.2, -0.3, 0.01, 0.01, 0.0]),
    ('rational_polynomial', [0.1, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, -0.2]),  # a pole
    ('equidistant', [-0.25, 0.0, 0.0, 0.0]),
]


@pytest.mark.parametrize(('model', 'coefficients'), FOLDING)
def test_no_two_rays_share_a_pixel(model, coefficients):
    radii = np.linspace(0, 1000, 20001)
    for direction in np.linspace(0, 2 * np.pi, 16, endpoint=False):
        along = np.array([np.cos(direction), np.sin(direction)])
        lens = make_lens(model, coefficients)
        bent = lens.distort(radii[:, None] * along)
        held = np.isfinite(bent).all(-1)
        assert not held[-1]
        assert held[: held.sum()].all()  # once lost, lost
        assert (np.diff(bent[held] @ along) > 0).all()


@pytest.mark.parametrize(('model', 'coefficients'), FOLDING[:1] + FOLDING[-1:])
def test_pixels_without_a_ray_are_nan(model, coefficients):
    rays = make_lens(model, coefficients).undistort(np.array([[5.0, 0.0], [0.1, 0.1]]))
    assert np.isnan(rays[0]).all()
    assert np.isfinite(rays[1]).all()


def test_batch_axes_are_free():
    lens = make_lens('plumb_bob', [0.1, -0.05, 0.001, 0.002])
    points = grid(0.5)[:12]
    np.testing.assert_array_equal(
        lens.distort(points.reshape(2, 3, 2, 2)), lens.distort(points).reshape(2, 3, 2, 2)
    )
    assert lens.undistort(np.zeros((0, 2))).shape == (0, 2)
    assert lens.undistort(points[0]).shape == (2,)


@pytest.mark.parametrize('model', ['plumb_bob', 'rational_polynomial'])
def test_zero_coefficients_are_no_lens(model):
    assert isinstance(make_lens(model, np.zeros(5)), Pinhole)


@pytest.mark.parametrize(
    ('model', 'coefficients', 'message'),
    [
        ('fancy', [], 'unknown distortion model'),
        ('plumb_bob', [0.0] * 8, 'got 8'),
        ('rational_polynomial', [0.0] * 9, 'got 9'),
        ('equidistant', [0.1] * 5, 'got 5'),
        ('plumb_bob', [np.nan] * 5, 'finite'),
        ('rational_polynomial', [0.0] * 12 + [0.1, 0.0], 'tilted'),
    ],
)
def test_refuses_what_describes_no_lens(model, coefficients, message):
    with pytest.raises(BadCameraError, match=message):
        make_lens(model, coefficients)
