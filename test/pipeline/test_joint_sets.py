"""Joint sets come back from their file as they were; a file that makes no sense is refused."""

from dataclasses import replace

import numpy as np
import pytest

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.pipeline.joint_sets import JointSet, JointSets, read_joint_sets

SETS = JointSets(
    ('pelv', 'lhip', 'rhip'),
    (0, 2, 1),
    np.array([[1, 0, 0, 0], [0, 1, 0, 0.5], [0, 0, 1, 0.5]]),
    {'': JointSet((0, 1, 2, 3), ('pelv', 'lhip', 'rhip', 'mid')), 'one': JointSet((3,), ('mid',))},
    {(0, 1): 0.12},
)


def test_they_come_back_as_they_were(tmp_path):
    np.savez(tmp_path / 'joints.npz', **SETS.arrays())
    found = read_joint_sets(tmp_path / 'joints.npz')
    assert (found.names, found.mirror, found.sets) == (SETS.names, SETS.mirror, SETS.sets)
    assert found.bone_lengths == SETS.bone_lengths
    np.testing.assert_array_equal(found.mixing, SETS.mixing)


def test_sums_are_told_from_joints_as_they_are():
    assert SETS.mixes
    plain = {'': JointSet((0, 1, 2), SETS.names)}
    assert not replace(SETS, mixing=np.eye(3), sets=plain).mixes


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r'joints\.npz: is missing'):
        read_joint_sets(tmp_path / 'joints.npz')


@pytest.mark.parametrize(
    ('name', 'value', 'message'),
    [
        ('mirror', np.array([0, 1, 1]), 'mirror must say'),
        ('mixing', np.eye(4), 'there are 3 joints'),
        ('places_1', np.array([4]), 'one has joints that'),
        ('names_0', None, 'names_0'),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path, name, value, message):
    arrays = {**SETS.arrays(), name: value}
    np.savez(tmp_path / 'joints.npz', **{k: v for k, v in arrays.items() if v is not None})
    with pytest.raises(ModelError, match=message):
        read_joint_sets(tmp_path / 'joints.npz')
