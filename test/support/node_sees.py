"""
A node of a process of its own that runs a model on a frame of the demo clip.

    python test/support/node_sees.py MODEL    prints JSON: people, joints, vertices

Tests of exported systems start it as a process, so that no PyTorch meets ROS. Weights that are
drawn see no people; so the detector is our own, and what counts is that the node publishes them.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT = 300  # seconds, on a busy machine
NODE_RUNS: list[str] = []  # what the running test has seen; benchmarks/systems.py tells it


def assert_node_sees(model, joints, vertices=0):
    """
    Have the node publish people by a model.

    :param model: file of the card or its folder
    :param joints, vertices: how many each has
    """
    pytest.importorskip('rclpy', reason='rclpy is not installed')
    command = [sys.executable, __file__, str(model)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told['people'] >= 1
    assert (told['joints'], told['vertices']) == (joints, vertices), told
    NODE_RUNS.append(f'{joints} joints, {vertices} vertices')


def frame_with_people():
    import cv2

    clip = cv2.VideoCapture(str(ROOT / 'demo' / 'people.mp4'))
    return cv2.cvtColor(clip.read()[1], cv2.COLOR_BGR2RGB)


def seen_by_the_node(model, folder):
    import ros_client
    from ros_client import Client, Process

    from mesh_pose_ros.geometry.camera import Camera
    from mesh_pose_ros.messages.images import image_message
    from mesh_pose_ros.messages.types import encode

    ros_client.PATIENCE = LIMIT / 3
    frame = frame_with_people()
    camera = Camera.from_fov(60, (frame.shape[1], frame.shape[0]))
    process = Process(
        folder, 'node', '--ros-args', '-p', f'model.name:={model}',
        '-p', 'model.detector:=own_detector', '-p', 'tracking.min_hits:=1',
    )  # fmt: skip
    client = Client()
    try:
        client.listen('persons', 'meshes', 'skeleton_model')

        def show():
            client.tell_camera(camera)
            client.stamp += 10**9
            message = image_message(frame, client.stamp, 'eye_optical_frame')
            client.images.publish(encode(message))

        def found():
            assert process.handle.poll() is None, process.log
            return next((m for m in client.heard['persons'] if m.persons), None)

        people = client.until(found, show, every=1.0)
        skeleton = client.heard['skeleton_model'][0]
        if skeleton.vertex_count:
            client.until(lambda: any(m.meshes for m in client.heard['meshes']), show, every=1.0)
        return {
            'people': len(people.persons),
            'joints': len(skeleton.joint_names),
            'vertices': skeleton.vertex_count,
        }
    finally:
        process.end()
        client.close()


def main(model):
    from ros_domain import take_a_network_alone

    take_a_network_alone()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(seen_by_the_node(model, Path(folder))))


if __name__ == '__main__':
    main(Path(sys.argv[1]).resolve())
