"""Boxes come out in pixels of the image, however it was fitted into the network."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_models import SIDE, export_blob_detector

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.people import Region
from mesh_pose_ros.pipeline.detection import (
    FITS,
    DetectionOptions,
    Detector,
    clipped_box,
    fit_to,
    region_round,
)

RED, BLUE = (255, 0, 0), (0, 0, 255)


def picture(size, *blobs):
    """Blobs of (x, y, width, height, colour) on black."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for x, y, width, height, colour in blobs:
        image[y : y + height, x : x + width] = colour
    return image


@pytest.fixture
def detector(tmp_path, opened):
    def make(regions=False, **options):
        card = export_blob_detector(tmp_path, options=options, regions=regions)
        return Detector(opened(card), card)

    return make


@pytest.mark.parametrize('resize', FITS)
@pytest.mark.parametrize('size', [(64, 64), (256, 192), (192, 256), (640, 480), (37, 53)], ids=str)
def test_finds_a_blob_where_it_is(detector, resize, size):
    x, y, width, height = (size[0] // 4, size[1] // 2, size[0] // 3, size[1] // 3)
    (box,) = detector(resize=resize)(
        picture(size, (x, y, width, height, RED)), DetectionOptions(min_box_px=1)
    )
    pixel = max(size) / SIDE  # of the network's input
    np.testing.assert_allclose(box.xywh, [x - 0.5, y - 0.5, width, height], atol=1.2 * pixel)
    assert box.score == 1.0


def test_finds_everybody_and_nobody(detector):
    find = detector()
    both = picture((320, 240), (20, 20, 60, 120, RED), (200, 80, 80, 120, BLUE))
    assert len(find(both)) == 2
    assert find(np.zeros_like(both)) == []


def test_takes_region_and_box_from_the_circle_round_the_body(detector):
    find = detector(regions=True, box='region', region_factor=1.5)
    (box,) = find(picture((256, 256), (100, 60, 40, 160, RED)))
    np.testing.assert_allclose(box.region.centre, (119.5, 139.5), atol=4)
    assert box.region.side == pytest.approx(160 * 1.5, abs=6)
    assert box.region.angle == pytest.approx(0, abs=0.02)
    np.testing.assert_allclose(box.xywh, [39.5, 59.5, 160, 160], atol=6)


def test_options_limit_who_is_found(detector):
    find = detector()
    both = picture((320, 240), (20, 20, 60, 120, RED), (200, 80, 30, 30, BLUE))
    assert len(find(both, DetectionOptions(max_persons=1))) == 1
    assert len(find(both, DetectionOptions(min_box_px=50))) == 1
    assert find(both, DetectionOptions(max_persons=0)) == []


@pytest.mark.parametrize('option', ['decoder', 'resize', 'nms'])
def test_refuses_a_card_it_cannot_follow(detector, option):
    with pytest.raises(ModelError, match=f'{option}.*magic.*must be one of'):
        detector(**{option: 'magic'})


@given(
    st.tuples(st.integers(1, 4000), st.integers(1, 3000)),
    st.sampled_from(FITS),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_a_fit_is_undone(image_size, how, at):
    fit = fit_to(image_size, (SIDE, SIDE), how)
    point = np.array(at) * image_size
    there = (point + 0.5) * fit.scale - 0.5 + fit.shift
    np.testing.assert_allclose(fit.to_image(there), point, atol=1e-6)
    assert all(s >= 0 and s + n <= SIDE for s, n in zip(fit.shift, fit.size, strict=True))


@pytest.mark.parametrize(
    ('rim', 'angle'),
    [
        ((0, -10), 0.0),  # the head is up
        ((10, 0), np.pi / 2),  # lies with the head to the right: x of the crop points down
        ((-10, 0), -np.pi / 2),
        ((0, 10), np.pi),  # head down
    ],
)
def test_a_region_turns_with_the_person(rim, angle):
    region = region_round(np.array([50.0, 60.0]), np.array([50.0, 60.0]) + rim, 1.25)
    assert region.centre == (50.0, 60.0)
    assert region.side == pytest.approx(25.0)
    assert np.exp(1j * region.angle) == pytest.approx(np.exp(1j * angle))


def test_a_box_of_the_region_ends_at_the_image():
    region = Region((0.0, 0.0), 5.0)
    box = clipped_box(np.array([[-20.0, 10.0], [50.0, 900.0]]), (100, 80), 0.7, region)
    np.testing.assert_allclose(box.xywh, [-0.5, 10, 50.5, 69.5])
    assert replace(box, region=None).score == 0.7
