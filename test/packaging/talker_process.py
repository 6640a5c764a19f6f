"""Send a PersonArray and a TFMessage until told to stop; used by the round-trip tests."""

import contextlib

import rclpy
from geometry_msgs.msg import TransformStamped
from rclpy.executors import ExternalShutdownException
from tf2_msgs.msg import TFMessage

from mesh_pose_ros.msg import Person, PersonArray


def main() -> None:
    rclpy.init()
    node = rclpy.create_node('talker_process')
    persons = node.create_publisher(PersonArray, 'persons', 10)
    transforms = node.create_publisher(TFMessage, 'tf', 10)
    person = Person(id='abcde', track_id=7, keypoints=[0.25, -0.5, 3.0])

    def send() -> None:
        persons.publish(PersonArray(model_id='toy', persons=[person]))
        transforms.publish(TFMessage(transforms=[TransformStamped(child_frame_id='body_abcde')]))

    node.create_timer(0.1, send)
    with contextlib.suppress(ExternalShutdownException):
        rclpy.spin(node)


if __name__ == '__main__':
    main()
