"""Joints are framed as the published code frames them, wherever in a picture they are."""

from pathlib import Path

import numpy as np
import pytest

from mesh_pose_ros.geometry.joint_frames import (
    framing_box,
    moved,
    picture_to_crop,
    standardised,
    tight_box,
)

CASE = Path(__file__).parents[1] / 'data' / 'parity' / 'pose2mesh' / 'preproc_case.npz'
FLOAT32 = 1e-6  # relative; the published boxes are rounded to it


@pytest.fixture(scope='module')
def case():
    with np.load(CASE) as file:
        return {key: file[key] for key in file.files}


@pytest.fixture
def joints():
    return np.random.default_rng(3).normal(300, 80, size=(4, 17, 2))


def test_boxes_are_the_published_ones(case):
    tight = tight_box(case['joints'][:, :2])
    np.testing.assert_allclose(tight, case['bbox'], rtol=FLOAT32)
    np.testing.assert_allclose(framing_box(tight, 288 / 384), case['bbox_proc'], rtol=FLOAT32)
    np.testing.assert_allclose(framing_box(tight, 1, 1.25), case['proj_bbox'], rtol=FLOAT32)


def test_crops_are_the_published_ones(case):
    joints = case['joints'][:, :2]
    box = framing_box(tight_box(joints), 288 / 384)
    np.testing.assert_allclose(picture_to_crop(box, (288, 384)), case['trans'], rtol=FLOAT32)
    square = picture_to_crop(framing_box(tight_box(joints), 1, 1.25), (500, 500))
    np.testing.assert_allclose(moved(joints, square), case['proj_joints'][:, :2], atol=1e-3)


def test_what_a_network_takes_is_the_published_input(case):
    np.testing.assert_allclose(standardised(case['joints'][:, :2]), case['norm'], atol=1e-6)


def test_a_crop_cancels_out(joints):
    box = framing_box(tight_box(joints), 288 / 384)
    cropped = moved(joints, picture_to_crop(box, (288, 384)))
    np.testing.assert_allclose(standardised(cropped), standardised(joints), atol=1e-9)


def test_standardised_joints_have_zero_mean_and_unit_variance(joints):
    found = standardised(joints)
    np.testing.assert_allclose(found.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(found.var(axis=1), 1)


def test_joints_in_line_stay_in_line(joints):
    joints[0, :, 1] = 40
    found = standardised(joints)
    assert not found[0, :, 1].any()
    np.testing.assert_array_equal(found[1:], standardised(joints[1:]))


@pytest.mark.parametrize('size', [(10, 41), (80, 21), (61, 81)])
def test_a_frame_holds_its_box_in_the_middle(size):
    box = np.array([5.0, 7.0, *size])
    found = framing_box(box, 0.75, 1.25)
    assert found[2] / found[3] == pytest.approx(0.75)
    np.testing.assert_allclose(found[:2] + found[2:] / 2, box[:2] + (box[2:] - 1) / 2)
    np.testing.assert_allclose((found[2:] / (box[2:] - 1)).min(), 1.25)


def test_a_crop_starts_and_ends_with_its_box():
    corners = moved([[10.0, 20.0], [40.0, 80.0]], picture_to_crop([10, 20, 30, 60], (90, 180)))
    np.testing.assert_allclose(corners, [[0, 0], [90, 180]], atol=1e-12)
