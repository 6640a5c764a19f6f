"""Still joints become calm, fast ones stay in time."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from toy_people import camera_with, seen_by

from mesh_pose_ros.people import Flags, Mesh, Topology
from mesh_pose_ros.pipeline.smoothing import Smoother, SmoothingOptions

CAMERA = camera_with('pinhole')
FRAME = 1 / 30
STANDING_AT = np.array([0.2, 0.1, 4.0])


def noisy(person, rng, posture=0.02, depth=0.1):
    """Joints jitter, and the whole person along the line of sight."""
    pose = person.pose
    joints = pose.joints3d * (1 + rng.normal(scale=depth) / 4)
    joints = joints + rng.normal(scale=posture, size=joints.shape)
    pixels = pose.joints2d + rng.normal(scale=2, size=pose.joints2d.shape)
    return person.with_(pose=replace(pose, joints3d=joints, joints2d=pixels))


def spread(people, what):
    return np.stack([what(person) for person in people]).std(axis=0).mean()


def relative(person):
    return person.pose.joints3d - person.pose.joints3d[11:13].mean(axis=0)


@pytest.mark.parametrize(
    ('what', 'calmer'),
    [
        (lambda person: person.pose.joints2d, 2),
        (relative, 2),
        (lambda person: person.pose.joints3d, 1.5),
    ],
    ids=['pixels', 'posture', 'place'],
)
def test_somebody_who_stands_still_is_calm(what, calmer):
    rng, smooth = np.random.default_rng(0), Smoother()
    person = seen_by(CAMERA, STANDING_AT, track_id=1)
    raw = [noisy(person, rng) for _ in range(150)]
    calm = [smooth([p], i * FRAME)[0] for i, p in enumerate(raw)]
    assert spread(calm[30:], what) * calmer < spread(raw[30:], what)
    assert abs(np.mean([what(p).mean() for p in calm[30:]]) - what(person).mean()) < 1


def test_somebody_who_runs_is_hardly_late():
    smooth, late = Smoother(), []
    for i in range(60):
        person = seen_by(CAMERA, STANDING_AT + np.array([3.0 * i * FRAME - 2, 0, 0]), track_id=1)
        (found,) = smooth([person], i * FRAME)
        late.append(np.abs(found.pose.joints3d - person.pose.joints3d).max())
    assert max(late[-20:]) < 0.12  # metres, at 3 m/s: 40 ms


def test_the_first_sight_passes_unchanged():
    person = seen_by(CAMERA, STANDING_AT, track_id=1)
    (found,) = Smoother()([person], 5.0)
    np.testing.assert_allclose(found.pose.joints3d, person.pose.joints3d)
    np.testing.assert_allclose(found.pose.joints2d, person.pose.joints2d)
    assert Flags.SMOOTHED in found.flags


@pytest.mark.parametrize('stamp', [3.0, 5.0, 9.0], ids=['back', 'again', 'much later'])
def test_a_jump_in_time_starts_anew(stamp):
    smooth = Smoother()
    smooth([seen_by(CAMERA, STANDING_AT, track_id=1)], 5.0)
    elsewhere = seen_by(CAMERA, STANDING_AT + np.array([0.5, 0, 0]), track_id=1)
    (found,) = smooth([elsewhere], stamp)
    np.testing.assert_allclose(found.pose.joints3d, elsewhere.pose.joints3d)


def test_a_joint_that_was_nowhere_for_a_while_comes_back():
    smooth = Smoother()
    person = seen_by(CAMERA, STANDING_AT, track_id=1)
    lost = person.pose.joints2d.copy()
    lost[15:] = np.nan
    hidden = person.with_(pose=replace(person.pose, joints2d=lost))
    for i, seen in enumerate([person, hidden, hidden]):
        (found,) = smooth([seen], i * FRAME)
    assert np.isnan(found.pose.joints2d[15:]).all()
    assert np.isfinite(found.pose.joints2d[:15]).all()
    (found,) = smooth([person], 3 * FRAME)
    np.testing.assert_allclose(found.pose.joints2d, person.pose.joints2d)
    (found,) = smooth([person], 4 * FRAME)
    np.testing.assert_allclose(found.pose.joints2d, person.pose.joints2d)


def test_people_do_not_mix():
    together, alone = Smoother(), Smoother()
    rng = np.random.default_rng(1)
    for i in range(10):
        first = noisy(seen_by(CAMERA, STANDING_AT, track_id=1), rng)
        second = noisy(seen_by(CAMERA, -STANDING_AT + [0, 0, 9], track_id=2), rng)
        both = together([second, first], i * FRAME)
        (single,) = alone([first], i * FRAME)
        np.testing.assert_array_equal(both[1].pose.joints3d, single.pose.joints3d)


def test_a_still_person_stays_exactly_where_they_are():
    smooth, person = Smoother(), seen_by(CAMERA, STANDING_AT, track_id=1)
    for i in range(5):
        (found,) = smooth([person], i * FRAME)
    np.testing.assert_allclose(found.pose.joints3d, person.pose.joints3d, atol=1e-12)


def test_switched_off_nothing_changes():
    person, smooth = seen_by(CAMERA, STANDING_AT, track_id=1), Smoother()
    assert smooth([person], 0.0, SmoothingOptions(enabled=False))[0] is person


def test_a_mesh_is_smoothed_with_its_joints():
    rng, smooth = np.random.default_rng(0), Smoother()
    person = seen_by(CAMERA, STANDING_AT, track_id=1)
    topology = Topology('joints', 17, np.zeros((0, 3), np.int32))
    turn = Rotation.from_euler('xyz', [0.3, 0.2, 0.1])
    raw, calm = [], []
    for i in range(90):
        shaken = noisy(person, rng)
        jitter = Rotation.from_rotvec(rng.normal(scale=0.1, size=(4, 3)))
        mesh = Mesh(topology, shaken.pose.joints3d, rotations=(turn * jitter).as_matrix())
        (found,) = smooth([shaken.with_(mesh=mesh)], i * FRAME)
        rotations = found.mesh.rotations
        raw.append(jitter.magnitude())
        calm.append((Rotation.from_matrix(rotations) * turn.inv()).magnitude())
    np.testing.assert_allclose(found.mesh.vertices, found.pose.joints3d, atol=1e-9)
    product = rotations @ rotations.transpose(0, 2, 1)
    np.testing.assert_allclose(product, [np.eye(3)] * 4, atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(rotations), 1)
    assert np.mean(calm[30:]) < 0.65 * np.mean(raw)
