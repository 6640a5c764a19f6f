"""Bodies by REP-155 over DDS: topics come and go with people, hri_msgs or not."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as Xml
from pathlib import Path

import numpy as np
import pytest
from hri_package import build_hri_msgs
from rep155_human import LIMBS, forward_kinematics

from mesh_pose_ros.messages.rep155_body import JOINTS
from mesh_pose_ros.ros.interface import BODIES_TRACKED, BODY

HERE = Path(__file__).parent
OF_THIS_PROCESS = ('_ROS_WHEELS_BOOTSTRAP_COMPLETE', 'LD_LIBRARY_PATH', 'PYTHONPATH')
has_hri_msgs = importlib.util.find_spec('hri_msgs') is not None


@pytest.fixture(scope='module')
def hri_msgs(tmp_path_factory):
    """Variables that make a process see hri_msgs."""
    if has_hri_msgs:
        return {}
    if not (Path(sys.prefix) / 'share' / 'ament_cmake').is_dir():
        pytest.skip('neither hri_msgs nor the ROS build wheels are here')
    environment = {k: v for k, v in os.environ.items() if k not in OF_THIS_PROCESS}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
    prefix = {'AMENT_PREFIX_PATH': sys.prefix, 'CMAKE_PREFIX_PATH': sys.prefix}
    return build_hri_msgs(
        tmp_path_factory.mktemp('hri_msgs'), environment | {'PATH': path} | prefix
    )


class Listener:
    """The follower's process and what it wrote."""

    def __init__(self, folder, environment):
        self.path = folder / 'heard'
        with self.path.open('w') as out:
            self.handle = subprocess.Popen(
                [sys.executable, HERE / 'rep155_listener.py'],
                stdout=out, stderr=subprocess.STDOUT, env=os.environ | environment,
            )  # fmt: skip

    def heard(self, topic):
        """Stamps and values of a topic's messages."""
        lines = [line for line in self.path.read_text().splitlines() if line.endswith(']')]
        return [line[1:] for line in map(json.loads, lines) if line[0] == topic]


@pytest.fixture
def listener(tmp_path, hri_msgs):
    listener = Listener(tmp_path, hri_msgs)
    yield listener
    listener.handle.kill()
    listener.handle.wait()


def topics_of_bodies(client):
    names = [name for name, _ in client.node.get_topic_names_and_types()]
    return {name for name in names if name.startswith('/humans/bodies/p')}


@pytest.mark.slow  # compiles hri_msgs where it is missing
def test_a_body_comes_is_told_and_goes(run, client, toy_models, hri_msgs, listener):
    node = run(
        'node', '--ros-args', '-r', '__ns:=/rep155', '-r', 'image:=/image',
        '-r', 'camera_info:=/camera_info', '-p', 'model.name:=toy_pose',
        '-p', 'model.lift:=open_body_lift', '-p', 'tracking.min_hits:=1',
        '-p', 'tracking.max_age_s:=0.3', '-p', 'publish.rep155:=true',
        env={'MESH_POSE_MODELS': str(toy_models)} | hri_msgs,
    )  # fmt: skip

    def show(light=200):
        client.tell_camera()
        client.show(light=light)

    wanted = ('roi', 'cropped', 'skeleton2d', 'joint_states', 'urdf')
    client.until(lambda: all(listener.heard(topic) for topic in wanted), show)
    told = [ids for _, ids in listener.heard('tracked') if ids]
    (name,) = told[0]
    first = {topic: listener.heard(topic)[0] for topic in wanted}
    assert all(stamp % 10**8 == 0 for topic, (stamp, _) in first.items() if topic != 'urdf')
    assert np.all(np.array(first['roi'][1]) >= 0)
    assert np.all(np.array(first['roi'][1]) <= 1)
    assert min(first['cropped'][1]) > 0
    assert np.shape(first['skeleton2d'][1]) == (18, 3)
    assert list(first['joint_states'][1]) == [f'{joint}_{name}' for joint in JOINTS]
    assert_it_stands(first['urdf'][1], first['joint_states'][1], name)
    assert 0 < len(topics_of_bodies(client)) <= len(BODY)

    client.until(lambda: listener.heard('tracked')[-1][1] == [], lambda: show(light=0))
    client.until(lambda: not publishers_of(client, name))
    before = len(listener.heard('tracked'))
    client.until(lambda: len(listener.heard('tracked')) >= before + 2)  # each second, by itself

    switch(client, False)
    client.until(lambda: not client.node.count_publishers(BODIES_TRACKED.name))
    switch(client, True)
    client.until(lambda: client.node.count_publishers(BODIES_TRACKED.name))
    client.until(lambda: publishers_of(client, name_after(name)), show)
    assert node.interrupt(signal.SIGINT) == 0
    assert 'Traceback' not in node.log


def name_after(name):
    return f'p{int(name[1:]) + 1}'


def switch(client, value):
    from rcl_interfaces.srv import SetParameters
    from rclpy.parameter import Parameter

    wanted = [Parameter('publish.rep155', value=value).to_parameter_msg()]
    service = 'rep155/mesh_pose/set_parameters'
    (result,) = client.ask(SetParameters, service, parameters=wanted).results
    assert result.successful


def publishers_of(client, name):
    topics = (topic.name.replace('<id>', name) for topic in BODY.values())
    return [topic for topic in topics if client.node.count_publishers(topic)]


def assert_it_stands(urdf, angles, name):
    """The URDF is sound, and the toy person's knees and head are where they belong."""
    assert Xml.fromstring(urdf).get('name') == f'human_{name}'
    links = forward_kinematics(urdf, angles)
    heights = [links[f'{link}_{name}'][2, 3] for link in ('head', 'torso', 'l_hip', 'l_knee')]
    assert heights == sorted(heights, reverse=True)
    assert links[f'{LIMBS["left_hip"]}_{name}'][1, 3] > 0


@pytest.mark.skipif(has_hri_msgs, reason='hri_msgs is installed')
def test_without_hri_msgs_one_error_says_what_to_install_and_the_rest_works(node, client):
    client.listen('persons', 'diagnostics')
    assert client.set(publish__rep155=True)[0].successful
    try:
        assert client.show_until('persons', enough=3)[-1].persons
        client.until(lambda: len(client.heard['diagnostics']) >= 3)
        log = node.log[node.seen :]
        assert log.count('-hri-msgs') == 1
        assert 'publish.rep155 is set' in log
        assert 'Traceback' not in log
        infos = client.node.get_publishers_info_by_topic(BODIES_TRACKED.name)
        assert '/' not in {info.node_namespace for info in infos}
    finally:
        client.set(publish__rep155=False)
