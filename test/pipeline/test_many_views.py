"""Views are cameras: what is said about them comes back to where it belongs."""

import numpy as np
import pytest
from parity import parity_case

from mesh_pose_ros.errors import BadCameraError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box
from mesh_pose_ros.pipeline.many_views import (
    View,
    camera_towards,
    rays_in_steps,
    seen_in,
    turned_back,
    upright_turn,
    views,
)

CAMERA = Camera(np.array([[600.0, 2, 310], [0, 610, 250], [0, 0, 1]]), (640, 480))
DISTORTED = Camera(CAMERA.intrinsics, CAMERA.size, (-0.2, 0.05, 1e-3, -1e-3, 0.0))
BOX = Box(400, 100, 80, 220)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize('count', [1, 5])
def test_views_are_those_of_the_authors(count):
    case = parity_case('metrabs/crops_tta_pt.npz')
    names = {'gammas': 'gamma', 'angles': 'angle', 'scales': 'scale', 'flip': 'mirrored'}
    for theirs, ours in names.items():
        found = np.array([getattr(view, ours) for view in views(count)], dtype=float)
        np.testing.assert_allclose(found, case[f'aug{count}_{theirs}'], atol=1e-6)


@pytest.mark.parametrize('lens', ['plain', 'dist5'])
@pytest.mark.parametrize('count', [1, 5])
def test_cameras_are_turned_as_the_authors(count, lens):
    case = parity_case('metrabs/crops_tta_pt.npz')
    camera = Camera(case[f'{lens}_K'][0], (320, 240), case[f'{lens}_d'][0])
    for place, box in enumerate(case['boxes']):
        towards = camera_towards(camera, Box(*(float(n) for n in box)), 64, undistort_steps=5)
        np.testing.assert_allclose(towards.rotation, case[f'{lens}_Rnoaug'][place], atol=3e-7)
        scale = towards.intrinsics[0, 0] / camera.intrinsics[0, 0]
        np.testing.assert_allclose(scale, case[f'{lens}_boxscale'][place], rtol=1e-6)
        for number, view in enumerate(views(count)):
            own, which = seen_in(view, towards), (number, place)
            wanted = case[f'{lens}_aug{count}_R'][which]
            np.testing.assert_allclose(own.rotation, wanted, atol=3e-7)
            wanted = case[f'{lens}_aug{count}_aa1_newK'][which]
            np.testing.assert_allclose(own.intrinsics, wanted, rtol=1e-6)


@pytest.mark.parametrize('which', [0, 1, 2])
def test_lenses_are_undone_as_by_the_authors(which):
    case = parity_case('metrabs/crops_tta_pt.npz')
    camera = Camera(np.eye(3), (320, 240), case['dist5_d'][0])
    points = case['dist_pts'][which].astype(float)
    found = rays_in_steps(camera, points, 5)
    np.testing.assert_allclose(found, case['dist5_undistorted'][which], rtol=0, atol=2e-7)
    bent = camera.lens.distort(points)
    np.testing.assert_allclose(bent, case['dist5_distorted'][which], rtol=0, atol=2e-7)


def test_many_steps_lead_to_exact_rays():
    pixels = np.array([[310.0, 250], [100, 80], [600, 440]])
    exact = DISTORTED.rays(pixels)
    np.testing.assert_allclose(rays_in_steps(DISTORTED, pixels, 60), exact, atol=1e-9)
    np.testing.assert_array_equal(rays_in_steps(DISTORTED, pixels, 0), exact)
    np.testing.assert_array_equal(rays_in_steps(CAMERA, pixels, 3), CAMERA.rays(pixels))


@pytest.mark.parametrize('count', [1, 2, 3, 4, 8])
def test_one_view_is_level_and_plain(count):
    middle = views(count)[count // 2]
    assert not middle.mirrored
    assert middle.scale == 1
    if count % 2:
        assert middle.angle == pytest.approx(0)


@pytest.mark.parametrize('camera', [CAMERA, DISTORTED], ids=['pinhole', 'lens'])
def test_a_box_fills_the_crop_and_lies_in_its_middle(camera):
    own = camera_towards(camera, BOX, 128)
    points = [(BOX.x + BOX.width / 2, BOX.y + share * BOX.height) for share in (0, 0.5, 1)]
    rays = np.concatenate([camera.rays(points), np.ones((3, 1))], axis=-1)
    top, middle, bottom = own.project(rays)
    np.testing.assert_allclose(middle, 64, atol=1e-6)
    assert bottom[1] - top[1] == pytest.approx(128, rel=1e-3)


def test_up_stays_up():
    """Whatever way the camera is rolled, the world's up is in the crop's upper half."""
    up = np.array([0.5, -0.8, 0.3])
    turned = camera_towards(CAMERA, BOX, 128, up).from_optical(up)
    assert turned[0] == pytest.approx(0, abs=1e-12)
    assert turned[1] < 0


@pytest.mark.parametrize('forward', [(0, 0, 1), (0, 1, 0), (0, -2, 0), (1, -1, 1)])
def test_an_upright_turn_is_a_rotation(forward):
    turn = upright_turn(forward)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(turn @ forward, [0, 0, np.linalg.norm(forward)], atol=1e-12)


@pytest.mark.parametrize('view', [*views(5), View(mirrored=True), View(angle=3.0)])
def test_a_pose_comes_back_from_its_view(view, rng):
    pose, mirror = rng.normal(size=(3, 3)), [0, 2, 1]
    own = seen_in(view, camera_towards(CAMERA, BOX, 128))
    said = own.from_optical(pose)[mirror if view.mirrored else [0, 1, 2]]
    back = turned_back(said[None], [own], [view], mirror)
    np.testing.assert_allclose(back[0], pose, atol=1e-12)


@pytest.mark.parametrize('box', [Box(10, 10, 0, 0), Box(np.nan, 0, 10, 10)])
def test_a_box_without_area_is_refused(box):
    with pytest.raises(BadCameraError):
        camera_towards(CAMERA, box, 64)
