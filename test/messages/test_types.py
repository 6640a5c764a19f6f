"""Our messages are the same here, in the .msg files and in ROS."""

import pytest

from mesh_pose_ros.messages.types import (
    CLASSES,
    TYPES,
    decode,
    definition,
    encode,
    header,
    shared_folder,
    stamp_ns,
)

OURS = sorted(name for name in CLASSES if name.startswith('mesh_pose_ros/'))


def test_every_definition_of_the_package_is_known():
    files = {f'mesh_pose_ros/{p.stem}' for p in (shared_folder() / 'msg').glob('*.msg')}
    assert set(OURS) == files


@pytest.mark.parametrize('name', OURS)
def test_ros_knows_the_same_fields_in_the_same_order(name):
    msgs = pytest.importorskip('mesh_pose_ros.msg', reason='messages are not generated')
    kind = getattr(msgs, name.split('/')[1])
    fields = list(kind.get_fields_and_field_types())
    _, ours = TYPES.fielddefs[CLASSES[name].__msgtype__]
    assert [field for field, _ in ours] == fields


@pytest.mark.parametrize('stamp', [0, 1, 999_999_999, 1_700_000_000_123_456_789])
def test_stamps_survive(stamp):
    again = decode(encode(header(stamp, 'eye')), 'std_msgs/Header')
    assert again.stamp.sec * 10**9 + again.stamp.nanosec == stamp
    msg = CLASSES['mesh_pose_ros/HumanMeshArray'](header=again, meshes=[])
    assert stamp_ns(msg) == stamp


def test_a_definition_brings_all_that_it_needs():
    text = definition('mesh_pose_ros/PersonArray')
    for part in ('Person', 'RegionOfInterest', 'PoseWithCovariance', 'Header', 'Time'):
        assert part in text
