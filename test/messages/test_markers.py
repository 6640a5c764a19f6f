"""Markers show the people who are there, and take away those who left."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh_pose_ros.messages.cdr import TRIANGLE_LIST
from mesh_pose_ros.messages.markers import _marker as marker_object
from mesh_pose_ros.messages.markers import (
    colour_of,
    mesh_markers,
    person_id,
    skeleton_markers,
)
from mesh_pose_ros.messages.types import decode, encode, message, point
from mesh_pose_ros.people import Box, Mesh, Person, Pose, Topology
from mesh_pose_ros.skeletons import COCO17

STAMP, FRAME = 12_345_678_901_234_567, 'front_optical'
LINE_LIST, SPHERE_LIST, TEXT, ADD, DELETE = 5, 7, 9, 0, 2


def markers_of(people, **how):
    array = skeleton_markers(people, STAMP, FRAME, **how)
    return decode(encode(array), 'visualization_msgs/MarkerArray').markers


def test_a_skeleton_is_bones_joints_and_a_name(make_person):
    person = make_person(track_id=7)
    lines, joints, label = markers_of([person])
    assert [m.type for m in (lines, joints, label)] == [LINE_LIST, SPHERE_LIST, TEXT]
    assert {m.ns for m in (lines, joints, label)} == {'skeleton/p7'}
    assert len({m.id for m in (lines, joints, label)}) == 3
    assert len(lines.points) == len(lines.colors) == 2 * len(COCO17.bones)
    found = [[p.x, p.y, p.z] for p in joints.points]
    np.testing.assert_array_equal(found, person.pose.joints3d)
    assert label.text == 'p7'
    assert label.pose.position.y < person.pose.joints3d[:, 1].min()
    assert lines.header.frame_id == FRAME
    assert lines.header.stamp.sec * 10**9 + lines.header.stamp.nanosec == STAMP
    assert lines.lifetime.sec + lines.lifetime.nanosec > 0


def test_joints_nobody_saw_are_left_out_and_their_bones_too(make_person):
    confidence = np.full(17, 0.8)
    confidence[COCO17.index('left_wrist')] = 0.1
    person = make_person()
    pose = Pose(COCO17, person.pose.joints2d, person.pose.joints3d, confidence)
    lines, joints, _ = markers_of([person.with_(pose=pose)])
    assert len(joints.points) == 16
    assert len(lines.points) == 2 * (len(COCO17.bones) - 1)
    assert joints.colors[0].a == pytest.approx(0.8)


def test_a_person_of_whom_nothing_was_seen_leaves_no_marker(make_person):
    person = make_person()
    pose = Pose(COCO17, person.pose.joints2d, person.pose.joints3d * np.nan, np.ones(17))
    assert {m.action for m in markers_of([person.with_(pose=pose)])} == {DELETE}


def test_an_ended_track_deletes_each_of_its_markers(make_person):
    shown = {(m.ns, m.id) for m in markers_of([make_person(track_id=3)])}
    gone = markers_of([], ended=[3])
    assert {(m.ns, m.id) for m in gone} == shown
    assert {m.action for m in gone} == {DELETE}


def test_colours_of_neighbouring_tracks_differ():
    colours = np.array([colour_of(i) for i in range(8)])
    apart = np.abs(colours[:, None] - colours[None]).sum(-1) + 9 * np.eye(8)
    assert apart.min() > 0.2


def objects(people, ended=(), lifetime=0.5):
    """The marker array the slow way: every corner a Point."""
    markers = []
    for person in people:
        mesh = person.mesh
        corners = mesh.vertices[mesh.topology.faces].reshape(-1, 3)
        markers.append(
            marker_object(
                frame_id=FRAME, stamp_ns=STAMP, ns=f'mesh/{person_id(person.track_id)}', id=0,
                type=TRIANGLE_LIST, action=ADD, color=(*colour_of(person.track_id), 1.0),
                scale=(1.0,) * 3, lifetime=lifetime, points=[point(xyz) for xyz in corners],
            )
        )  # fmt: skip
    for track in ended:
        markers.append(
            marker_object(
                frame_id=FRAME, stamp_ns=STAMP, ns=f'mesh/{person_id(track)}', id=0,
                type=TRIANGLE_LIST, action=DELETE,
            )
        )  # fmt: skip
    return message('visualization_msgs/MarkerArray', markers=markers)


def surface(track_id: int, count: int) -> Person:
    rng = np.random.default_rng(count)
    faces = np.array([[i, i + 1, i + 2] for i in range(count)], dtype=np.int32).reshape(-1, 3)
    topology = Topology('strip', count + 2, faces)
    mesh = Mesh(topology, rng.normal(size=(count + 2, 3)).astype(np.float32))
    pose = Pose(COCO17, np.zeros((17, 2)), np.zeros((17, 3)), np.ones(17))
    return Person(Box(0, 0, 1, 1), 1.0, pose, mesh, track_id=track_id)


@given(
    counts=st.lists(st.integers(0, 9), max_size=3),
    ended=st.lists(st.integers(1, 10**6), max_size=2),
    tracks=st.integers(1, 10**6),
)
@settings(deadline=None)
def test_mesh_bytes_equal_those_of_the_message_object(counts, ended, tracks):
    people = [surface(tracks * 10**i, count) for i, count in enumerate(counts)]
    fast = mesh_markers(people, STAMP, FRAME, ended=ended)
    assert fast == encode(objects(people, ended))


def written_by_ros(data: bytes) -> bytes:
    """Read and write by ROS; its padding holds chance bytes, so that is made zero here."""
    serialization = pytest.importorskip('rclpy.serialization', reason='rclpy is not installed')
    from visualization_msgs.msg import MarkerArray

    read = serialization.deserialize_message(data, MarkerArray)
    written = serialization.serialize_message(read)
    assert len(written) == len(data)
    return encode(decode(written, 'visualization_msgs/MarkerArray'))


def test_ros_itself_writes_the_same_mesh_bytes():
    fast = mesh_markers([surface(1, 5), surface(22, 3)], STAMP, FRAME, ended=[3])
    assert written_by_ros(fast) == fast


def test_ros_itself_writes_the_same_skeleton_bytes(make_person):
    ours = encode(skeleton_markers([make_person()], STAMP, FRAME, ended=[9]))
    assert written_by_ros(ours) == ours


def test_degenerate_triangles_are_not_sent():
    person = surface(1, 4)
    vertices = person.mesh.vertices.copy()
    vertices[1] = vertices[0]  # first face loses its area, second keeps it
    vertices[5] = np.nan  # only the last face has it
    person = person.with_(mesh=Mesh(person.mesh.topology, vertices))
    sent = decode(mesh_markers([person], STAMP, FRAME), 'visualization_msgs/MarkerArray')
    assert len(sent.markers[0].points) == 3 * 2


def test_a_person_without_mesh_has_no_mesh_marker(make_person):
    sent = decode(mesh_markers([make_person()], STAMP, FRAME), 'visualization_msgs/MarkerArray')
    assert sent.markers == []
