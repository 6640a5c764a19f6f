"""What REP-155 asks of a body's messages, and what is left out because it is not known."""

import re
import xml.etree.ElementTree as Xml
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix
from mesh_pose_ros.messages import rep155
from mesh_pose_ros.messages.body_frame import body_of
from mesh_pose_ros.messages.images import to_rgb
from mesh_pose_ros.messages.markers import person_id
from mesh_pose_ros.messages.rep155_body import JOINTS, joint_angles, sizes_of
from mesh_pose_ros.messages.transforms import transforms
from mesh_pose_ros.messages.types import CLASSES, decode, encode
from mesh_pose_ros.people import Box, Pose
from mesh_pose_ros.skeletons import H36M17

STAMP = 1_700_000_000_123_456_789
SIZE = (640, 480)


def sent(msg):
    """A message as it comes out at the other end."""
    return decode(encode(msg), msg.__msgtype__.replace('/msg/', '/'))


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_ids_start_with_a_letter_are_short_and_all_different(a, b):
    assert re.fullmatch('[a-z][a-z0-9]{0,7}', person_id(a))
    assert (person_id(a) == person_id(b)) == (a == b)


def test_the_list_of_ids_carries_the_stamp_of_the_image():
    msg = sent(rep155.ids_list([3, 12], STAMP, 'eye'))
    assert msg.ids == ['p3', 'p12']
    assert (msg.header.frame_id, msg.header.stamp.nanosec) == ('eye', 123_456_789)
    assert sent(rep155.ids_list([], STAMP, 'eye')).ids == []


EDGES = [  # box -> xmin, ymin, xmax, ymax; the image's own edges lie half a pixel out
    (Box(-0.5, -0.5, 640, 480), (0, 0, 1, 1)),
    (Box(159.5, 119.5, 320, 240), (0.25, 0.25, 0.75, 0.75)),
    (Box(-100, 200, 2000, 1000), (0, 200.5 / 480, 1, 1)),
    (Box(700, -90, 20, 30), (1, 0, 1, 0)),
]


@pytest.mark.parametrize(('box', 'expected'), EDGES)
def test_a_region_is_told_as_parts_of_the_image(make_person, box, expected):
    msg = sent(rep155.roi(make_person(box=box, score=0.75), SIZE, STAMP, 'eye'))
    assert (msg.xmin, msg.ymin, msg.xmax, msg.ymax) == pytest.approx(expected, abs=1e-6)
    assert msg.c == pytest.approx(0.75)


NUMBER = st.floats(-1e4, 1e4)


@given(NUMBER, NUMBER, st.floats(0, 1e4), st.floats(0, 1e4), st.floats(-1, 2))
def test_a_region_lies_within_the_image_and_its_picture_is_as_large(x, y, width, height, score):
    person = SimpleNamespace(box=Box(x, y, width, height), score=score)
    msg = rep155.roi(person, SIZE, STAMP, 'eye')
    assert 0 <= msg.xmin <= msg.xmax <= 1
    assert 0 <= msg.ymin <= msg.ymax <= 1
    assert 0 <= msg.c <= 1
    picture = rep155.cropped(person, np.zeros((480, 640, 3), np.uint8), STAMP, 'eye')
    if picture is not None:
        assert abs(picture.width - (msg.xmax - msg.xmin) * 640) <= 1
        assert abs(picture.height - (msg.ymax - msg.ymin) * 480) <= 1


def test_the_picture_of_a_person_is_cut_from_the_image(make_person):
    image = np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)
    inside = make_person(box=Box(9.5, 4.5, 20, 30))
    msg = sent(rep155.cropped(inside, image, STAMP, 'eye'))
    np.testing.assert_array_equal(to_rgb(msg), image[5:35, 10:30])
    outside = make_person(box=Box(70, 4.5, 20, 30))
    assert rep155.cropped(outside, image, STAMP, 'eye') is None


def test_points_of_the_skeleton_come_in_their_order(make_person):
    person = make_person()
    pixels = person.pose.joints2d + np.array([320, 240])
    person = person.with_(
        pose=Pose(person.pose.skeleton, pixels, person.pose.joints3d, person.pose.confidence)
    )
    points = sent(rep155.skeleton2d(person, SIZE, STAMP, 'eye')).skeleton
    kind = CLASSES['hri_msgs/Skeleton2D']
    names = person.pose.skeleton.names
    for name in names:
        point, (u, v) = points[getattr(kind, name.upper())], pixels[names.index(name)]
        assert (point.x, point.y) == pytest.approx(((u + 0.5) / 640, (v + 0.5) / 480), abs=1e-6)
        assert point.c == pytest.approx(0.9)
    neck, left, right = (points[i] for i in (kind.NECK, kind.LEFT_SHOULDER, kind.RIGHT_SHOULDER))
    assert neck.x == pytest.approx((left.x + right.x) / 2)
    assert (kind.LEFT_EYE, kind.RIGHT_EYE, len(points)) == (14, 15, 18)


def test_points_that_are_not_in_the_image_are_not_claimed(make_person):
    person = make_person()
    pixels = np.full((17, 2), 100.0)
    pixels[0], pixels[5] = (-20, 100), np.nan
    joints = (person.pose.joints3d, person.pose.confidence)
    person = person.with_(pose=Pose(person.pose.skeleton, pixels, *joints))
    points = sent(rep155.skeleton2d(person, SIZE, STAMP, 'eye')).skeleton
    assert [i for i, p in enumerate(points) if p.c == 0] == [0, 1, 5]  # nose, neck, a shoulder
    assert all(0 <= value <= 1 for p in points for value in (p.x, p.y, p.c))


def test_a_network_without_eyes_says_nothing_of_eyes(make_person):
    pose = Pose(H36M17, np.full((17, 2), 50.0), np.ones((17, 3)), np.ones(17))
    points = rep155.skeleton2d(make_person(pose=pose), SIZE, STAMP, 'eye').skeleton
    assert [i for i, p in enumerate(points) if p.c == 0] == [14, 15, 16, 17]


def test_the_position_is_where_tf_has_the_body(make_person):
    person = make_person(mesh=True)
    msg = sent(rep155.position(person, STAMP, 'eye'))
    (transform,) = transforms([person], STAMP, 'eye').transforms
    place = transform.transform.translation
    assert (msg.point.x, msg.point.y, msg.point.z) == (place.x, place.y, place.z)
    lost = Pose(
        *(person.pose.skeleton, person.pose.joints2d), np.full((17, 3), np.nan), np.ones(17)
    )
    assert rep155.position(make_person(pose=lost), STAMP, 'eye') is None


def test_the_velocity_is_told_in_the_body_frame_or_not_at_all(make_person):
    turn = axis_angle_to_matrix((0.0, 0.8, 0.0))
    person = make_person(turn=turn, mesh=True)
    forward = body_of(person).rotation[:, 0]
    msg = sent(rep155.velocity(person.with_(velocity=1.5 * forward), STAMP))
    linear = msg.twist.linear
    np.testing.assert_allclose([linear.x, linear.y, linear.z], [1.5, 0, 0], atol=1e-6)
    assert msg.header.frame_id == 'body_p1'
    assert rep155.velocity(person, STAMP) is None


def test_joint_states_name_each_joint_with_its_person(make_person):
    person = make_person(track_id=7, mesh=True)
    angles = joint_angles(person.mesh)
    msg = sent(rep155.joint_states(person, angles, STAMP))
    assert msg.name == [f'{joint}_p7' for joint in JOINTS]
    np.testing.assert_array_equal(msg.position, angles)
    assert len(msg.velocity) == len(msg.effort) == 0


def test_the_urdf_is_one_tree_from_the_body_frame_with_a_hinge_per_joint(make_person):
    person = make_person(track_id=7, mesh=True)
    robot = Xml.fromstring(sent(rep155.description(person, sizes_of(person.mesh))).data)
    joints = {joint.get('name'): joint for joint in robot.iter('joint')}
    links = [link.get('name') for link in robot.iter('link')]
    children = [joint.find('child').get('link') for joint in joints.values()]
    assert sorted([*children, 'body_p7']) == sorted(links)
    assert len(set(links)) == len(links)
    assert {j.find('parent').get('link') for j in joints.values()} < set(links)
    hinges = [name for name, joint in joints.items() if joint.get('type') == 'revolute']
    assert hinges == [f'{joint}_p7' for joint in JOINTS]
    for name in ('torso', 'head', 'l_wrist', 'r_ankle'):
        assert joints[f'{name}_p7'].get('type') == 'fixed'
    assert joints['l_r_shoulder_p7'].find('child').get('link') == 'l_shoulder_p7'
