"""A program that follows bodies as ROS4HRI's do, and writes what it heard as lines of JSON."""

import json
import sys

import rclpy
from hri_msgs.msg import IdsList, NormalizedRegionOfInterest2D, Skeleton2D
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String

RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
OF_BODY = {
    'roi': (NormalizedRegionOfInterest2D, RELIABLE, lambda m: [m.xmin, m.ymin, m.xmax, m.ymax]),
    'cropped': (Image, RELIABLE, lambda m: [m.width, m.height]),
    'skeleton2d': (Skeleton2D, RELIABLE, lambda m: [[p.x, p.y, p.c] for p in m.skeleton]),
    'joint_states': (JointState, RELIABLE, lambda m: dict(zip(m.name, m.position))),
    'urdf': (String, LATCHED, lambda m: m.data),
}


def tell(topic, value, header=None):
    stamp = header.stamp.sec * 10**9 + header.stamp.nanosec if header else 0
    print(json.dumps([topic, stamp, value]), flush=True)


def main():
    rclpy.init()
    node = rclpy.create_node('follower')
    followed = set()

    def on_ids(msg):
        tell('tracked', list(msg.ids), msg.header)
        for name in set(msg.ids) - followed:
            followed.add(name)
            for topic, (kind, qos, read) in OF_BODY.items():
                node.create_subscription(
                    kind, f'/humans/bodies/{name}/{topic}',
                    lambda m, t=topic, r=read: tell(t, r(m), getattr(m, 'header', None)), qos,
                )  # fmt: skip

    node.create_subscription(IdsList, '/humans/bodies/tracked', on_ids, RELIABLE)
    rclpy.spin(node)


if __name__ == '__main__':
    sys.exit(main())
