"""A line of JSON names the joints that evaluators ask for, whatever the model calls its own."""

import json

import numpy as np
import pytest

from mesh_pose_ros.errors import BagError
from mesh_pose_ros.people import Box, Person, Pose
from mesh_pose_ros.render.json_lines import JsonLines, person_fields
from mesh_pose_ros.skeletons import BLAZEPOSE33, COCO17, COCO19, COCO20, H36M17, MANO21, SMPL24


def person(skeleton):
    rng = np.random.default_rng(0)
    joints3d = rng.normal((0, 0, 4), 1, size=(len(skeleton), 3))
    joints2d = rng.uniform(0, 300, size=(len(skeleton), 2))
    pose = Pose(skeleton, joints2d, joints3d, np.ones(len(skeleton)))
    return Person(Box(1, 2, 30, 40), 0.75, pose, track_id=3)


@pytest.mark.parametrize(
    'skeleton', [COCO17, COCO19, COCO20, H36M17, SMPL24, BLAZEPOSE33], ids=lambda s: s.name
)
def test_the_17_of_coco_are_always_among_the_joints_of_a_body(skeleton):
    fields = person_fields(person(skeleton))
    for key, size in (('joints2d', 2), ('joints3d_cam_mm', 3)):
        assert set(fields[key]) == set(COCO17.names) | set(skeleton.names)
        assert {len(value) for value in fields[key].values()} == {size}


def test_own_joints_are_themselves_in_pixels_and_millimetres():
    someone = person(SMPL24)
    fields = person_fields(someone)
    for k, name in enumerate(SMPL24.names):
        np.testing.assert_allclose(fields['joints2d'][name], someone.pose.joints2d[k], atol=0.006)
        millimetres = someone.pose.joints3d[k] * 1000
        np.testing.assert_allclose(fields['joints3d_cam_mm'][name], millimetres, atol=0.06)


def test_a_lacking_joint_is_its_stand_in_in_2d_and_3d():
    fields = person_fields(person(SMPL24))
    for key in ('joints2d', 'joints3d_cam_mm'):
        assert fields[key]['nose'] == fields[key]['head']


def test_a_hand_has_no_joints_of_a_body():
    assert set(person_fields(person(MANO21))['joints2d']) == set(MANO21.names)


def test_box_score_and_number_are_plain_values():
    fields = person_fields(person(COCO17))
    found = {key: fields[key] for key in ('bbox', 'score', 'track_id')}
    assert found == {'bbox': [1.0, 2.0, 30.0, 40.0], 'score': 0.75, 'track_id': 3}


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_null_and_the_line_stays_json(tmp_path, value):
    someone = person(COCO17)
    someone.pose.joints3d[0, 2] = value
    with JsonLines(tmp_path / 'o.jsonl') as lines:
        lines.write(person_fields(someone))
    text = (tmp_path / 'o.jsonl').read_text()
    line = json.loads(text, parse_constant=lambda word: pytest.fail(f'{word} is no JSON'))
    assert line['joints3d_cam_mm']['nose'][2] is None
    assert None not in line['joints3d_cam_mm']['left_eye']


def test_lines_are_on_the_disk_as_soon_as_they_are_written(tmp_path):
    with JsonLines(tmp_path / 'new' / 'o.jsonl') as lines:
        lines.write({'a': 1})
        assert (tmp_path / 'new' / 'o.jsonl').read_text() == '{"a": 1}\n'


def test_a_full_disk_is_told_by_file(tmp_path):
    (tmp_path / 'o.jsonl').symlink_to('/dev/full')
    full = pytest.raises(BagError, match=r'o\.jsonl.*No space')
    with full, JsonLines(tmp_path / 'o.jsonl') as lines:
        lines.write({'a': 1})
