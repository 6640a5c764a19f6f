"""A crop is what a camera turned to the region would have taken."""

import cv2
import numpy as np
import pytest
from toy_people import LENSES, camera_with

from mesh_pose_ros.errors import BadCameraError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box, Region
from mesh_pose_ros.pipeline import crops
from mesh_pose_ros.pipeline.crops import cut, region_of

REGIONS = [
    Region((330.0, 250.0), 200.0, 0.1),
    Region((90.0, 300.0), 300.0, -0.7),
    Region((600.0, 60.0), 120.0, 2.0),
]


def smooth_picture(size):
    """A picture whose value at any place is known: no step between pixels is large."""
    u, v = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    return np.stack([value_at(np.stack([u, v], -1), c) for c in range(3)], -1).astype(np.uint8)


def value_at(pixels, channel):
    u, v = pixels[..., 0] * 0.01, pixels[..., 1] * 0.013
    return 127.5 + 100 * np.sin(u + channel) * np.cos(v - channel)


@pytest.mark.parametrize('lens', LENSES)
@pytest.mark.parametrize('region', REGIONS, ids=str)
def test_every_pixel_shows_what_its_ray_meets(lens, region):
    camera = camera_with(lens, focal=400.0)
    image = smooth_picture(camera.size)
    pictures, (own,) = cut(image, camera, [region], 96)
    grid = np.stack(np.meshgrid(np.arange(96), np.arange(96)), -1).astype(float)
    rays = own.rays(grid)
    found = camera.project(own.to_optical(np.concatenate([rays, np.ones((96, 96, 1))], -1)))
    inside = ((found >= 1) & (found <= np.array(camera.size) - 2)).all(axis=-1)
    assert inside.mean() > 0.3
    for channel in range(3):
        expected = value_at(found[inside], channel)
        np.testing.assert_allclose(pictures[0, ..., channel][inside], expected, atol=3)


@pytest.mark.parametrize('lens', LENSES)
def test_what_no_pixel_shows_is_black_or_repeats_the_border(lens):
    camera = camera_with(lens)
    image = np.full((480, 640, 3), 200, np.uint8)
    region = Region((0.0, 240.0), 200.0)
    black, _ = cut(image, camera, [region], 64)
    assert (black[0, :, :28] == 0).all()
    assert (black[0, :, 36:] == 200).all()
    repeated, _ = cut(image, camera, [region], 64, border='replicate')
    assert (repeated == 200).all()


def test_what_the_lens_cannot_see_is_black():
    K = [[600, 0, 320], [0, 600, 240], [0, 0, 1]]
    camera = Camera(K, (640, 480), (-0.3, 0, 0, 0, 0))  # folds back at 46 degrees
    image = np.full((480, 640, 3), 200, np.uint8)
    pictures, (own,) = cut(image, camera, [Region((320.0, 240.0), 800.0)], 64)
    corner = own.to_optical([*own.rays([0.0, 0.0]), 1.0])
    assert np.isnan(camera.project(corner)).all()
    assert (pictures[0, 0, 0] == 0).all()
    assert (pictures[0, 32, 32] == 200).all()


@pytest.mark.parametrize('lens', ['plumb_bob', 'rational', 'fisheye'])
@pytest.mark.parametrize('region', REGIONS, ids=str)
def test_a_few_rays_tell_the_way_of_all(lens, region):
    camera = camera_with(lens, focal=350.0)
    own = camera.looking_at(region, 256)
    dense, quick = crops._map_pixel_by_pixel(own, camera), crops._map_through_nodes(own, camera)
    np.testing.assert_allclose(quick, dense, atol=0.1)


@pytest.mark.parametrize('lens', LENSES)
def test_many_regions_come_out_as_one_by_one(lens):
    camera = camera_with(lens)
    image = smooth_picture(camera.size)
    together, cameras = cut(image, camera, REGIONS, 48)
    for region, picture, own in zip(REGIONS, together, cameras, strict=True):
        alone, (camera_alone,) = cut(image, camera, [region], 48)
        np.testing.assert_array_equal(alone[0], picture)
        np.testing.assert_array_equal(camera_alone.rotation, own.rotation)


def test_nobody_makes_no_crops():
    pictures, cameras = cut(np.zeros((480, 640, 3), np.uint8), camera_with('pinhole'), [], 64)
    assert len(pictures) == len(cameras) == 0


@pytest.mark.parametrize('lens', ['pinhole', 'plumb_bob'])
def test_fine_patterns_become_grey_when_shrunk(lens):
    # a chessboard of single pixels read at every eighth would be black or white
    image = np.indices((480, 640)).sum(axis=0) % 2 * 255
    image = np.repeat(image[..., None], 3, axis=2).astype(np.uint8)
    pictures, _ = cut(image, camera_with(lens), [Region((320.0, 240.0), 450.0)], 56)
    assert np.abs(pictures[0].astype(int) - 127).max() < 30


@pytest.mark.parametrize('size', [(640, 480), (641, 483)])
def test_shrinking_first_moves_nothing(size):
    camera = Camera.from_fov(60, size)
    image = np.zeros((size[1], size[0], 3), np.uint8)
    cv2.circle(image, (300, 200), 24, (255, 255, 255), -1)
    region = Region((320.0, 240.0), 420.0)
    pictures, (own,) = cut(image, camera, [region], 52)
    weights = pictures[0, ..., 0].astype(float)
    v, u = (np.sum(weights * axis) / weights.sum() for axis in np.indices((52, 52)))
    expected = own.project([*camera.rays([300.0, 200.0]), 1.0])
    np.testing.assert_allclose([u, v], expected, atol=0.1)


def test_a_crop_of_the_whole_image_is_the_image():
    camera = Camera.from_fov(60, (65, 65))
    image = np.random.default_rng(0).integers(0, 255, (65, 65, 3), dtype=np.uint8)
    pictures, _ = cut(image, camera, [Region((32.0, 32.0), 65.0)], 65)
    assert np.abs(pictures[0].astype(int) - image).max() <= 1


def test_a_region_without_area_is_refused():
    with pytest.raises(BadCameraError):
        cut(
            np.zeros((480, 640, 3), np.uint8), camera_with('pinhole'), [Region((9.0, 9.0), 0.0)], 8
        )


def test_a_plain_box_gets_a_square_round_it_and_a_region_is_kept():
    assert region_of(Box(10, 20, 40, 100), 1.5) == Region((30.0, 70.0), 150.0)
    better = Region((1.0, 2.0), 3.0, 0.4)
    assert region_of(Box(10, 20, 40, 100, region=better)) == better
