"""The messages as installed cross from one process to another, with no variable set."""

import os
import sys

import pytest

pytest.importorskip('rclpy', reason='ROS (rclpy) is not installed')
pytest.importorskip('mesh_pose_ros.msg', reason='the messages are not built')
from message_round_trip import message_round_trip


def test_messages_make_a_round_trip(tmp_path):
    heard = message_round_trip(sys.executable, os.environ, tmp_path)
    assert (heard['id'], heard['track_id'], heard['frame']) == ('abcde', 7, 'body_abcde')
    assert heard['keypoints'] == [0.25, -0.5, 3.0]
