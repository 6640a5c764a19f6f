"""`mesh_pose lift` takes joints of any set by name, and says what it cannot take."""

import json
from pathlib import Path

import numpy as np
import pytest
from toy_models import export_sculptor
from toy_people import camera_with, seen_by

from mesh_pose_ros.skeletons import COCO17, COCO19
from mesh_pose_ros.skeletons import SMPLX137 as WIDE

ROOTS = [(0.0, 0.0, 3.0), (1.2, -0.3, 4.0)]
PINHOLE = camera_with('pinhole')


@pytest.fixture
def lift(mesh_pose, tmp_path):
    """Lift an array by a model of COCO's joints with pelvis and neck."""
    card = export_sculptor(tmp_path, skeleton=COCO19)
    K = PINHOLE.intrinsics
    calibration = {'fx': K[0, 0], 'fy': K[1, 1], 'cx': K[0, 2], 'cy': K[1, 2]}
    (tmp_path / 'camera.json').write_text(json.dumps(calibration))

    def run(joints, *arguments, camera=True):
        np.save(tmp_path / 'input.npy', joints)
        given = ['--camera', tmp_path / 'camera.json'] if camera else []
        return mesh_pose(
            'lift', tmp_path / 'input.npy', '--model', card.path, '--json', 'people.jsonl',
            *given, *arguments,
        )  # fmt: skip

    return run


@pytest.fixture
def pixels():
    return np.stack([seen_by(PINHOLE, root).pose.joints2d for root in ROOTS])


def people():
    return json.loads(Path('people.jsonl').read_text())['people']


def test_pelvis_and_neck_need_not_be_in_the_file(lift, pixels):
    done = lift(pixels, '--joint-set', 'coco17', '--size', '640x480')
    assert done.exit_code == 0, done.output
    for person, given in zip(people(), pixels, strict=True):
        assert person['joints2d']['pelvis'] == pytest.approx(given[11:13].mean(axis=0), abs=0.01)
        assert person['joints2d']['neck'] == pytest.approx(given[5:7].mean(axis=0), abs=0.01)


def test_joints_of_another_set_are_taken_by_name(lift, pixels):
    """SMPL-X has joints of the face among many others, in another order."""
    joints = np.full((len(ROOTS), len(WIDE), 2), 7.0)
    for i, name in enumerate(COCO17.names):
        joints[:, WIDE.index(name)] = pixels[:, i]
    joints[:, WIDE.index('pelvis')] = pixels[:, 11:13].mean(axis=1)
    joints[:, WIDE.index('neck')] = pixels[:, 5:7].mean(axis=1)
    done = lift(joints, '--joint-set', WIDE.name, '--size', '640x480')
    assert done.exit_code == 0, done.output
    for person, given in zip(people(), pixels, strict=True):
        found = [person['joints2d'][name] for name in COCO17.names]
        np.testing.assert_allclose(found, given, atol=0.01)


def test_a_file_of_too_few_joints_is_told_of_joint_sets(lift, pixels):
    done = lift(pixels)
    assert done.exit_code == 3
    assert '(2, 17, 2)' in done.output
    assert '--joint-set' in done.output


@pytest.mark.parametrize(('name', 'told'), [('coco18', 'coco17'), ('mano21', 'nose')])
def test_a_joint_set_that_does_not_fit_is_refused(lift, pixels, name, told):
    done = lift(pixels, '--joint-set', name)
    assert done.exit_code in (2, 3)
    assert told in done.output


def test_who_lacks_a_joint_is_left_out_and_counted(lift, pixels):
    pixels[0, 3] = np.nan
    done = lift(pixels, '--joint-set', 'coco17', '--size', '640x480')
    assert done.exit_code == 0, done.output
    (person,) = people()
    assert person['track_id'] == 2
    assert '1 left out' in done.output


def test_without_picture_and_camera_it_still_lifts_and_says_so(lift, pixels):
    done = lift(pixels, '--joint-set', 'coco17', camera=False)
    assert done.exit_code == 0, done.output
    assert 'camera guessed' in done.output
    for person in people():
        assert np.isfinite(list(person['joints3d_cam_mm'].values())).all()


def test_nobody_in_the_file_gives_nobody(lift):
    done = lift(np.zeros((0, 19, 2)))
    assert done.exit_code == 0, done.output
    assert people() == []


@pytest.mark.parametrize('size', ['640', '0x480', 'wide'])
def test_a_size_that_is_none_is_refused(lift, pixels, size):
    assert lift(pixels, '--joint-set', 'coco17', '--size', size).exit_code == 2
