"""Steps of Adam: their length, their memory, and where they lead."""

import numpy as np
import pytest

from mesh_pose_ros.pipeline.adam import NO_MOMENTS, step


@pytest.fixture
def gradient():
    rng = np.random.default_rng(0)
    return tuple(rng.normal(size=shape).astype(np.float32) for shape in ((3, 4), (4,)))


def zeros_like(arrays):
    return tuple(np.zeros_like(array) for array in arrays)


@pytest.mark.parametrize('size', [0.01, 1.0, 1e3])
def test_a_first_step_is_as_long_as_the_rate(gradient, size):
    steep = tuple(np.float32(size) * g for g in gradient)
    moved, _ = step(zeros_like(gradient), steep, NO_MOMENTS, 0.1)
    for way, g in zip(moved, gradient, strict=True):
        np.testing.assert_allclose(way, -0.1 * np.sign(g), rtol=0.01)


def test_without_a_slope_nothing_moves(gradient):
    moved, moments = step(gradient, zeros_like(gradient), NO_MOMENTS, 0.1)
    for new, old in zip(moved, gradient, strict=True):
        np.testing.assert_array_equal(new, old)
    assert moments.steps == 1


def test_steps_are_those_of_torch(gradient):
    torch = pytest.importorskip('torch')
    ours, moments = zeros_like(gradient), NO_MOMENTS
    theirs = [torch.zeros(array.shape) for array in gradient]
    optimiser = torch.optim.Adam(theirs, lr=0.1)
    for factor in (1.0, -0.5, 2.0, 0.1):
        slope = tuple(np.float32(factor) * g for g in gradient)
        ours, moments = step(ours, slope, moments, 0.1)
        for array, g in zip(theirs, slope, strict=True):
            array.grad = torch.from_numpy(g)
        optimiser.step()
    for mine, yours in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, yours, atol=1e-5)


def test_one_start_leads_to_a_place_for_each_gradient(gradient):
    many = tuple(np.stack([g, -g]) for g in gradient)
    moved, _ = step(zeros_like(gradient), many, NO_MOMENTS, 0.1)
    for way, g in zip(moved, gradient, strict=True):
        np.testing.assert_allclose(way[0], -way[1])
        assert way.shape == (2, *g.shape)
