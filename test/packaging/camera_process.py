"""A camera that sends numbered best-effort images: TOPIC WIDTH HEIGHT RATE COUNT."""

import array
import sys
import time

import rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from mesh_pose_ros.ros.large_images import make_room_for_images


def main(topic: str, *numbers: str) -> None:
    make_room_for_images()
    width, height, rate, count = map(int, numbers)
    rclpy.init()
    node = rclpy.create_node('camera_process')
    publisher = node.create_publisher(Image, topic, qos_profile_sensor_data)
    image = Image(width=width, height=height, step=3 * width, encoding='rgb8')
    image.data = array.array('B', bytes(3 * width * height))
    wait_until(lambda: publisher.get_subscription_count() > 0)
    time.sleep(0.5)  # the other side may find us a moment after we found it
    start = time.monotonic()
    for number in range(count):
        image.header.stamp.sec = number
        publisher.publish(image)
        time.sleep(max(0.0, start + (number + 1) / rate - time.monotonic()))
    time.sleep(1.0)


def wait_until(true, seconds=20.0):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)


if __name__ == '__main__':
    main(*sys.argv[1:])
