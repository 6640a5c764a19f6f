"""
A person's URDF, moved by its joint states, stands where the person's joints are.

Within a millimetre for whatever the 20 joints can do. What they cannot do (a trunk that twists,
leans aside or curves, shoulders that are raised) moves the arms as a whole; see the last tests.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from rep155_human import LIMBS, forward_kinematics, rep155_mesh

from mesh_pose_ros.geometry.body_model import BodyModel
from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix
from mesh_pose_ros.messages.body_frame import ros_axes
from mesh_pose_ros.messages.rep155_angles import turn
from mesh_pose_ros.messages.rep155_body import JOINTS, Sizes, is_known, joint_angles, sizes_of
from mesh_pose_ros.messages.rep155_urdf import urdf
from mesh_pose_ros.messages.types import shared_folder
from mesh_pose_ros.people import Mesh, Topology
from mesh_pose_ros.skeletons import COCO17, SMPL24

MILLIMETRE = 1e-3
SIZES = Sizes(0.45, 0.1, 0.18, 0.11, (0.26, 0.255), (0.23, 0.235), (0.38, 0.39), (0.43, 0.42))
TURNS = np.array([  # what a person may do, and more than human_description's limits: low, high
    (-0.3, 1.2), (-0.8, 0.8), (-1.3, 1.3), (-1.2, 1.2),
    *2 * [(-3, 3), (-3, 3), (-3, 3), (0, 2.6)],
    *2 * [(-1, 1), (-1.3, 1.3), (-0.8, 2.4), (-2.6, 0)],
])  # fmt: skip
shares = arrays.arrays(float, 20, elements=st.floats(0, 1))
vectors = arrays.arrays(float, 3, elements=st.floats(-2, 2))


def place_of(axis_angle, position):
    place = np.eye(4)
    place[:3, :3], place[:3, 3] = axis_angle_to_matrix(axis_angle), position
    return place


def links_of(mesh, angles=None):
    """Where the links of a mesh's URDF are in the body frame, by names without the id."""
    angles = joint_angles(mesh) if angles is None else angles
    text = urdf('p1', sizes_of(mesh), 0.1)
    named = {f'{joint}_p1': angle for joint, angle in zip(JOINTS, angles)}
    return {k.removesuffix('_p1'): v for k, v in forward_kinematics(text, named).items()}


def joints_of(mesh):
    """The limbs' joints in the body frame, by name."""
    places = [SMPL24.index(name) for name in LIMBS]
    middle = mesh.joints[[SMPL24.index('left_hip'), SMPL24.index('right_hip')]].mean(axis=0)
    local = (mesh.joints[places] - middle) @ ros_axes(mesh.rotations[0])
    return dict(zip(LIMBS, local))


def errors(mesh):
    """How far each limb's joint is off, metres, by name."""
    links, joints = links_of(mesh), joints_of(mesh)
    return {name: np.linalg.norm(links[LIMBS[name]][:3, 3] - joints[name]) for name in LIMBS}


@given(shares, vectors, vectors)
def test_what_the_joints_can_do_comes_back_within_a_millimetre(share, axis_angle, position):
    angles = TURNS[:, 0] + share * np.ptp(TURNS, axis=1)
    mesh = rep155_mesh(urdf('p1', SIZES, 0.1), 'p1', angles, place_of(axis_angle, position))
    assert max(errors(mesh).values()) < MILLIMETRE
    head = links_of(mesh)['head'][:3, :3]
    seen = ros_axes(mesh.rotations[0]).T @ ros_axes(mesh.rotations[SMPL24.index('head')])
    np.testing.assert_allclose(head, seen, atol=1e-6)


@given(shares)
def test_sizes_do_not_depend_on_the_pose(share):
    angles = TURNS[:, 0] + share * np.ptp(TURNS, axis=1)
    found = sizes_of(rep155_mesh(urdf('p1', SIZES, 0.1), 'p1', angles, np.eye(4)))
    assert not found.differs(SIZES, 1e-5)
    assert found.differs(Sizes(0.45, 0.1, 0.18, 0.11, *4 * [(0.3, 0.3)]), 0.05)


@pytest.fixture(scope='module')
def open_body():
    return BodyModel.load(shared_folder() / 'models/open_body.npz')


def posed(body, turns, betas=()):
    """The body with some joints turned, {name: axis-angle}."""
    relative = np.tile(np.eye(3), (24, 1, 1))
    for name, axis_angle in turns.items():
        relative[body.joint_names.index(name)] = axis_angle_to_matrix(axis_angle)
    made = body.shaped(betas).posed(relative)
    topology = Topology('open_body', len(made.vertices), body.faces, SMPL24)
    return Mesh(topology, made.vertices, made.joints, made.rotations)


BALLS = [f'{s}_{j}' for s in ('left', 'right') for j in ('shoulder', 'elbow', 'hip', 'knee')]


@settings(max_examples=30)
@given(
    limbs=arrays.arrays(float, (8, 3), elements=st.floats(-1.5, 1.5)),
    head=vectors, root=vectors, betas=arrays.arrays(float, 5, elements=st.floats(-1, 1)),
)  # fmt: skip
def test_a_body_model_with_a_straight_trunk_comes_back_within_2_mm(
    open_body, limbs, head, root, betas
):
    """Whatever its limbs do; the rest is how far a shaped body is from left-right symmetry."""
    turns = dict(zip(BALLS, limbs)) | {'head': head / 3, 'pelvis': root}
    assert max(errors(posed(open_body, turns, betas)).values()) < 2 * MILLIMETRE


TRUNKS = {  # what the human of REP-155 cannot do -> least and most that a shoulder is off, metres
    'twisted': ({'spine2': (0.0, 0.5, 0.0)}, 0.05, 0.12),
    'leaning aside': ({'spine1': (0.0, 0.0, 0.4)}, 0.05, 0.2),
    'curved': ({f'spine{i}': (0.3, 0.0, 0.0) for i in (1, 2, 3)}, 0.005, 0.1),
    'shrugging': ({'left_collar': (0, 0, 0.3), 'right_collar': (0, 0, -0.3)}, 0.02, 0.08),
}


@pytest.mark.parametrize('trunk', TRUNKS)
def test_what_a_straight_trunk_cannot_do_shifts_the_arms_but_does_not_turn_them(open_body, trunk):
    turns, least, most = TRUNKS[trunk]
    turns = turns | {'left_elbow': (0, -1.0, 0), 'right_hip': (-1.0, 0, 0)}
    mesh = posed(open_body, turns)
    off, links, joints = errors(mesh), links_of(mesh), joints_of(mesh)
    assert least < max(off['left_shoulder'], off['right_shoulder']) < most
    assert max(e for name, e in off.items() if 'shoulder' not in name and name in LEGS) < 2e-3
    for name, above in (('left_elbow', 'left_shoulder'), ('left_wrist', 'left_elbow')):
        bone = links[LIMBS[name]][:3, 3] - links[LIMBS[above]][:3, 3]
        np.testing.assert_allclose(bone, joints[name] - joints[above], atol=MILLIMETRE)


LEGS = [name for name in LIMBS if name.split('_')[1] in ('hip', 'knee', 'ankle')]


def test_angles_mean_what_they_say(open_body):
    turns = {
        'left_shoulder': (0, 0, -np.pi / 2), 'left_elbow': (0, -np.pi / 2, 0),  # hangs, bent
        'right_shoulder': (0, np.pi / 2, 0),  # points forward
        'left_hip': (-np.pi / 2, 0, 0), 'left_knee': (np.pi / 2, 0, 0),  # sits
        'head': (0, 0.5, 0),  # looks left
    }  # fmt: skip
    angles = dict(zip(JOINTS, joint_angles(posed(open_body, turns))))
    assert angles['y_head'] == pytest.approx(0.5, abs=0.02)
    assert angles['l_elbow'] == pytest.approx(np.pi / 2, abs=0.02)
    assert (angles['r_y_shoulder'], angles['r_p_shoulder']) == pytest.approx(
        [np.pi / 2] * 2, abs=0.1
    )
    assert angles['l_r_hip'] == pytest.approx(np.pi / 2, abs=0.1)
    assert angles['l_knee'] == pytest.approx(-np.pi / 2, abs=0.1)
    assert angles['r_r_hip'] == pytest.approx(0, abs=0.1)


def test_a_body_that_tells_too_little_is_not_known(make_person):
    mesh = make_person(mesh=True).mesh
    assert is_known(mesh)
    assert not is_known(None)
    assert not is_known(Mesh(mesh.topology, mesh.vertices))
    assert not is_known(Mesh(mesh.topology, mesh.vertices, mesh.joints))
    other = Topology('coco', 4, mesh.topology.faces, COCO17)
    assert not is_known(Mesh(other, mesh.vertices, mesh.joints[:17], mesh.rotations[:17]))
    lost = np.where(np.arange(24)[:, None] == 5, np.nan, mesh.joints)
    assert not is_known(Mesh(mesh.topology, mesh.vertices, lost, mesh.rotations))


def test_joints_come_in_the_order_that_others_publish():
    trunk = ['waist', 'r_head', 'y_head', 'p_head']
    assert list(JOINTS[:8]) == [*trunk, 'l_y_shoulder', 'l_p_shoulder', 'l_r_shoulder', 'l_elbow']
    assert JOINTS[8] == 'r_y_shoulder'
    assert list(JOINTS[12:16]) == ['l_y_hip', 'l_p_hip', 'l_r_hip', 'l_knee']
    assert len(JOINTS) == len(set(JOINTS)) == 20


def test_turns_are_right_handed():
    for axis in range(3):
        np.testing.assert_allclose(turn(axis, 0.3), axis_angle_to_matrix(np.eye(3)[axis] * 0.3))
