"""Published joint names become ours, and hang together as their edges say."""

import numpy as np
import pytest

from mesh_pose_ros.pipeline.joint_sets import JointSet
from mesh_pose_ros.skeletons import H36M17, SMPL24
from training.systems.metrabs_joints import (
    LISTS,
    is_smpl,
    listed_joints,
    our_names,
    parents_of,
    skeleton_of,
    usual_bones,
)
from training.systems.system import OrderError

H36M = 'pelv rhip rkne rank lhip lkne lank spin neck head htop lsho lelb lwri rsho relb rwri'


def set_of(names, edges=()):
    return JointSet(tuple(range(len(names))), tuple(names), tuple(edges))


def test_smpl_is_ours_whatever_follows_the_names():
    listed = listed_joints('smpl_24')
    assert skeleton_of('smpl_24', listed) is SMPL24
    suffixed = set_of([f'{name}_smpl' for name in listed.names])
    assert skeleton_of('smpl_24', suffixed) is SMPL24


def test_human36m_is_ours():
    assert skeleton_of('h36m_17', set_of(H36M.split())) is H36M17


def test_a_root_at_the_end_stays_there():
    last = skeleton_of('h36m_17_root_last', listed_joints('h36m_17_root_last'))
    assert last.names[-1] == 'pelvis'
    bones = {tuple(last.names[j] for j in bone) for bone in last.bones}
    assert bones == {tuple(H36M17.names[j] for j in bone) for bone in H36M17.bones}


@pytest.mark.parametrize('name', LISTS)
def test_listed_joints_make_one_body(name):
    skeleton = skeleton_of(name, listed_joints(name))
    assert skeleton.parents.count(-1) == 1
    assert skeleton.names[skeleton.parents.index(-1)] == 'pelvis'
    assert len(skeleton.mirror) == len(skeleton)  # each left has a right


def test_joints_that_would_have_the_same_name_keep_theirs():
    names = our_names('', ('lkne_h36m', 'lkne_coco', 'nose_coco', 'lthumb_x'))
    assert names == ('lkne_h36m', 'lkne_coco', 'nose', 'lthumb_x')


def test_a_ring_is_opened_and_an_island_stays_one():
    edges = ((0, 1), (1, 2), (2, 0), (3, 4))
    assert parents_of(('pelvis', 'a', 'b', 'c', 'd'), edges) == (-1, 0, 0, -1, 3)
    assert parents_of(('a', 'pelvis'), ((0, 1),)) == (1, -1)


def test_joints_may_come_from_the_file_that_goes_with_the_weights(tmp_path):
    path = tmp_path / 'joint_info.npz'
    np.savez(path, joint_names=np.array([b'pelv', b'lhip']), joint_edges=[[0, 1]])
    assert listed_joints(str(path)) == JointSet((0, 1), ('pelv', 'lhip'), ((0, 1),))


@pytest.mark.parametrize(
    ('told', 'message'),
    [('a,b,a', 'twice'), ('a,b:c', 'c is not in the list'), ('none.npz', 'cannot be read')],
)
def test_lists_that_make_no_sense_are_refused(told, message):
    with pytest.raises(OrderError, match=message):
        listed_joints(told)


def test_bones_are_read_from_a_file(tmp_path):
    (tmp_path / 'bones.txt').write_text('left_hip left_knee 0.4\n\nlkne lank 0.39\n')
    smpl = listed_joints('smpl_24')
    assert usual_bones(str(tmp_path / 'bones.txt'), smpl) == {(1, 4): 0.4, (4, 7): 0.39}
    assert usual_bones('none', smpl) == {}
    assert is_smpl(smpl)
    (tmp_path / 'bones.txt').write_text('left_hip tail 0.4')
    with pytest.raises(OrderError, match='tail'):
        usual_bones(str(tmp_path / 'bones.txt'), smpl)
