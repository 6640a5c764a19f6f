"""The real node, over DDS: people come out, and bad input does not stop it."""

import signal
import time
from pathlib import Path

import numpy as np
import pytest
from ros_client import SIZE, restart

from mesh_pose_ros.messages.images import compressed_message, to_rgb
from mesh_pose_ros.messages.types import encode
from mesh_pose_ros.runtime.session import BACKENDS

OK, WARN, ERROR = range(3)
DELETE = 2
ROOT = Path(__file__).parents[2]


def new_log(node):
    return node.log[node.seen :]


def test_one_image_comes_back_as_person_mesh_markers_and_tf(node, client):
    topics = ('persons', 'meshes', 'markers', 'mesh_markers', 'overlay', 'latency', 'tf')
    client.listen(*topics, 'skeleton_model')
    persons = client.show_until('persons', enough=2)[-1]
    client.until(lambda: all(client.heard[name] for name in topics))
    assert (persons.image_width, persons.image_height) == SIZE
    assert persons.header.frame_id == 'eye_optical_frame'
    assert persons.header.stamp.sec * 10**9 + persons.header.stamp.nanosec <= client.stamp
    (person,) = persons.persons
    joints = person.keypoints.reshape(-1, 3)
    assert np.isfinite(joints).all()
    assert (joints[:, 2] > 0).all()
    skeleton = client.heard['skeleton_model'][-1]
    assert len(skeleton.joint_names) == len(joints)
    assert skeleton.vertex_count == client.heard['meshes'][-1].meshes[0].vertices.size / 3
    assert len(client.heard['mesh_markers'][-1].markers[0].points) == skeleton.triangles.size
    assert client.heard['tf'][-1].transforms[0].child_frame_id == f'body_{person.id}'
    assert to_rgb(client.heard['overlay'][-1]).shape == (SIZE[1], SIZE[0], 3)
    stages = {v.key: float(v.value) for v in client.heard['latency'][-1].status[0].values}
    assert stages['total'] > 0
    assert {'wait', 'decode', 'detect', 'crop', 'publish', 'own'} <= set(stages)


def test_an_empty_image_is_answered_by_an_empty_array(node, client):
    client.listen('persons')
    assert client.show_until('persons', light=0)[-1].persons == []


def test_without_camera_info_it_waits_and_says_for_what(node, client):
    client.listen('persons')
    _, _, values = client.diagnosis(
        lambda s: 'no CameraInfo on /camera_info' in s[1] and s[2]['images waiting'] != '0',
        doing=client.show,
    )
    assert values['images bad'] == '0'
    client.until(lambda: 'no CameraInfo on /camera_info' in new_log(node), client.show)
    assert client.heard['persons'] == []


UNCALIBRATED = [  # what the camera says of itself -> what the node must say
    ({'k': np.zeros(9), 'p': np.zeros(12)}, 'all K = 0'),
    ({'k': np.array([np.nan, 0, 32, 0, 50, 24, 0, 0, 1])}, 'NaN'),
    ({'d': np.array([np.nan] * 5)}, 'distortion'),
    ({'d': np.array([0.1] * 5), 'distortion_model': 'mei'}, 'mei'),
    ({'width': 640, 'height': 480}, 'the image is 64x48, its CameraInfo describes 640x480'),
]


@pytest.mark.parametrize(('changes', 'words'), UNCALIBRATED, ids=[w for _, w in UNCALIBRATED])
def test_an_unusable_camera_is_an_error_and_no_person(node, client, changes, words):
    client.listen('persons')

    def show():
        client.tell_camera(**changes)
        client.show()

    client.diagnosis(lambda s: s[0] == ERROR and words in s[1], show)
    client.until(lambda: words in new_log(node), show)
    assert client.heard['persons'] == []
    client.until(lambda: client.heard['persons'], lambda: (client.tell_camera(), client.show()))


def test_a_field_of_view_may_stand_in_for_a_calibration(node, client):
    client.listen('persons')
    (result,) = client.set(camera__fallback_hfov_deg=60.0)
    assert result.successful
    client.tell_camera(k=np.zeros(9))
    persons = client.show_until('persons', camera=False)
    assert persons[-1].persons[0].flags & persons[-1].persons[0].FLAG_FALLBACK_INTRINSICS
    assert client.diagnosis(lambda s: 'guessed' in s[1])[0] == WARN


BAD_IMAGES = [
    ({'encoding': 'fax'}, "'fax' is not supported"),
    ({'data': np.zeros(100, np.uint8)}, 'has 100 bytes'),
    ({'width': 0, 'data': np.zeros(0, np.uint8)}, 'no pixels'),
    ({'height': 0, 'data': np.zeros(0, np.uint8)}, 'no pixels'),
    ({'step': 3}, 'step is 3 bytes'),
]


@pytest.mark.parametrize(('changes', 'words'), BAD_IMAGES)
def test_a_bad_image_is_counted_reported_once_and_survived(node, client, changes, words):
    client.listen('persons')
    client.tell_camera()
    bad_before = int(client.diagnosis()[2]['images bad'])
    counted = client.diagnosis(
        lambda s: int(s[2]['images bad']) >= bad_before + 3, lambda: client.show(**changes)
    )
    kind = words.replace('100', '#').replace('3', '#')
    assert any(kind in key for key in counted[2])
    assert client.diagnosis(lambda s: kind in s[1])[0] >= WARN  # a monitor looks at the level
    assert new_log(node).count(words) == 1
    assert client.show_until('persons')[-1].persons


def test_a_broken_camera_info_is_survived(node, client):
    client.listen('persons')
    client.until(
        lambda: 'a CameraInfo failed' in new_log(node), lambda: client.infos.publish(b'\0\1\0\0?')
    )
    assert client.show_until('persons')[-1].persons


def test_images_without_a_stamp_get_the_time_when_they_came(node, client):
    client.listen('persons')
    client.tell_camera()
    unstamped = client.until(
        lambda: client.heard['persons'], lambda: (client.tell_camera(), client.show(stamped=False))
    )[-1]
    assert abs(unstamped.header.stamp.sec - time.time()) < 30
    assert 'images have no stamp' in new_log(node)


def test_time_that_goes_back_starts_new_tracks_and_clears_the_old(node, client):
    client.listen('persons', 'markers')
    client.stamp = 10**11
    before = client.show_until('persons', enough=3)[-1].persons[0].track_id
    client.until(lambda: client.heard['markers'])
    client.stamp = 10**9
    after = client.show_until('persons', enough=3)[-1].persons[0].track_id
    assert after > before
    gone = [m for array in client.heard['markers'] for m in array.markers if m.action == DELETE]
    assert f'skeleton/p{before}' in {m.ns for m in gone}
    assert 'time went back' in new_log(node)


def test_an_image_that_comes_late_is_skipped_and_people_stay_who_they_are(node, client):
    client.listen('persons', 'diagnostics')
    before = client.show_until('persons', enough=3)[-1]
    client.settle()  # or the late one might take the place of one that waits
    skipped = int(client.diagnosis()[2]['images skipped'])
    client.show(after=-0.15)  # two images overtook each other on the network
    values = client.diagnosis(lambda s: int(s[2]['images skipped']) > skipped)[2]
    assert int(values['images skipped']) == skipped + 1
    client.show_until('persons', enough=3)
    assert {p.track_id for a in client.heard['persons'] for p in a.persons} == {
        before.persons[0].track_id
    }
    assert 'time went back' not in new_log(node)


def test_numbers_begin_where_the_user_says(node, client):
    from std_srvs.srv import Trigger

    client.listen('persons', 'tf')
    (taken,) = client.set(tracking__first_id=100_001)
    assert taken.successful
    assert client.ask(Trigger, 'mesh_pose/reset_tracker').success
    assert client.show_until('persons', enough=2)[-1].persons[0].id == 'p100001'
    client.until(lambda: client.heard['tf'])
    assert client.heard['tf'][-1].transforms[0].child_frame_id == 'body_p100001'


def test_a_track_that_ends_takes_its_markers_away(node, client):
    client.listen('persons', 'markers')
    client.set(tracking__max_age_s=0.05)
    track = client.show_until('persons')[-1].persons[0].track_id
    client.show_until('persons', enough=3, light=0)
    ended = {
        marker.ns
        for array in client.heard['markers']
        for marker in array.markers
        if marker.action == DELETE
    }
    assert f'skeleton/p{track}' in ended


def test_parameters_change_on_the_run_or_say_why_not(node, client):
    (good,) = client.set(detection__score=0.5)
    assert good.successful
    (high,) = client.set(detection__score=7.0)
    assert not high.successful
    assert 'detection.score' in high.reason
    (wrong,) = client.set(publish__tf='everything')
    assert 'none, body, joints' in wrong.reason
    (fixed,) = client.set(model__name='other')
    assert 'clean up first' in fixed.reason


def test_parameters_set_together_change_all_or_none(node, client):
    both = client.set(atomically=True, publish__min_confidence=0.9, publish__tf='everything')
    assert not both.successful
    from rcl_interfaces.srv import GetParameters

    names = ['publish.min_confidence']
    answer = client.ask(GetParameters, 'mesh_pose/get_parameters', names=names)
    assert answer.values[0].double_value == pytest.approx(0.3)


def test_tf_can_be_switched_off(node, client):
    client.listen('persons', 'tf')
    client.set(publish__tf='none')
    client.show_until('persons', enough=3)
    assert client.heard['tf'] == []


def test_services_reset_and_rest(node, client):
    from std_srvs.srv import SetBool, Trigger

    client.listen('persons')
    before = client.show_until('persons', enough=2)[-1].persons[0].track_id
    assert client.ask(Trigger, 'mesh_pose/reset_tracker').success
    assert client.show_until('persons', enough=2)[-1].persons[0].track_id > before
    assert client.ask(SetBool, 'mesh_pose/set_enabled', data=False).message == 'resting'
    skipped = int(client.diagnosis()[2]['images skipped'])
    client.diagnosis(lambda s: int(s[2]['images skipped']) > skipped, client.show)
    assert client.ask(SetBool, 'mesh_pose/set_enabled', data=True).success
    assert client.show_until('persons')


def test_nobody_listens_nothing_is_computed(node, client):
    client.listen('diagnostics')
    start = client.diagnosis()[2]

    def show():
        client.tell_camera()
        client.show()

    skipped = int(start['images skipped'])
    values = client.diagnosis(lambda s: int(s[2]['images skipped']) >= skipped + 3, show)[2]
    assert values['images processed'] == start['images processed']


def test_diagnostics_tell_what_auto_became(node, client):
    client.listen('diagnostics')
    told = client.diagnosis(lambda s: 'backend' in s[2])[2]
    assert told['backend'] in BACKENDS


def test_every_image_is_accounted_for(node, client):
    client.listen('persons')
    client.tell_camera()
    for _ in range(30):
        client.show(after=0.001)
    client.show_until('persons')
    client.spin(1.5)
    counts = client.diagnosis()[2]
    rest = ('processed', 'dropped', 'skipped', 'waiting', 'bad')
    assert int(counts['images received']) == sum(int(counts[f'images {name}']) for name in rest)
    assert float(counts['latency p95 (ms)']) >= float(counts['latency p50 (ms)']) > 0


def test_a_rate_limit_skips_images_by_their_stamps(node, client):
    client.listen('persons')
    client.set(image__max_rate_hz=2.0)
    found = client.show_until('persons', enough=4, after=0.1)
    stamps = [m.header.stamp.sec + m.header.stamp.nanosec / 1e9 for m in found]
    client.set(image__max_rate_hz=0.0)
    assert np.diff(stamps).min() > 0.4


def test_compressed_images_work_too(node, client):
    restart(client, image__transport='compressed')
    client.listen('persons')
    picture = np.full((SIZE[1], SIZE[0], 3), 200, np.uint8)

    def show():
        client.tell_camera()
        client.stamp += 10**8
        client.jpegs.publish(encode(compressed_message(picture, client.stamp, 'eye')))

    client.until(lambda: client.heard['persons'] and client.heard['persons'][-1].persons, show)
    assert "the frame of the image is 'eye'" in new_log(node)


def test_an_inactive_node_is_silent_and_comes_back(node, client):
    client.listen('persons')
    client.show_until('persons')
    assert client.change_state('DEACTIVATE')
    client.spin(0.3)
    client.heard['persons'].clear()
    for _ in range(5):
        client.show()
        client.spin(0.05)
    assert client.heard['persons'] == []
    assert client.diagnosis()[1] == 'not active'
    assert client.change_state('ACTIVATE')
    assert client.show_until('persons')


def test_a_node_that_cannot_configure_stays_and_may_try_again(node, client):
    client.change_state('DEACTIVATE')
    client.change_state('CLEANUP')
    assert client.set(model__name='nothing')[0].successful
    assert not client.change_state('CONFIGURE')
    assert "model 'nothing' is not here" in new_log(node)
    assert client.set(model__name='toy_pose')[0].successful
    assert client.change_state('CONFIGURE')
    assert client.change_state('ACTIVATE')
    client.listen('persons')
    assert client.show_until('persons')


def test_fewer_triangles_on_request(node, client):
    client.listen('mesh_markers')
    full = len(client.show_until('mesh_markers', enough=2)[-1].markers[0].points)
    assert client.set(publish__mesh_level=1)[0].successful
    coarse = client.show_until('mesh_markers', enough=3)[-1].markers[0].points
    client.set(publish__mesh_level=0)
    assert len(coarse) < full


def test_an_interrupt_ends_it_well_with_its_own_configuration_and_simulated_time(
    run, client, toy_models
):
    node = run(
        'node', '--ros-args', '-r', '__ns:=/robot',
        '--params-file', ROOT / 'config/mesh_pose.yaml',
        '-p', 'model.name:=toy_pose', '-p', 'use_sim_time:=true',
        env={'MESH_POSE_MODELS': str(toy_models)},
    )  # fmt: skip
    client.until(lambda: 'waiting for images on /robot/image' in node.log)
    # its diagnostics come although nobody publishes /clock
    client.until(lambda: 'no CameraInfo on /robot/camera_info' in node.log)
    assert node.interrupt(signal.SIGINT) == 0
    assert 'Traceback' not in node.log


def damaged(toy_models, tmp_path, how):
    card = (toy_models / 'toy_pose.yaml').read_text()
    graph = (toy_models / 'toy_pose.onnx').read_bytes()
    (tmp_path / 'toy_pose.yaml').write_text(card)
    if how != 'missing':
        (tmp_path / 'toy_pose.onnx').write_bytes(graph[:-50] if how == 'truncated' else graph)
    return tmp_path / 'toy_pose.yaml'


def test_a_model_that_cannot_be_loaded_ends_it_with_the_reason(run, toy_models, tmp_path):
    cases = {
        'missing': 'model file is missing',
        'truncated': 'sha256',
    }
    started = {}
    for how, words in cases.items():
        (tmp_path / how).mkdir()
        card = damaged(toy_models, tmp_path / how, how)
        started[words] = run('node', '--ros-args', '-p', f'model.name:={card}')
    started['must be one of raw, compressed'] = run(
        'node', '--ros-args', '-p', 'image.transport:=fax'
    )
    for words, node in started.items():
        assert node.wait() == 1, node.log
        assert words in node.log
        assert 'Traceback' not in node.log


def test_it_takes_images_as_reliably_as_their_publishers_allow(run, client, toy_models):
    from sensor_msgs.msg import Image

    from mesh_pose_ros.ros.qos import profile

    process = run(
        'node', '--ros-args', '-r', '__ns:=/choosy', '-p', 'model.name:=toy_pose',
        env={'MESH_POSE_MODELS': str(toy_models)},
    )  # fmt: skip
    for reliability in ('reliable', 'best_effort', 'reliable'):
        publisher = client.node.create_publisher(Image, '/choosy/image', profile(1, reliability))
        client.until(lambda: process.log.split('are taken ')[-1].startswith(reliability))  # noqa: B023
        client.until(publisher.get_subscription_count)
        client.node.destroy_publisher(publisher)
    assert process.interrupt() == 0
