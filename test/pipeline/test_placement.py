"""True 2D and root-relative 3D joints tell where a person stands, through any lens."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from toy_people import LENSES, STANDING, camera_with

from mesh_pose_ros.people import Region
from mesh_pose_ros.pipeline.placement import SIZE_STDDEV, place

SIDE = 256


def random_person(rng, camera):
    """Joints somewhere in the field of view in some posture, and the crop that shows them."""
    turn = Rotation.random(random_state=rng).as_matrix()
    pixel = rng.uniform([80, 80], np.array(camera.size) - 80)
    depth = rng.uniform(2.0, 8.0)
    root = np.array([*camera.rays(pixel), 1.0]) * depth
    joints = (
        STANDING @ turn.T * rng.uniform(0.7, 1.2) + rng.normal(scale=0.05, size=(17, 3)) + root
    )
    region = Region(tuple(pixel), 2.4 * camera.focal / depth, rng.uniform(-np.pi, np.pi))
    return root, joints, camera.looking_at(region, SIDE)


@pytest.mark.parametrize('lens', LENSES)
@pytest.mark.parametrize('ray_share', [0.0, 0.5, 1.0])
def test_true_joints_give_the_pelvis_within_a_millimetre(lens, ray_share):
    rng, camera = np.random.default_rng(0), camera_with(lens, focal=420)
    for _ in range(50):
        root, joints, own = random_person(rng, camera)
        pixels, offsets = own.project(joints), own.from_optical(joints - root)
        at = place(own, pixels, offsets, np.ones(17), ray_share)
        assert at.firm
        np.testing.assert_allclose(own.to_optical(at.root), root, atol=1e-3)
        np.testing.assert_allclose(own.to_optical(at.joints), joints, atol=1e-3)


@pytest.fixture
def sight():
    """One person as the crop's camera sees them: camera, pixels, offsets, true root."""
    root, joints, own = random_person(np.random.default_rng(3), camera_with('pinhole'))
    return own, own.project(joints), own.from_optical(joints - root), own.from_optical(root)


def test_a_wild_guess_outside_the_crop_hardly_matters(sight):
    own, pixels, offsets, root = sight
    pixels[15] = (SIDE + 40, -60)
    at = place(own, pixels, offsets, np.ones(17))
    np.testing.assert_allclose(at.root, root, atol=0.02)
    # nor is the joint itself drawn to where it cannot be
    np.testing.assert_allclose(at.joints[15] - at.root, offsets[15], atol=1e-9)


def test_a_wild_guess_without_confidence_does_not_matter(sight):
    own, pixels, offsets, root = sight
    pixels[15] += 50
    confidence = np.where(np.arange(17) == 15, 0.0, 1.0)
    np.testing.assert_allclose(place(own, pixels, offsets, confidence, 0.0).root, root, atol=1e-6)


def test_joints_near_the_edge_can_be_left_out(sight):
    own, pixels, offsets, root = sight
    far = np.abs(pixels - (SIDE - 1) / 2).max(axis=1) > 60
    assert far.any()
    assert not far.all()
    pixels[far] += 3
    edge = (SIDE - 1) / 2 - 60
    at = place(own, pixels, offsets, np.ones(17), 0.0, edge)
    np.testing.assert_allclose(at.root, root, atol=1e-2)


def test_noise_shows_in_the_standard_deviation_of_the_depth(sight):
    own, pixels, offsets, root = sight
    calm = place(own, pixels, offsets, np.ones(17))
    assert calm.depth_stddev == pytest.approx(SIZE_STDDEV * root[2], rel=1e-3)
    rng = np.random.default_rng(0)
    errors, said = [], []
    for _ in range(300):
        at = place(own, pixels + rng.normal(scale=2, size=(17, 2)), offsets, np.ones(17))
        errors.append(at.root[2] - root[2])
        said.append(np.sqrt(at.depth_stddev**2 - (SIZE_STDDEV * at.root[2]) ** 2))
    assert np.sqrt(np.mean(np.square(said))) == pytest.approx(np.std(errors), rel=0.2)


def test_contradictions_give_a_rough_place_and_say_so(sight):
    own, pixels, offsets, _ = sight
    # offsets upside down fit their rays only behind the camera
    at = place(own, pixels, -offsets, np.ones(17))
    assert not at.firm
    assert np.isfinite(at.joints).all()
    assert at.root[2] > 0


@pytest.mark.parametrize(
    'spoil',
    [
        lambda pixels, confidence: (np.full_like(pixels, 100.0), confidence),  # all on one ray
        lambda pixels, confidence: (pixels, confidence * 0),  # nothing is trusted
        lambda pixels, confidence: (pixels * np.nan, confidence),
    ],
    ids=['one ray', 'no confidence', 'nan'],
)
def test_who_cannot_be_placed_is_none(sight, spoil):
    own, pixels, offsets, _ = sight
    pixels, confidence = spoil(pixels, np.ones(17))
    assert place(own, pixels, offsets, confidence) is None


@given(st.floats(0.2, 5.0))
def test_a_person_twice_the_size_stands_twice_as_far(scale):
    root, joints, own = random_person(np.random.default_rng(5), camera_with('plumb_bob'))
    pixels, offsets = own.project(joints), own.from_optical(joints - root)
    at = place(own, pixels, offsets * scale, np.ones(17))
    np.testing.assert_allclose(own.to_optical(at.root), root * scale, rtol=1e-6, atol=1e-6)
