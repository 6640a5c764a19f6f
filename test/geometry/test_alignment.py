"""Alignment undoes turning, growing and moving, and never mirrors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_pose_ros.geometry.alignment import Similarity, aligned, similarity_between
from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix

seeds = st.integers(0, 2**32 - 1)


def cloud(seed: int, *batch: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(*batch, 14, 3))


def some_similarity(seed: int, *batch: int, scale: float | None = None) -> Similarity:
    rng = np.random.default_rng([seed, 1])
    scales = rng.uniform(0.2, 3, batch) if scale is None else np.full(batch, scale)
    turn = axis_angle_to_matrix(rng.uniform(-2, 2, (*batch, 3)))
    return Similarity(scales, turn, rng.normal(size=(*batch, 3)))


@given(seeds)
def test_finds_the_similarity_that_made_the_target(seed):
    true = some_similarity(seed, 2, 3)
    source = cloud(seed, 2, 3)
    found = similarity_between(source, true(source))
    np.testing.assert_allclose(found.scale, true.scale)
    np.testing.assert_allclose(found.rotation, true.rotation, atol=1e-9)
    np.testing.assert_allclose(found.translation, true.translation, atol=1e-9)


@given(seeds)
def test_no_small_change_comes_closer(seed):
    source, target = cloud(seed), cloud(seed + 1)
    best = similarity_between(source, target)
    rng = np.random.default_rng(seed)
    other = Similarity(
        best.scale * (1 + rng.normal(scale=0.01)),
        axis_angle_to_matrix(rng.normal(scale=0.01, size=3)) @ best.rotation,
        best.translation + rng.normal(scale=0.01, size=3),
    )
    assert np.sum((best(source) - target) ** 2) <= np.sum((other(source) - target) ** 2)


@given(seeds)
def test_without_scale_the_size_stays(seed):
    true = some_similarity(seed, scale=1.0)
    np.testing.assert_allclose(
        aligned(cloud(seed), true(cloud(seed)), scaled=False), true(cloud(seed)), atol=1e-9
    )
    assert similarity_between(cloud(seed), cloud(seed + 1), scaled=False).scale == 1.0


@given(seeds)
def test_a_mirrored_cloud_is_not_mirrored_back(seed):
    found = similarity_between(cloud(seed), cloud(seed) * [-1, 1, 1])
    assert np.linalg.det(found.rotation) == pytest.approx(1)


@given(seeds)
def test_a_point_without_weight_does_not_count(seed):
    true, weights = some_similarity(seed), np.ones(14)
    target = true(cloud(seed))
    target[4], weights[4] = 100.0, 0.0
    found = similarity_between(cloud(seed), target, weights)
    np.testing.assert_allclose(found.translation, true.translation, atol=1e-9)


def test_a_flat_cloud_is_aligned_too():
    source = cloud(0) * [1, 1, 0]
    true = some_similarity(0)
    np.testing.assert_allclose(aligned(source, true(source)), true(source), atol=1e-9)


def test_a_single_place_is_only_moved():
    found = aligned(np.zeros((14, 3)), np.ones((14, 3)))
    np.testing.assert_allclose(found, 1)


def test_batches_like_it_loops():
    source, target = cloud(0, 3), cloud(1, 3)
    np.testing.assert_allclose(
        aligned(source, target), [aligned(s, t) for s, t in zip(source, target, strict=True)]
    )
