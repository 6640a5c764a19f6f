"""Poses are placed where the authors of the method place them; nobody moves anybody else."""

from dataclasses import replace

import numpy as np
import pytest
from parity import parity_case

from mesh_pose_ros.geometry.absolute import absolute_pose
from mesh_pose_ros.geometry.reconstruction import (
    DEFAULT,
    PUBLISHED,
    PUBLISHED_2020,
    Rule,
    full_root,
    reconstructed,
    weak_root,
    within_view,
)

SIDE, STRIDE = 256, 32
MILLIMETRES = 0.01  # theirs is calculated in float32, several metres away
CASES = [
    ('normal', True),
    ('normal', False),
    ('trunc', True),
    ('trunc', False),
    ('b1', True),
    ('alloutside', True),
]
# the authors' share of the offsets' shape: what a joint in view is moved to its ray by
RAY_SHARES = {'None': 1.0, '0.0': 1.0, '0.5': 0.5, '1.0': 0.0}


def given(name: str) -> tuple[np.ndarray, ...]:
    """Pixels, rays and offsets of a case."""
    case = parity_case('metrabs/absrec_pt.npz')
    pixels, offsets = case[f'{name}_in2d'].astype(float), case[f'{name}_in3d'].astype(float)
    lifted = np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1)
    rays = lifted @ np.linalg.inv(case[f'{name}_K'].astype(float)).swapaxes(1, 2)
    return pixels, rays[..., :2], offsets


def body(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rays, offsets and roots of people whose 2D joints are noisy."""
    rng = np.random.default_rng(seed)
    offsets = rng.uniform(-0.9, 0.9, (count, 17, 3))
    roots = rng.uniform([-1, -1, 3], [1, 1, 20], (count, 3))
    joints = offsets + roots[:, None]
    rays = joints[..., :2] / joints[..., 2:] + rng.normal(scale=1e-3, size=(count, 17, 2))
    return rays, offsets, roots


@pytest.mark.parametrize(('name', 'centred'), CASES)
def test_tells_what_is_in_view_as_the_authors_do(name, centred):
    pixels, _, _ = given(name)
    wanted = parity_case('metrabs/absrec_pt.npz')[f'{name}_cs{int(centred)}_infov']
    np.testing.assert_array_equal(within_view(pixels, SIDE, STRIDE, centred), wanted)


@pytest.mark.parametrize(('name', 'centred'), CASES)
def test_places_as_the_pytorch_code_of_2023(name, centred):
    pixels, rays, offsets = given(name)
    in_view = within_view(pixels, SIDE, STRIDE, centred)
    case = parity_case('metrabs/absrec_pt.npz')
    root = full_root(rays, offsets, in_view, together=True)
    wanted = case[f'{name}_cs{int(centred)}_ref']
    np.testing.assert_allclose(root, wanted, rtol=0, atol=MILLIMETRES)
    for mix, share in RAY_SHARES.items():
        joints = reconstructed(rays, offsets, in_view, replace(PUBLISHED, ray_share=share))
        wanted = case[f'{name}_cs{int(centred)}_mix{mix}']
        np.testing.assert_allclose(joints, wanted, rtol=0, atol=MILLIMETRES, err_msg=mix)


@pytest.mark.parametrize('weak', [False, True])
@pytest.mark.parametrize(('name', 'centred'), CASES)
def test_places_as_the_tensorflow_code_of_2023(name, centred, weak):
    pixels, rays, offsets = given(name)
    in_view = within_view(pixels, SIDE, STRIDE, centred)
    case = parity_case('metrabs/absrec_tf2023.npz')
    for mix in ('None', '0.5'):
        rule = Rule(weak, RAY_SHARES[mix], together=True)
        wanted = case[f'{name}_cs{int(centred)}_{"weak" if weak else "full"}_mix{mix}']
        joints = reconstructed(rays, offsets, in_view, rule)
        np.testing.assert_allclose(joints, wanted, rtol=0, atol=MILLIMETRES, err_msg=mix)


@pytest.mark.parametrize('name', ['normal', 'trunc', 'b1', 'alloutside'])
def test_places_as_the_code_of_2020(name):
    pixels, rays, offsets = given(name)
    case = parity_case('metrabs/absrec_tf2020.npz')
    in_view = within_view(pixels, SIDE, STRIDE, margin=1)
    np.testing.assert_array_equal(in_view, case[f'{name}_infov'])
    joints = reconstructed(rays, offsets, in_view, PUBLISHED_2020)
    np.testing.assert_allclose(joints, case[f'{name}_weak'], rtol=0, atol=MILLIMETRES)
    root = full_root(rays, offsets, in_view, together=True, ridge=0)
    wanted = case[f'{name}_strong_ref'][..., 0]
    np.testing.assert_allclose(root, wanted, rtol=0, atol=MILLIMETRES)


@pytest.mark.parametrize('rule', [DEFAULT, PUBLISHED_2020, Rule(ridge=0.0)])
def test_people_do_not_move_each_other(rule):
    rays, offsets, _ = body(5)
    seen = np.random.default_rng(1).random((5, 17)) > 0.2
    alone = [reconstructed(*person, rule) for person in zip(rays, offsets, seen)]
    np.testing.assert_allclose(reconstructed(rays, offsets, seen, rule), alone)


def test_people_do_move_each_other_in_the_published_code():
    rays, offsets, _ = body(2)
    alone = reconstructed(rays[:1], offsets[:1], np.ones((1, 17)), PUBLISHED)
    beside = reconstructed(rays, offsets, np.ones((2, 17)), PUBLISHED)[:1]
    assert np.abs(alone - beside).max() > 1e-3
    np.testing.assert_allclose(alone[0], reconstructed(rays[0], offsets[0], np.ones(17)))


def test_without_the_pull_it_is_the_exact_least_squares():
    rays, offsets, _ = body(4)
    weights = np.full((4, 17), (1 + 1e-4) ** 2)
    found = reconstructed(rays, offsets, np.ones((4, 17)), Rule(ridge=0.0))
    np.testing.assert_allclose(found, absolute_pose(rays, offsets, weights, 0.5), atol=1e-9)


@pytest.mark.parametrize('unit', [1.0, 1000.0])
def test_any_unit_will_do(unit):
    rays, offsets, _ = body(3)
    found = full_root(rays, unit * offsets, np.ones((3, 17)))
    np.testing.assert_allclose(found, unit * full_root(rays, offsets, np.ones((3, 17))))


def test_weak_perspective_is_close_for_people_far_away():
    rng = np.random.default_rng(4)
    offsets, root = rng.uniform(-0.9, 0.9, (17, 3)), np.array([2.0, -1.0, 80.0])
    joints = offsets + root
    found = weak_root(joints[:, :2] / joints[:, 2:], offsets, np.ones(17))
    np.testing.assert_allclose(found, root, rtol=0.02)


@pytest.mark.parametrize('weak', [False, True])
def test_answers_something_finite_when_nothing_is_in_view(weak):
    rays, offsets, _ = body(2)
    assert np.isfinite(reconstructed(rays, offsets, np.zeros((2, 17)), Rule(weak))).all()
