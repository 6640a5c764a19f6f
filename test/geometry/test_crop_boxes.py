"""Boxes and crops are those that the published networks were trained with."""

import cv2
import numpy as np
import pytest

pytest.importorskip('torch')  # the reference cases come with weights

from parity import parity_case

from mesh_pose_ros.geometry.crop_boxes import (
    EmptyBoxError,
    FlatCrop,
    grown_box,
    usual_distance,
)

WIDTH, HEIGHT = IMAGE = (640, 480)
CROPS = {'i2l': (256, 256), 'h4w': (384, 512)}
KEPT_AS = {'i2l': np.float64, 'h4w': np.float32}  # how the authors' code keeps grown boxes
SINGLE = 1.2e-7  # a step of single precision
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope='module')
def case():
    return parity_case('common/preproc_case.npz')


def assert_same_crop(case, found, wanted, unit=1.0):
    """Exact with the OpenCV that made the case; others round places to 1/32 of a pixel."""
    exact = str(case['cv2_version']) == cv2.__version__
    atol = 0 if exact else 8 / unit
    np.testing.assert_allclose(found[::4, ::4], wanted, rtol=SINGLE * (unit != 1), atol=atol)


def assert_same_map(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=2e-5)


@pytest.mark.parametrize('name', CROPS)
def test_crops_are_the_authors(case, name):
    image = case['img'][..., ::-1].astype(np.float32)
    for i, box in enumerate(case['boxes']):
        grown = grown_box(box, IMAGE, CROPS[name]).astype(KEPT_AS[name])
        crop = FlatCrop.of(grown, CROPS[name])
        np.testing.assert_allclose(grown, case[f'{name}_bbox'][i], rtol=0, atol=1e-4)
        assert_same_map(crop.to_crop, case[f'{name}_trans'][i])
        assert_same_map(crop.to_image, case[f'{name}_inv'][i])
        assert_same_crop(case, crop.cut(image), case[f'{name}_crop_every4'][i])


@pytest.mark.parametrize('name', CROPS)
def test_turned_and_mirrored_crops_are_the_authors(case, name):
    image = np.ascontiguousarray(case['img'][:, ::-1, ::-1].astype(np.float32))
    grown = grown_box(case['boxes'][0], IMAGE, CROPS[name]).astype(KEPT_AS[name])
    crop = FlatCrop.of(grown, CROPS[name], 1.1, np.deg2rad(20), mirror=WIDTH)
    assert_same_map(crop.to_crop, case[f'{name}_aug_trans'])
    assert_same_map(crop.to_image, case[f'{name}_aug_inv'])
    assert_same_crop(case, crop.cut(image), case[f'{name}_aug_crop_every4'])


def test_the_usual_distance_is_the_authors_k(case):
    boxes = [grown_box(box, IMAGE, CROPS['i2l']) for box in case['boxes']]
    found = [usual_distance(box, (1500, 1500), span=2000) for box in boxes]
    np.testing.assert_allclose(found, case['rootnet_k_value'], rtol=1e-9)


def test_a_crop_of_bytes_is_what_rootnet_sees(case):
    image = np.ascontiguousarray(case['img'][..., ::-1])
    for box, wanted in zip(case['boxes'], case['rootnet_norm_crop_every4'], strict=True):
        crop = FlatCrop.of(grown_box(box, IMAGE, (256, 256)), (256, 256)).cut(image)
        seen = (crop.astype(np.float32) - np.float32(MEAN)) / np.float32(DEVIATION)
        assert_same_crop(case, seen, wanted, min(DEVIATION))


@pytest.mark.parametrize(
    'box',
    [
        (10, 10, 0, 50),  # no width
        (10, 10, -4, -4),  # turned inside out
        (700, 10, 50, 50),  # right of the image
        (10, -90, 1, 1),  # a single pixel has no extent
    ],
)
def test_refuses_a_box_with_nothing_in_it(box):
    with pytest.raises(EmptyBoxError, match='box'):
        grown_box(box, IMAGE, (256, 256))


@pytest.mark.parametrize('size', [(256, 256), (384, 512)])
def test_a_grown_box_has_the_crops_aspect_and_the_same_middle(size):
    x, y, width, height = grown_box((100, 80, 61, 141), IMAGE, size)
    np.testing.assert_allclose(width / height, size[0] / size[1])
    np.testing.assert_allclose([x + width / 2, y + height / 2], [130, 150])
    np.testing.assert_allclose(height, 1.25 * 140)  # slimmer than either crop


def test_there_and_back_is_where_one_was():
    crop = FlatCrop.of((-20, 30, 150, 200), (384, 512), angle=0.4)
    pixels = np.random.default_rng(0).uniform(-50, 500, (20, 2))
    np.testing.assert_allclose(crop.in_crop(crop.in_image(pixels)), pixels, atol=1e-3)


def test_a_crops_intrinsics_see_points_where_the_crop_shows_them():
    crop = FlatCrop.of((100, 30, 150, 200), (384, 512))
    intrinsics = np.array([[600.0, 0, 320], [0, 610, 240], [0, 0, 1]])
    point = np.array([0.1, -0.2, 3.0])
    image, own = (K @ point for K in (intrinsics, crop.intrinsics(intrinsics)))
    np.testing.assert_allclose(crop.in_crop(image[:2] / 3), own[:2] / 3, atol=1e-3)
