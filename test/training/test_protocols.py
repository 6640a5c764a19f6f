"""Evaluations give the numbers of the published scripts."""

import numpy as np
import pytest
from parity import parity_case

from mesh_pose_ros.geometry.alignment import aligned
from training.protocols import (
    ACTIVITIES_3DHP,
    ACTIVITIES_H36M,
    SCENES_3DHP,
    area_of_shares,
    evaluate_3dhp,
    evaluate_3dpw,
    evaluate_h36m,
    share_near,
    smoothed,
)

EVALS = 'metrabs/evals_2020.npz'
CLOSE = 1e-9  # all of it is double precision


@pytest.mark.parametrize('scaled', [False, True])
def test_human36m_is_evaluated_as_published(scaled):
    case = parity_case(EVALS)
    errors = evaluate_h36m(case['h36m_pred'], case['h36m_gt'], case['h36m_act'], scaled)
    assert list(errors) == [*ACTIVITIES_H36M, 'all']
    wanted = case[f'h36m_metrics_pa{int(scaled)}']
    np.testing.assert_allclose(list(errors.values()), wanted, rtol=CLOSE)


@pytest.mark.parametrize('scaled', [False, True])
def test_3dhp_is_evaluated_as_published(scaled):
    case = {k.removeprefix('3dhp_'): v for k, v in parity_case(EVALS).items()}
    scores = evaluate_3dhp(case['pred'], case['gt'], case['act'], case['scene'], scaled)
    assert list(scores) == [*ACTIVITIES_3DHP, *SCENES_3DHP, 'pck', 'auc', 'mpjpe']
    wanted = case[f'metrics_pa{int(scaled)}']
    np.testing.assert_allclose(list(scores.values()), wanted, rtol=CLOSE)


def test_3dpw_is_evaluated_as_published():
    case = parity_case(EVALS)
    scores = evaluate_3dpw(case['3dpw_pred'], case['3dpw_gt'])
    np.testing.assert_allclose(list(scores.values()), case['3dpw_metrics'], rtol=CLOSE)


@pytest.mark.parametrize('name', ['causal', 'acausal'])
def test_tracks_are_smoothed_as_published(name):
    case = parity_case(EVALS)
    found = smoothed(case['smooth_in'], causal=name == 'causal')
    np.testing.assert_allclose(found, case[f'smooth_{name}'], rtol=0, atol=1e-6)


@pytest.mark.parametrize(('name', 'scaled'), [('proc_scale', True), ('proc_noscale', False)])
def test_poses_are_aligned_as_published(name, scaled):
    case = parity_case(EVALS)
    found = aligned(case['proc_pred'], case['proc_true'], scaled=scaled)
    np.testing.assert_allclose(found, case[name], rtol=0, atol=1e-8)


def test_the_head_is_no_root_of_ours():
    """A pose that is right but for the head is right when poses meet elsewhere."""
    truth = np.random.default_rng(0).normal(scale=300, size=(4, 14, 3))
    found = truth.copy()
    found[:, -1] += 400
    names, scenes = np.full(4, 'Sports'), np.full(4, 'outdoor')
    with pytest.warns(RuntimeWarning):  # means of no pose
        published = evaluate_3dhp(found, truth, names, scenes)
    with pytest.warns(RuntimeWarning):
        ours = evaluate_3dhp(found, truth, names, scenes, root=0)
    assert published['pck'] == pytest.approx(100 / 14)
    assert ours['pck'] == pytest.approx(100 * 13 / 14)


@pytest.mark.parametrize(
    ('distance', 'share', 'area'),
    [
        (0.0, 100.0, 100 * 30 / 31),  # a reach of zero is the one it is not within
        (149.999, 100.0, 100 / 31),
        (150.0, 0.0, 0.0),  # not nearer than
        (1e6, 0.0, 0.0),
    ],
)
def test_a_distance_counts_as_3dhp_counts_it(distance, share, area):
    assert share_near([distance]) == pytest.approx(share)
    assert area_of_shares([distance]) == pytest.approx(area)


def test_smoothing_from_the_past_sees_no_future():
    tracks = np.random.default_rng(0).normal(size=(9, 2, 3))
    later = tracks.copy()
    later[5:] += 1
    np.testing.assert_allclose(smoothed(tracks, True)[:5], smoothed(later, True)[:5])
    assert np.abs(smoothed(tracks, False)[:5] - smoothed(later, False)[:5]).max() > 0.01
