"""Count the best-effort images that arrive: TOPIC COUNT. Prints the number."""

import sys
import time

import rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from mesh_pose_ros.ros.large_images import make_room_for_images

PATIENCE = 4.0  # seconds without an image after the first one


def main(topic: str, count: str) -> None:
    make_room_for_images()
    rclpy.init()
    node = rclpy.create_node('viewer_process')
    arrived = []
    node.create_subscription(Image, topic, arrived.append, qos_profile_sensor_data)
    end = time.monotonic() + 40
    while len(arrived) < int(count) and time.monotonic() < end:
        before = len(arrived)
        rclpy.spin_once(node, timeout_sec=0.1)
        if len(arrived) > before:
            end = time.monotonic() + PATIENCE
            arrived[-1].data = []
    print(len({image.header.stamp.sec for image in arrived}))


if __name__ == '__main__':
    main(*sys.argv[1:])
