"""Crops are averaged as light, at the places the authors read, and end up as bright as asked."""

import cv2
import numpy as np
import pytest
from parity import parity_case

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box
from mesh_pose_ros.pipeline.linear_light import GAMMA, LightPyramid, crops_in_linear_light
from mesh_pose_ros.pipeline.many_views import camera_towards, seen_in, views

SIDE = 64
EXACT = int(cv2.__version__.split('.')[0]) >= 5  # older ones round places to 1/32 pixel
# where light is nearly nought its root is steep, so that single pixels may differ by more
MEAN, SINGLE = (1e-5, 3e-3) if EXACT else (5e-3, 0.2)


@pytest.mark.parametrize('lens', ['plain', 'dist5'])
@pytest.mark.parametrize(('count', 'antialias'), [(1, 1), (1, 2), (1, 4), (5, 1)])
def test_crops_are_those_of_the_authors(lens, count, antialias):
    case = parity_case('metrabs/crops_tta_pt.npz')
    image = np.ascontiguousarray(case['images'][0].transpose(1, 2, 0))
    camera = Camera(case[f'{lens}_K'][0], image.shape[1::-1], case[f'{lens}_d'][0])
    boxes = [Box(*(float(n) for n in box)) for box in case['boxes']]
    pyramid = LightPyramid(image, camera)
    wanted = case[f'{lens}_aug{count}_aa{antialias}_crops']
    for view, theirs in zip(views(count), wanted, strict=True):
        own = [
            seen_in(view, camera_towards(camera, box, SIDE, undistort_steps=5))
            for box in boxes[: len(theirs)]
        ]
        crops = crops_in_linear_light(pyramid, own, [view.gamma] * len(own), antialias)
        away = np.abs(crops.transpose(0, 3, 1, 2) - theirs)
        assert away.mean(axis=(1, 2, 3)).max() < MEAN
        assert away.max() < SINGLE


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def camera():
    return Camera(np.array([[50.0, 0, 31.5], [0, 50, 23.5], [0, 0, 1]]), (64, 48))


def test_the_same_view_is_the_same_image(camera, rng):
    image = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    crop = crops_in_linear_light(LightPyramid(image, camera), [camera], [1.0])[0]
    np.testing.assert_allclose(crop, image / 255, atol=1e-5)


def test_black_and_white_average_to_half_the_light(camera):
    """Not to half the number: that is a quarter of the light."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[::2, ::2] = image[1::2, 1::2] = 255
    small = camera.resized((16, 12))
    crop = crops_in_linear_light(LightPyramid(image, camera), [small], [1.0])[0]
    np.testing.assert_allclose(crop, 0.5 ** (1 / GAMMA), atol=1e-5)


def test_a_lower_gamma_is_brighter(camera):
    image = np.full((48, 64, 3), 100, np.uint8)
    dark, bright = crops_in_linear_light(LightPyramid(image, camera), [camera] * 2, [1.2, 0.6])
    assert (bright > dark).all()


@pytest.mark.parametrize('antialias', [1, 2, 3])
def test_beyond_the_image_it_is_black(camera, antialias):
    image = np.full((48, 64, 3), 255, np.uint8)
    aside = camera_towards(camera, Box(200, 10, 20, 20), 16)
    crop = crops_in_linear_light(LightPyramid(image, camera), [aside], [1.0], antialias)
    assert crop.shape == (1, 16, 16, 3)
    assert not crop.any()


@pytest.mark.parametrize('size', [(48, 64), (47, 63), (5, 3), (1, 1)])
def test_halves_images_of_any_size(size):
    image = np.full((*size, 3), 255, np.uint8)
    camera = Camera(np.diag([50.0, 50.0, 1.0]), size[::-1])
    level, smaller = LightPyramid(image, camera).for_scale(1e-3)
    assert smaller.size == level.shape[1::-1]
    np.testing.assert_allclose(level, 1)


def test_reads_the_image_itself_where_it_is_magnified(camera):
    pyramid = LightPyramid(np.zeros((48, 64, 3), np.uint8), camera)
    assert pyramid.for_scale(3.0)[1] is camera
    assert pyramid.for_scale(0.51)[1] is camera
    assert pyramid.for_scale(0.5)[1].size == (32, 24)
