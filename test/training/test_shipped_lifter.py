"""The lifters in models/ do what their cards and the README claim."""

import pytest

from mesh_pose_ros.runtime.card import read_card
from training.evaluate import measure_lifter
from training.recipes import RECIPES

CLAIM = 25.0  # millimetres, mean over vertices and people, from true joints
CARD_TOLERANCE = 2.0  # fewer people are measured here than for the card
PEOPLE = 300


@pytest.fixture(scope='module', params=['open_body_lift', 'own_lift'])
def card(body_path, request):
    return read_card(body_path.with_name(f'{request.param}.yaml'))


def test_vertices_from_true_joints_of_authored_poses(card):
    found = measure_lifter(card.path, RECIPES['lifter'], None, PEOPLE)
    assert found['authored_true_joints_vertices_mm'] <= CLAIM
    assert found == pytest.approx(
        {name: card.accuracy[name] for name in found}, abs=CARD_TOLERANCE
    )


def test_vertices_from_true_joints_of_recordings_never_seen(card, bank_path):
    found = measure_lifter(card.path, RECIPES['lifter'], bank_path, PEOPLE)
    assert found['clips_true_joints_vertices_mm'] <= CLAIM
    assert found['clips_coco17_only_vertices_mm'] <= 2 * CLAIM
