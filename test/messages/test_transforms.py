"""TF puts every body and joint where it is in the camera, once each."""

import numpy as np
import pytest

from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix, quaternion_xyzw_to_matrix
from mesh_pose_ros.messages.transforms import transforms
from mesh_pose_ros.messages.types import decode, encode
from mesh_pose_ros.people import Mesh, Pose
from mesh_pose_ros.skeletons import SMPL24

STAMP = 1_234_567_890_123


def sent(people, contents):
    msg = transforms(people, STAMP, 'eye', contents)
    return decode(encode(msg), 'tf2_msgs/TFMessage').transforms


def in_camera(found):
    """Chain the frames up to the camera: name -> (4, 4)."""
    links = {}
    for t in found:
        matrix = np.eye(4)
        q, p = t.transform.rotation, t.transform.translation
        matrix[:3, :3] = quaternion_xyzw_to_matrix([q.x, q.y, q.z, q.w])
        matrix[:3, 3] = p.x, p.y, p.z
        links[t.child_frame_id] = (t.header.frame_id, matrix)

    def chain(name):
        if name == 'eye':
            return np.eye(4)
        parent, matrix = links[name]
        return chain(parent) @ matrix

    return {name: chain(name) for name in links}


@pytest.fixture
def dancer(make_person):
    person = make_person(track_id=5, mesh=True)
    turns = axis_angle_to_matrix(np.random.default_rng(2).normal(size=(24, 3)))
    mesh = person.mesh
    return person.with_(mesh=Mesh(mesh.topology, mesh.vertices, mesh.joints, turns))


def test_none_says_nothing(dancer):
    assert sent([dancer], 'none') == []


def test_body_hangs_on_the_image_frame_with_its_stamp(dancer, make_person):
    found = sent([dancer, make_person(track_id=6)], 'body')
    assert [t.child_frame_id for t in found] == ['body_p5', 'body_p6']
    assert {t.header.frame_id for t in found} == {'eye'}
    assert {t.header.stamp.sec * 10**9 + t.header.stamp.nanosec for t in found} == {STAMP}


def test_joints_chain_back_to_where_the_body_model_has_them(dancer):
    frames = in_camera(sent([dancer], 'joints'))
    assert len(frames) == 1 + len(SMPL24)
    for name, joint, turn in zip(SMPL24.names, dancer.mesh.joints, dancer.mesh.rotations):
        frame = frames[f'{name}_p5']
        np.testing.assert_allclose(frame[:3, 3], joint, atol=1e-9)
        np.testing.assert_allclose(frame[:3, :3], turn[:, [2, 0, 1]], atol=1e-9)


def test_no_frame_has_two_parents(dancer, make_person):
    found = sent([dancer, make_person(track_id=6, mesh=True)], 'joints')
    children = [t.child_frame_id for t in found]
    assert len(children) == len(set(children))


def test_a_person_without_mesh_has_a_body_only(make_person):
    assert [t.child_frame_id for t in sent([make_person()], 'joints')] == ['body_p1']


def test_a_person_at_no_place_is_not_sent(make_person):
    pose = make_person().pose
    lost = Pose(pose.skeleton, pose.joints2d, pose.joints3d * np.nan, pose.confidence)
    assert sent([make_person(pose=lost)], 'body') == []
