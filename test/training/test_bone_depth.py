"""Bones of known length tell how far away somebody is."""

import numpy as np
import pytest
from parity import parity_case

from training.bone_depth import root_depth

METRES = 1e-3  # per millimetre


def test_finds_the_depths_of_the_published_code():
    case = {k.removeprefix('bl_'): v for k, v in parity_case('metrabs/evals_2020.npz').items()}
    rows = zip(case['x'], case['dz'] * METRES, case['len'] * METRES, strict=True)
    for (rays, depths, lengths), wanted in zip(rows, case['z'] * METRES, strict=True):
        found = root_depth(rays[:, :2], depths, lengths, case['edges'], published=True)
        assert found == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize('depth', [1.5, 3.0, 12.0])
def test_finds_the_depth_of_a_pose_that_fits(depth):
    joints = np.random.default_rng(0).uniform(-0.6, 0.6, (6, 3)) + np.array([0.3, 0.1, depth])
    joints[0, 2] = depth
    bones = [(0, 1), (1, 2), (2, 3), (0, 4), (4, 5)]
    lengths = [np.linalg.norm(joints[i] - joints[j]) for i, j in bones]
    rays, depths = joints[:, :2] / joints[:, 2:], joints[:, 2] - depth
    assert root_depth(rays, depths, lengths, bones) == pytest.approx(depth, abs=1e-5)


def test_the_best_depth_is_better_than_the_published_one():
    case = {k.removeprefix('bl_'): v for k, v in parity_case('metrabs/evals_2020.npz').items()}
    for rays, depths, lengths in zip(case['x'], case['dz'], case['len'], strict=True):

        def misfit(z, rays=rays, depths=depths, lengths=lengths):
            joints = rays * (depths + z)[:, None]
            bones = joints[case['edges'][:, 0]] - joints[case['edges'][:, 1]]
            return np.square(np.linalg.norm(bones, axis=1) - lengths).sum()

        args = (rays[:, :2], depths * METRES, lengths * METRES, case['edges'])
        best, published = (root_depth(*args, published=p) / METRES for p in (False, True))
        assert misfit(best) <= misfit(published)
