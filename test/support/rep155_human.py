"""Forward kinematics of a URDF, and people who can do exactly what REP-155's joints can."""

import xml.etree.ElementTree as Xml

import numpy as np

from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix
from mesh_pose_ros.messages.body_frame import FORWARD_LEFT_UP
from mesh_pose_ros.messages.rep155_angles import turn
from mesh_pose_ros.messages.rep155_body import JOINTS
from mesh_pose_ros.people import Mesh, Topology
from mesh_pose_ros.skeletons import SMPL24

LIMBS = {  # joint of the body model -> link of the URDF whose origin it is
    f'{word}_{joint}': f'{side}_{link}'
    for word, side in (('left', 'l'), ('right', 'r'))
    for joint, link in (
        ('shoulder', 'shoulder'), ('elbow', 'elbow'), ('wrist', 'wrist'),
        ('hip', 'hip'), ('knee', 'knee'), ('ankle', 'ankle'),
    )
}  # fmt: skip


def numbers(element, name):
    return np.array([float(value) for value in element.get(name).split()])


def forward_kinematics(text, angles):
    """
    Where the links of a URDF are.

    :param angles: joint name -> radians
    :return: link name -> (4, 4), in the frame of the root link
    """
    places = {}
    for joint in Xml.fromstring(text).iter('joint'):  # parents come first
        parent, child = joint.find('parent').get('link'), joint.find('child').get('link')
        step = np.eye(4)
        step[:3, 3] = numbers(joint.find('origin'), 'xyz')
        if joint.get('type') == 'revolute':
            axis = numbers(joint.find('axis'), 'xyz')
            step[:3, :3] = axis_angle_to_matrix(axis * angles[joint.get('name')])
        places[child] = places.get(parent, np.eye(4)) @ step
    return places


def rep155_mesh(text, name, angles, place):
    """
    A body in SMPL's joints that stands as the URDF's person does.

    :param angles: of `JOINTS`
    :param place: body frame -> camera frame, (4, 4)
    """
    named = {f'{joint}_{name}': angle for joint, angle in zip(JOINTS, angles)}
    links = {k.removesuffix(f'_{name}'): v for k, v in forward_kinematics(text, named).items()}
    links['body'] = np.eye(4)
    joints, turns = zip(*(_joint(joint, links) for joint in SMPL24.names))
    joints = np.array(joints) @ place[:3, :3].T + place[:3, 3]
    rest = np.eye(3)[list(FORWARD_LEFT_UP)]  # ROS' axes -> the body model's
    rotations = place[:3, :3] @ np.array(turns) @ rest
    topology = Topology('stick', 24, np.zeros((0, 3), np.int32), SMPL24)
    return Mesh(topology, joints, joints, rotations)


HINGE_ABOVE = {'wrist': 'elbow', 'hand': 'elbow', 'ankle': 'knee', 'foot': 'knee'}
FROM = {'hand': 'wrist', 'foot': 'ankle', 'collar': 'shoulder'}


def _joint(joint, links):
    """Position and rotation of a body model's joint, both in the body frame, ROS' axes."""
    side, _, part = joint.rpartition('_')
    letter = side[:1]
    if part in ('pelvis', 'spine1'):
        return np.zeros(3), np.eye(3)
    if part in ('spine2', 'spine3', 'collar'):
        return links['waist'][:3, 3], links['waist'][:3, :3]
    if part in ('neck', 'head'):
        turned = 'torso' if part == 'neck' else 'p_head'
        return links['p_head'][:3, 3], links[turned][:3, :3]
    position = links[f'{letter}_{FROM.get(part, part)}'][:3, 3]
    turned = links[f'{letter}_{HINGE_ABOVE.get(part, part)}'][:3, :3]
    arm = part in ('shoulder', 'elbow', 'wrist', 'hand')
    # arms of body models rest stretched aside, those of the URDF hang down
    raised = turn(0, np.pi / 2 if letter == 'r' else -np.pi / 2) if arm else np.eye(3)
    return position, turned @ raised
