"""Print, as JSON, one PersonArray and one TFMessage that arrive over DDS."""

import json
import time

import rclpy
from tf2_msgs.msg import TFMessage

import mesh_pose_ros
from mesh_pose_ros.msg import PersonArray


def main() -> None:
    rclpy.init()
    node = rclpy.create_node('listener_process')
    got = {}
    node.create_subscription(PersonArray, 'persons', lambda m: got.update(persons=m), 10)
    node.create_subscription(TFMessage, 'tf', lambda m: got.update(tf=m), 10)
    end = time.monotonic() + 30
    while len(got) < 2 and time.monotonic() < end:
        rclpy.spin_once(node, timeout_sec=0.1)
    person = got['persons'].persons[0]
    answer = {
        'package': mesh_pose_ros.__file__,
        'id': person.id,
        'track_id': person.track_id,
        'keypoints': list(person.keypoints),
        'frame': got['tf'].transforms[0].child_frame_id,
    }
    print(json.dumps(answer))


if __name__ == '__main__':
    main()
