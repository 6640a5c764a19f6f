"""Figures of chains: right on pictures whose answer is known, and written where they belong."""

import json
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mesh_pose_ros.geometry.body_model import BodyModel, Regressor
from mesh_pose_ros.people import Box, Person, Pose
from mesh_pose_ros.runtime.models import find_card
from mesh_pose_ros.skeletons import COCO17
from training import evaluate_images
from training.evaluation import detector
from training.evaluation.boxes import Finds, finds, threshold
from training.evaluation.chains import Chain
from training.evaluation.joints import mesh_joints
from training.evaluation.photographs import Photograph, held_out, validation
from training.evaluation.scenes import SIZE, Truth, held_out_scenes
from training.evaluation.space import miss, size_alone
from training.evaluation.table import PLACE, ROWS, markdown

REGRESSOR = Regressor(('pelvis', 'a', 'b'), np.eye(17)[:3])
STANDING = np.stack([np.linspace(-0.3, 0.3, 17), np.linspace(-0.8, 0.8, 17), np.zeros(17)], 1)


@pytest.fixture
def photos(tmp_path):
    """Two pictures to judge by, one with a person, and one that training may see."""
    (tmp_path / 'images').mkdir()
    entries = []
    for number, source in enumerate(('coco_mini_train', 'pennfudan', 'lsp'), 1):
        name = f'{source}.jpg'
        cv2.imwrite(str(tmp_path / 'images' / name), np.full((200, 150, 3), 200, np.uint8))
        entries.append({'id': number, 'file_name': name, 'source': source})
    marks = np.append(np.random.default_rng(0).uniform(40, 100, (17, 2)), np.ones((17, 1)), axis=1)
    person = {'image_id': 1, 'bbox': [30, 20, 80, 150], 'iscrowd': 0}
    person['keypoints'] = marks.ravel().tolist()
    file = {'images': entries, 'annotations': [person]}
    (tmp_path / 'annotations.json').write_text(json.dumps(file))
    return tmp_path


@pytest.fixture
def seen_photograph():
    boxes = np.array([[10, 10, 60, 130], [100, 10, 110, 30]], float)  # the second one is small
    marks = np.zeros((2, 17, 2)), np.zeros((2, 17), bool)
    return Photograph(None, 'coco_mini_train', boxes, np.zeros(2, bool), *marks)


def person_at(*box, score=0.9, joints3d=STANDING):
    pose = Pose(COCO17, joints3d[:, :2] * 100, joints3d, np.ones(17))
    return Person(Box(*box, score), 1.0, pose)


def test_whole_sources_are_kept_from_training(photos):
    assert {p.source for p in validation(photos)} == {'coco_mini_train', 'pennfudan'}
    kept = [held_out({'source': 'inria_neg', 'file_name': f'{i}.jpg'}) for i in range(400)]
    assert 0.08 < np.mean(kept) < 0.18


def test_marks_are_read_as_they_are(photos):
    marked = next(p for p in validation(photos) if len(p.boxes))
    np.testing.assert_allclose(marked.boxes, [[29.5, 19.5, 109.5, 169.5]])
    assert marked.seen.all()
    assert marked.image().shape == (200, 150, 3)


def test_small_people_are_neither_right_nor_wrong(seen_photograph):
    people = [person_at(10, 10, 50, 120), person_at(100, 10, 10, 20), person_at(200, 10, 50, 90)]
    found = finds(people, seen_photograph)
    assert found.people == 1
    assert found.right.tolist() == [True, False]


def test_the_tolerated_score_lets_few_false_boxes_through():
    scores = np.linspace(0.1, 0.9, 10)
    empty = [Finds('a', scores[i : i + 1], np.zeros(1, bool), 0, True) for i in range(10)]
    tolerated = threshold(empty)
    assert sum((f.scores > tolerated).sum() for f in empty) == 1


def test_a_size_prior_moves_small_boxes_down(toy_models, photos):
    found = detector.guesses(find_card(toy_models / 'toy_detector.yaml'), validation(photos))
    assert all(len(boxes) == 1 for _, boxes, _ in found)
    plain, strict = (detector.with_prior(found, power, tall=1000) for power in (0.0, 1.0))
    assert strict['score'] < 0.2 * plain['score']
    assert strict['ap50'] == plain['ap50']


def test_errors_in_space_are_of_their_kind():
    there = STANDING + np.array([0, 0, 4.0])
    scene = SimpleNamespace(joints=there[None], truncated=[False])
    further = person_at(0, 0, 9, 9, joints3d=there + np.array([0, 0, 0.4]))
    found = miss(further, scene, 0, REGRESSOR)
    assert found.joints == pytest.approx(0, abs=1e-6)
    assert found.absolute == pytest.approx(400)
    assert found.share == pytest.approx(0.1, abs=1e-3)
    larger = person_at(0, 0, 9, 9, joints3d=1.1 * there)
    found = miss(larger, scene, 0, REGRESSOR)
    assert found.aligned == pytest.approx(0, abs=1e-6) != found.joints
    assert np.isnan(found.vertices)
    assert np.isnan(found.regressed)


def test_who_knows_all_but_a_size_errs_by_it():
    sizes = [0.5, 0.9, 1.0, 1.0, 1.25]  # errors of 100, 11, 0, 0 and 20 percent
    apart = [SimpleNamespace(joints=np.stack([s * STANDING, s * STANDING + 3])) for s in sizes]
    assert size_alone(apart) == pytest.approx(100 / 9)
    assert size_alone(apart[2:4]) == pytest.approx(0, abs=1e-9)


def test_errors_of_a_mesh_are_those_of_its_surface_and_of_joints_on_it():
    there = STANDING + np.array([0, 0, 4.0])
    scene = SimpleNamespace(
        joints=there[None], truncated=[False], vertices=there[None], pelvis=there[None, 0]
    )
    # the pelvis is known, all else is 30 mm to the side, so that joints moved against the first
    moved = there + np.where(np.arange(17) == 0, 0, 0.03)[:, None] * [1, 0, 0]
    mesh = SimpleNamespace(vertices=moved, joints=moved)
    found = miss(replace(person_at(0, 0, 9, 9, joints3d=there), mesh=mesh), scene, 0, REGRESSOR)
    assert found.vertices == pytest.approx(30 * 16 / 17)
    assert found.regressed == pytest.approx(30 * 2 / 3)
    assert found.regressed_aligned < found.regressed
    larger = SimpleNamespace(vertices=1.2 * there, joints=1.2 * there)
    found = miss(replace(person_at(0, 0, 9, 9, joints3d=there), mesh=larger), scene, 0, REGRESSOR)
    assert found.regressed_aligned == pytest.approx(0, abs=1e-6) != found.regressed


def test_scenes_are_drawn_once_and_show_their_people(tmp_path, body_path):
    (scene,) = held_out_scenes(1, body_path, None, tmp_path)
    assert scene.image.shape == (*SIZE[::-1], 3)
    pixels = scene.camera.project(scene.joints)
    for box, joints in zip(scene.boxes, pixels, strict=True):
        inside = ((joints > box[:2] - 3) & (joints < box[2:] + 3)).all(1)
        assert inside.mean() > 0.5
    (file,) = tmp_path.rglob('*.npz')
    drawn = file.stat().st_mtime_ns
    (again,) = held_out_scenes(1, body_path, None, tmp_path)
    assert file.stat().st_mtime_ns == drawn
    np.testing.assert_array_equal(again.image, scene.image)


def test_any_chain_gets_a_column(toy_models, photos, tmp_path, monkeypatch):
    readme = tmp_path / 'table.md'
    readme.write_text(f'before\n{PLACE.begin}\nold\n{PLACE.end}\nafter\n')
    told = ['--chains', str(toy_models / 'toy_pose.yaml'), '--photos', str(photos)]
    told += ['--scenes', '0', '--cache', str(tmp_path), '--readme', str(readme)]
    evaluate_images.main([*told, '--sheets', str(tmp_path / 'sheets')])
    text = readme.read_text()
    assert text.startswith('before\n')
    assert text.endswith('after\n')
    assert '| | toy_pose |' in text
    assert 'old' not in text
    assert cv2.imread(str(tmp_path / 'sheets' / 'toy_pose.jpg')).any()
    assert set(json.loads((tmp_path / 'images.json').read_text())['toy_pose']) >= {'ap50', 'pck'}


def test_a_chain_sees_who_is_there(toy_models, photos):
    chain = Chain(f'{toy_models}/toy_pose.yaml+{toy_models}/toy_detector.yaml')
    assert chain.name == 'toy_pose+toy_detector'
    image = np.full((*SIZE[::-1], 3), 200, np.uint8)
    truth = Truth(image, _camera(), *(np.zeros((0, 4)) for _ in range(5)))
    assert len(chain.people(truth.image, truth.camera)) == 1
    person = chain.person_in(image, truth.camera, np.array([100, 100, 200, 400]))
    assert person.pose.joints3d.shape == (17, 3)


def test_joints_inside_a_mesh_are_where_the_mesh_is(body_path):
    body = BodyModel.load(body_path)
    vertices = body.template * [1, -1, -1] + [0.2, 0, 3]
    mesh = SimpleNamespace(vertices=vertices)
    regressor = body.regressors['coco17']
    found = mesh_joints(SimpleNamespace(mesh=mesh), _camera(), regressor)
    seen = _camera().project(vertices)
    assert ((found > seen.min(0)) & (found < seen.max(0))).all()
    left, right = (COCO17.index(f'{side}_wrist') for side in ('left', 'right'))
    assert found[left, 0] > found[right, 0] + 100  # it looks at the camera
    assert np.isnan(mesh_joints(SimpleNamespace(mesh=None), _camera(), regressor)).all()
    other = SimpleNamespace(vertices=vertices[:9])
    assert np.isnan(mesh_joints(SimpleNamespace(mesh=other), _camera(), regressor)).all()


def _camera():
    from mesh_pose_ros.geometry.camera import Camera

    return Camera.from_fov(60, SIZE)


def test_what_was_not_measured_is_a_dash():
    text = markdown({'one': {'ap50': 0.5}, 'two': {}})
    assert '| AP50, people of 60 px and more | 0.500 | – |' in text
    assert len(text.splitlines()) == 2 + sum(len(rows) + 1 for rows in ROWS.values())
