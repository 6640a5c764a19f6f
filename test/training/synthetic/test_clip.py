"""The bundled clip is what its truth says, and people in motion stand on the ground."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from mesh_pose_ros.geometry.body_model import BodyModel
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix
from mesh_pose_ros.skeletons import SMPL24
from training.synthetic.clip import SENSOR, camera_yaml, view, write_video
from training.synthetic.key_poses import KEY_POSES, key_rotations
from training.synthetic.motion import Motion, flat_footed, heading, walked

ROOT = Path(__file__).parents[3]
DEMO = ROOT / 'demo'


@pytest.fixture(scope='module')
def truth():
    with np.load(DEMO / 'people_truth.npz') as file:
        return dict(file)


@pytest.fixture(scope='module')
def frames():
    video = cv2.VideoCapture(str(DEMO / 'people.mp4'))
    images = []
    while (step := video.read())[0]:
        images.append(step[1])
    return images


@pytest.fixture(scope='module')
def person():
    return BodyModel.load(ROOT / 'models' / 'open_body.npz').shaped(np.zeros(10))


def test_the_clip_is_small_and_as_long_as_its_truth(frames, truth):
    assert (DEMO / 'people.mp4').stat().st_size < 3_000_000
    assert len(frames) == len(truth['lift27'])
    assert 8 <= len(frames) / truth['fps'] <= 10
    assert frames[0].shape == (480, 640, 3)


def test_the_camera_file_says_what_the_truth_says(truth):
    told = yaml.safe_load((DEMO / 'people.yaml').read_text())
    matrix = np.reshape(told['camera_matrix']['data'], (3, 3))
    np.testing.assert_allclose(matrix, truth['intrinsics'], atol=1e-5)
    assert (told['image_width'], told['image_height']) == (640, 480)
    assert told['distortion_model'] == 'plumb_bob'
    assert (DEMO / 'people.yaml').read_text() == camera_yaml(view())


def test_feet_in_the_clip_are_on_its_ground(truth):
    up, offset = truth['ground'][:3], truth['ground'][3]
    feet = [SMPL24.index(name) for name in ('left_foot', 'right_foot')]
    height = truth['smpl24'][:, :, feet] @ up + offset
    lowest = height.min(-1)
    assert lowest.min() > -0.03
    assert np.median(lowest) < 0.06


def test_feet_that_stand_in_the_clip_do_not_slide(truth):
    up, offset = truth['ground'][:3], truth['ground'][3]
    foot = truth['smpl24'][:, :, [SMPL24.index('left_foot'), SMPL24.index('right_foot')]]
    low = (foot @ up + offset).argmin(-1)[..., None, None]
    speed = np.linalg.norm(np.diff(foot, axis=0), axis=-1) * truth['fps']
    standing = np.take_along_axis(speed, low[:-1, ..., 0], -1)
    assert np.median(standing) < 0.15  # metres a second; they walk at about one


def test_nobody_jumps_in_the_clip(truth):
    step = np.linalg.norm(np.diff(truth['smpl24'][:, :, 0], axis=0), axis=-1)
    assert step.max() * truth['fps'] < 2.0


def test_what_is_visible_in_the_clip_lies_in_its_box(truth):
    camera = Camera(truth['intrinsics'], (640, 480))
    pixels = camera.project(truth['lift27'])
    low, size = np.split(truth['boxes'], 2, axis=-1)
    inside = ((pixels > low[:, :, None] - 3) & (pixels < (low + size)[:, :, None] + 3)).all(-1)
    assert inside[truth['visible']].all()
    assert truth['visible'].mean() > 0.6


def test_the_walker_walks_in_the_picture_where_the_truth_says(frames, truth):
    """The red shirt is found by its colour, round the middle of the trunk."""
    camera = Camera(truth['intrinsics'], (640, 480))
    spine = camera.project(truth['smpl24'][:, 0, SMPL24.index('spine3')])
    red = []
    for index in range(0, len(frames), 10):
        u, v = spine[index].round().astype(int)
        colour = frames[index][v - 2 : v + 3, u - 2 : u + 3].reshape(-1, 3).mean(0)  # BGR
        red.append(colour[2] > 1.6 * max(colour[:2]))
    assert np.mean(red) > 0.8  # an arm may be in front of it


def marching(person, frames: int = 60) -> Motion:
    """Steps on the spot: one leg, then the other, lifted."""
    pose = key_rotations()[list(KEY_POSES).index('stand')].astype(float)
    rotations = np.tile(pose, (frames, 1, 1, 1))
    swing = 0.7 * np.sin(np.linspace(0, 4 * np.pi, frames))
    for side, sign in (('left', 1), ('right', -1)):
        lift = np.maximum(sign * swing, 0)[:, None] * [[-1.0, 0, 0]]
        hip, knee = SMPL24.index(f'{side}_hip'), SMPL24.index(f'{side}_knee')
        rotations[:, hip] = rotations[:, hip] @ axis_angle_to_matrix(lift)
        rotations[:, knee] = rotations[:, knee] @ axis_angle_to_matrix(-2 * lift)
    return Motion(rotations, 30.0)


def test_marching_on_the_spot_leads_nowhere_and_stays_on_the_ground(person):
    motion = marching(person)
    path = walked(person, motion, (0.5, -3.0))
    assert np.ptp(path[:, [0, 2]], axis=0).max() < 0.12
    lowest = person.posed(motion.rotations, path).vertices[..., 1].min(-1)
    assert np.abs(lowest).max() < 0.02
    pelvis = person.posed(motion.rotations[0], path[0]).joints[0]
    np.testing.assert_allclose(pelvis[[0, 2]], (0.5, -3.0), atol=1e-6)


def test_turning_a_motion_turns_its_path(person):
    motion = marching(person)
    path, turned = walked(person, motion), walked(person, motion.turned(0.7))
    here, there = (p - p[0] for p in (path, turned))
    np.testing.assert_allclose(there, here @ axis_angle_to_matrix((0, 0.7, 0)).T, atol=1e-3)


@pytest.mark.parametrize('direction', [-2.0, 0.0, 0.5, 3.0])
def test_facing_is_a_heading(person, direction):
    assert heading(marching(person).facing(direction).rotations[0, 0]) == pytest.approx(direction)


def test_flat_feet_undo_a_constant_pitch(person):
    motion = marching(person)
    tipped = Motion(motion.rotations.copy(), 30.0)
    for name in ('left_ankle', 'right_ankle'):
        ankle = SMPL24.index(name)
        tipped.rotations[:, ankle] = tipped.rotations[:, ankle] @ axis_angle_to_matrix(
            (-0.3, 0, 0)
        )
    flat, same = flat_footed(person, tipped), flat_footed(person, motion)
    difference = flat.rotations[:, [7, 8]] - same.rotations[:, [7, 8]]
    assert np.abs(difference).max() < 0.06


def test_one_motion_follows_another_without_a_jump(person):
    motion = marching(person)
    joined = motion.followed_by(motion.turned(1.0), blend=12)
    assert len(joined) == 2 * len(motion) - 12
    step, own = (np.abs(np.diff(m.rotations, axis=0)).max() for m in (joined, motion))
    assert step < 1.2 * own
    gram = joined.rotations @ joined.rotations.swapaxes(-1, -2)
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(3), gram.shape), atol=1e-6)


def test_a_written_video_reads_back(tmp_path):
    images = [SENSOR(np.full((48, 64, 3), (200, 30, 30), np.uint8), np.random.default_rng(0))]
    write_video(images * 5, tmp_path / 'clip.mp4')
    read, image = cv2.VideoCapture(str(tmp_path / 'clip.mp4')).read()
    assert read
    assert image.mean((0, 1)) == pytest.approx((30, 30, 200), abs=12)  # blue first


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(OSError, match='cannot write'):
        write_video([np.zeros((48, 64, 3), np.uint8)], tmp_path / 'no' / 'such' / 'clip.mp4')
