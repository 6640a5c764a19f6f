"""A Person message says all that is known of a person, and how well."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.geometry.rotations import (
    axis_angle_to_matrix,
    quaternion_xyzw_to_matrix,
    relative_to_global,
)
from mesh_pose_ros.messages.people import (
    UNKNOWN,
    human_meshes,
    person_array,
    position_covariance,
    skeleton_model,
)
from mesh_pose_ros.messages.types import decode, encode
from mesh_pose_ros.people import Box, Flags, Mesh, Pose, TrackState
from mesh_pose_ros.skeletons import COCO17, MANO21, SMPL24

CAMERA = Camera.from_fov(60, (640, 480))
STAMP = 1_700_000_000_123_456_789


def sent(people):
    array = person_array(people, CAMERA, STAMP, 'eye', model_id='toy', latency=0.25)
    return decode(encode(array), 'mesh_pose_ros/PersonArray')


def only(person):
    return sent([person]).persons[0]


def rotation_of(msg):
    q = msg.orientation
    return quaternion_xyzw_to_matrix([q.x, q.y, q.z, q.w])


def test_nobody_is_a_message_too():
    msg = sent([])
    assert msg.persons == []
    assert (msg.image_width, msg.image_height) == (640, 480)
    assert (msg.model_id, msg.latency_s) == ('toy', 0.25)
    assert msg.header.stamp.sec * 10**9 + msg.header.stamp.nanosec == STAMP
    assert msg.header.frame_id == 'eye'


def test_joints_come_flat_in_the_order_of_the_skeleton(make_person):
    person = make_person()
    msg = only(person)
    joints = msg.keypoints.reshape(-1, 3)
    np.testing.assert_allclose(joints, person.pose.joints3d, rtol=1e-6)
    np.testing.assert_allclose(msg.keypoints_2d.reshape(-1, 2), person.pose.joints2d, rtol=1e-6)
    np.testing.assert_allclose(msg.confidence, person.pose.confidence, rtol=1e-6)


def test_track_flags_and_camera_are_told(make_person):
    changes = {'state': TrackState.OCCLUDED, 'age': 1.5, 'velocity': np.array([1.0, 2, 3])}
    flags = Flags.SMOOTHED | Flags.FALLBACK_INTRINSICS
    msg = only(make_person(track_id=42, flags=flags, **changes))
    assert (msg.id, msg.track_id, msg.state, msg.age_s) == ('p42', 42, 2, 1.5)
    assert msg.flags == msg.FLAG_SMOOTHED | msg.FLAG_FALLBACK_INTRINSICS
    assert msg.velocity.twist.linear.z == 3
    assert msg.focal_used_px == pytest.approx(CAMERA.focal)


BOXES = [  # x, y, width, height -> roi
    ((100.4, 50.6, 80, 200), (100, 51, 80, 200)),
    ((-30, -10, 100, 100), (0, 0, 70, 90)),  # hangs out of the image
    ((600, 400, 500, 500), (600, 400, 40, 80)),
    ((900, 900, 10, 10), (640, 480, 0, 0)),
    ((float('nan'),) * 4, (0, 0, 0, 0)),
]


@pytest.mark.parametrize(('xywh', 'roi'), BOXES)
def test_the_region_lies_within_the_image(make_person, xywh, roi):
    msg = only(make_person(box=Box(*xywh))).roi
    assert (msg.x_offset, msg.y_offset, msg.width, msg.height) == roi


@pytest.mark.parametrize('mesh', [False, True])
def test_who_faces_the_camera_has_x_toward_it_and_z_up(make_person, mesh):
    msg = only(make_person(feet=(0.3, 1.0, 4.0), mesh=mesh)).pelvis.pose
    axes = rotation_of(msg)
    np.testing.assert_allclose(axes[:, 0], [0, 0, -1], atol=1e-6)  # forward: to the camera
    np.testing.assert_allclose(axes[:, 1], [1, 0, 0], atol=1e-6)  # their left: image right
    np.testing.assert_allclose(axes[:, 2], [0, -1, 0], atol=1e-6)  # head: up in the image
    found = [msg.position.x, msg.position.y, msg.position.z]
    np.testing.assert_allclose(found, [0.3, 1.0 - 0.93, 4.0])


@pytest.mark.parametrize('seed', range(8))
def test_joints_alone_tell_the_way_a_body_is_turned(make_person, seed):
    turn = axis_angle_to_matrix(np.random.default_rng(seed).normal(size=3))
    axes = rotation_of(only(make_person(turn=turn, feet=(0, 0, 5))).pelvis.pose)
    np.testing.assert_allclose(axes, turn[:, [2, 0, 1]], atol=1e-6)


def test_what_is_no_body_has_a_place_but_no_known_turn(make_person):
    joints = np.tile([0.1, 0.2, 1.0], (21, 1))
    hand = Pose(MANO21, joints[:, :2], joints, np.ones(21))
    msg = only(make_person(pose=hand))
    assert msg.pelvis.pose.position.z == 1.0
    assert msg.pelvis.covariance.reshape(6, 6)[5, 5] == UNKNOWN
    assert np.isnan(msg.height_m)


def test_the_spread_is_long_along_the_line_of_sight(make_person):
    msg = only(make_person(feet=(2.0, 1.0, 4.0), depth_stddev=0.4))
    covariance = msg.pelvis.covariance.reshape(6, 6)[:3, :3]
    values, vectors = np.linalg.eigh(covariance)
    sight = np.array([msg.pelvis.pose.position.x, msg.pelvis.pose.position.y, 4.0])
    assert abs(vectors[:, 2] @ sight) == pytest.approx(np.linalg.norm(sight))
    assert covariance[2, 2] ** 0.5 == pytest.approx(0.4, rel=0.01)
    assert values[0] < 0.05**2
    assert msg.covariance.size == 6 * 17


def test_unknown_depth_is_said_to_be_unknown(make_person):
    msg = only(make_person())
    assert msg.pelvis.covariance[14] >= UNKNOWN
    assert msg.covariance.size == 0
    assert np.isnan(msg.depth_stddev)


def test_a_joint_seen_badly_is_spread_wider(make_person):
    confidence = np.linspace(1, 0, 17)
    pose = make_person().pose
    pose = Pose(COCO17, pose.joints2d, pose.joints3d, confidence)
    spread = only(make_person(pose=pose, depth_stddev=0.1)).covariance.reshape(17, 6)[:, 3]
    assert spread[-1] > spread[0]
    assert np.isfinite(spread).all()


@given(st.floats(0, 3), st.floats(0.001, 1))
def test_a_covariance_is_one(depth_stddev, across):
    position = np.random.default_rng(0).normal(loc=(0, 0, 4), size=(5, 3))
    full = position_covariance(position, depth_stddev, np.full(5, across))
    np.testing.assert_allclose(full, np.swapaxes(full, -1, -2), atol=1e-12)
    assert (np.linalg.eigvalsh(full) > 0).all()


def test_height_follows_from_the_bones(make_person):
    assert only(make_person()).height_m == pytest.approx(1.75, abs=0.06)


def test_a_mesh_gives_body_joints_shape_and_relative_pose(make_person):
    person = make_person(mesh=True)
    relative = np.random.default_rng(1).normal(scale=0.4, size=(24, 3))
    rotations = relative_to_global(axis_angle_to_matrix(relative), SMPL24.parents)
    mesh = Mesh(person.mesh.topology, person.mesh.vertices, person.mesh.joints, rotations)
    msg = only(person.with_(mesh=mesh))
    np.testing.assert_allclose(msg.pose.reshape(24, 3), relative, atol=1e-6)
    axes = quaternion_xyzw_to_matrix(msg.body_orientations.reshape(24, 4).astype(float))
    np.testing.assert_allclose(axes, rotations[..., [2, 0, 1]], atol=1e-6)
    assert msg.body_joints.size == 72
    assert msg.shape.size == 0


def test_skeleton_model_names_everything_once(make_person):
    topology = make_person(mesh=True).mesh.topology
    made = skeleton_model('toy', COCO17, topology)
    msg = decode(encode(made), 'mesh_pose_ros/SkeletonModel')
    assert tuple(msg.joint_names) == COCO17.names
    assert tuple(msg.parents) == COCO17.parents
    assert msg.bones.reshape(-1, 2).tolist() == COCO17.bones.tolist()
    assert tuple(msg.body_joint_names) == SMPL24.names
    assert msg.vertex_count == 4
    assert msg.triangles.reshape(-1, 3).tolist() == topology.faces.tolist()
    without = decode(encode(skeleton_model('toy', COCO17)), 'mesh_pose_ros/SkeletonModel')
    assert (without.body_model, without.vertex_count, without.triangles.size) == ('coco17', 0, 0)


def test_meshes_carry_vertices_and_outward_normals(make_person):
    person = make_person(mesh=True)
    made = human_meshes([person, make_person()], STAMP, 'eye', model_id='toy', normals=True)
    msg = decode(encode(made), 'mesh_pose_ros/HumanMeshArray')
    assert len(msg.meshes) == 1
    vertices = msg.meshes[0].vertices.reshape(-1, 3)
    np.testing.assert_allclose(vertices, person.mesh.vertices, rtol=1e-6)
    outward = msg.meshes[0].normals.reshape(-1, 3) * (vertices - vertices.mean(0))
    assert (outward.sum(-1) > 0).all()


def test_ros_reads_what_we_write(make_person):
    serialization = pytest.importorskip('rclpy.serialization', reason='rclpy is not installed')
    msgs = pytest.importorskip('mesh_pose_ros.msg', reason='messages are not generated')
    people = [make_person(mesh=True, depth_stddev=0.2), make_person(track_id=2)]
    made = encode(person_array(people, CAMERA, STAMP, 'eye'))
    read = serialization.deserialize_message(made, msgs.PersonArray)
    assert [p.id for p in read.persons] == ['p1', 'p2']
    written = serialization.serialize_message(read)
    assert encode(decode(written, 'mesh_pose_ros/PersonArray')) == made
