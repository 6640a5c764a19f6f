"""A network of this test run alone, with a node in a process of its own."""

import pytest
from ros_client import Client, Process, restart
from ros_domain import take_a_network_alone


@pytest.fixture(scope='session', autouse=True)
def ros_network():
    """A DDS network of this test run alone, on this machine alone."""
    pytest.importorskip('rclpy', reason='rclpy is not installed')
    pytest.importorskip('mesh_pose_ros.msg', reason='messages are not generated')
    take_a_network_alone()


@pytest.fixture
def run(tmp_path):
    """Start our programs; whatever still runs is ended after the test."""
    started = []

    def start(module, *arguments, env=()):
        started.append(Process(tmp_path, module, *arguments, env=env))
        return started[-1]

    yield start
    for process in started:
        process.end()


@pytest.fixture(scope='session')
def client(ros_network):
    client = Client()
    yield client
    client.close()


@pytest.fixture(scope='session')
def node_process(ros_network, toy_models, tmp_path_factory):
    process = Process(
        tmp_path_factory.mktemp('node'), 'node',
        '--ros-args', '-p', 'model.name:=toy_pose', '-p', 'tracking.min_hits:=1',
        env={'MESH_POSE_MODELS': str(toy_models)},
    )  # fmt: skip
    yield process
    process.end()


@pytest.fixture
def node(node_process, client):
    """The running node as if just started: nothing seen, no camera known, nobody listening."""
    client.deafen()
    restart(client)
    node_process.seen = len(node_process.log)
    yield node_process
    assert node_process.handle.poll() is None, node_process.log
