"""People are matched and scored as the published script matches and scores them."""

from dataclasses import astuple

import numpy as np
import pytest
from parity import parity_case

from training.multi_person_protocol import (
    BONES,
    Frame,
    Protocol,
    matched_people,
    matches_in,
    with_bones_of,
)

EVALS = 'metrabs/evals_2020.npz'
NAMES = ('mpjpe14', 'mpjpe16', 'mpjpe17', 'pck_matched', 'auc_matched', 'pck_all_anno',
         'auc_all_anno')  # fmt: skip


@pytest.fixture(scope='module')
def matches():
    inputs = parity_case('metrabs/eval_mupots_inputs.npz')
    places = sorted({name.split('/', 1)[1] for name in inputs})
    sequences = sorted({place.split('/')[0] for place in places})
    return matches_in(
        [
            [
                Frame(*(inputs[f'{kind}/{place}'] for kind in ('t2', 't3', 'tu', 'p2', 'p3')))
                for place in places
                if place.startswith(sequence)
            ]
            for sequence in sequences
        ]
    )


@pytest.mark.parametrize('universal', [False, True])
@pytest.mark.parametrize('rooted', [False, True])
@pytest.mark.parametrize('rescaled', [False, True])
def test_scores_are_those_of_the_published_script(matches, universal, rooted, rescaled):
    case = parity_case(EVALS)
    choices = ('univ' if universal else 'nonuniv', 'rootrel' if rooted else 'nonrootrel')
    name = '_'.join(['mupots', *choices, 'rescale' if rescaled else 'norescale'])
    scores = astuple(matches.scores(Protocol(universal, rooted, rescaled)))
    for kind, found in zip(NAMES, scores, strict=True):
        wanted = case[f'{name}_{kind}']
        np.testing.assert_allclose(found, wanted[:-1], rtol=1e-9, err_msg=kind)
        np.testing.assert_allclose(found.mean(), wanted[-1], rtol=1e-9, err_msg=kind)


def test_as_many_are_found_as_the_published_script_finds(matches):
    assert matches.recall == pytest.approx(float(parity_case(EVALS)['mupots_recall']))


def test_bones_are_rescaled_as_published():
    case = parity_case(EVALS)
    found = with_bones_of(case['rescale_in_pred'], case['rescale_in_gt'])
    np.testing.assert_allclose(found, case['rescale_out'], rtol=0, atol=1e-8)


def test_a_rescaled_pose_keeps_directions_and_pelvis():
    rng = np.random.default_rng(0)
    found, truth = rng.normal(size=(2, 3, 17, 3))
    moved = with_bones_of(found, truth)
    np.testing.assert_array_equal(moved[:, 14], found[:, 14])
    for joint, parent in BONES:
        before, after, wanted = (p[:, joint] - p[:, parent] for p in (found, moved, truth))
        lengths = (np.linalg.norm(bone, axis=-1) for bone in (after, wanted))
        np.testing.assert_allclose(next(lengths), next(lengths))
        assert (np.einsum('ij,ij->i', before, after) > 0).all()


@pytest.mark.parametrize(
    ('shifts', 'pairs'),
    [
        ([], []),
        ([100], []),
        ([39], [(0, 0)]),
        ([30, 0], [(0, 0)]),  # both agree in all joints: the first stays
        ([100, 5], [(0, 1)]),
    ],
)
def test_a_person_is_the_one_with_most_joints_in_common(shifts, pairs):
    person = np.random.default_rng(0).uniform(100, 500, (17, 2))
    found = np.array([person + shift for shift in shifts]).reshape(-1, 17, 2)
    assert matched_people(person[None], found) == pairs


def test_nobody_is_taken_twice():
    person = np.full((17, 2), 200.0)
    assert matched_people(np.stack([person, person]), person[None]) == [(0, 0)]


def test_joints_at_zero_were_not_found():
    nowhere = np.zeros((1, 17, 2))
    assert matched_people(nowhere, nowhere) == []
