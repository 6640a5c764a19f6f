"""Replay, node and recorder as users start them: three processes, one MCAP."""

import json
import time

import cv2
import numpy as np
import pytest
from mcap.reader import make_reader

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.cameras import write_camera_yaml
from mesh_pose_ros.ros.replay import paced
from mesh_pose_ros.sources import Frame

SIZE = (64, 48)


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    for number in range(12):
        picture = np.full((SIZE[1], SIZE[0], 3), 150 + number, np.uint8)
        cv2.imwrite(str(folder / f'{number:02d}.png'), picture)
    write_camera_yaml(Camera.from_fov(60, SIZE), tmp_path / 'eye.yaml')
    return folder


def test_what_is_replayed_is_seen_and_recorded(run, client, toy_models, pictures, tmp_path):
    node = run(
        'node', '--ros-args', '-r', '__ns:=/demo', '-p', 'model.name:=toy_pose',
        '-p', 'publish.tf:=joints', '-p', 'image.reliability:=reliable',
        env={'MESH_POSE_MODELS': str(toy_models)},
    )  # fmt: skip
    recorder = run(
        'recorder', tmp_path / 'out.mcap', '--idle', 3, '--qos', 'reliable',
        '--summary', tmp_path / 'out.json', '--ros-args', '-r', '__ns:=/demo',
    )  # fmt: skip
    client.until(lambda: 'waiting for images' in node.log)
    replay = run(
        'replay', pictures, '--camera', tmp_path / 'eye.yaml', '--rate', 10, '--wait', 2,
        '--ros-args', '-r', '__ns:=/demo',
    )  # fmt: skip
    assert replay.wait() == 0, replay.log
    assert '12 frames' in replay.log
    assert recorder.wait() == 0, recorder.log + node.log
    assert node.interrupt() == 0, node.log

    figures = json.loads((tmp_path / 'out.json').read_text())
    assert figures['images_in'] == 12
    assert figures['images_out'] >= 6
    assert figures['persons'] == figures['images_with_persons'] == figures['images_out']
    assert figures['latency_ms']['total']['p50'] > 0
    with (tmp_path / 'out.mcap').open('rb') as file:
        summary = make_reader(file).get_summary()
    counts = summary.statistics.channel_message_counts
    topics = {c.topic: counts.get(i, 0) for i, c in summary.channels.items()}
    for name in ('persons', 'meshes', 'markers', 'mesh_markers'):
        assert topics[f'/demo/mesh_pose/{name}'] >= 6
    assert topics['/demo/mesh_pose/skeleton_model'] == 1
    assert topics['/demo/image/compressed'] == 12
    assert topics['/tf'] >= 6
    assert {s.encoding for s in summary.schemas.values()} == {'ros2msg'}


def test_a_source_that_is_not_there_is_an_error(run, tmp_path):
    replay = run('replay', tmp_path / 'nothing.mp4')
    assert replay.wait() == 1
    assert 'nothing.mp4: there is no such' in replay.log
    assert 'Traceback' not in replay.log


def test_a_recorder_with_no_room_is_an_error(run):
    recorder = run('recorder', '/proc/nowhere/out.mcap', '--idle', 1, '--patience', 1)
    assert recorder.wait() == 1
    assert '/proc/nowhere' in recorder.log
    assert 'Traceback' not in recorder.log


def frames(*stamps):
    return iter([Frame(np.zeros((1, 1, 3), np.uint8), stamp, '') for stamp in stamps])


def test_stamps_of_the_source_are_kept_if_asked():
    found = [f.stamp_ns for f in paced(frames(5, 7), 0, keep_stamps=True)]
    assert found == [5, 7]


def test_other_stamps_run_from_now_at_the_pace_of_the_source():
    first, second = [f.stamp_ns for f in paced(frames(5, 20_000_005), 2, keep_stamps=False)]
    assert second - first == 10_000_000
    assert first > 10**18


def test_who_cannot_keep_the_pace_does_not_fall_behind_the_time_of_day(monkeypatch):
    monkeypatch.setattr('mesh_pose_ros.ros.replay.LATE', 20_000_000)
    behind = []
    for frame in paced(frames(*range(0, 10**7, 10**6)), 1, keep_stamps=False):
        behind.append(time.time_ns() - frame.stamp_ns)
        time.sleep(0.015)
    assert max(behind) < 60_000_000
    assert len(behind) == 10


def test_a_broken_image_does_not_end_a_recording(run, client, tmp_path):
    out = tmp_path / 'out.mcap'
    recorder = run('recorder', out, '--topics', 'image', '--idle', 2)

    def show():
        client.show(encoding='fax')
        client.show()

    client.until(lambda: 'a message is left out' in recorder.log, show)
    for _ in range(10):  # an interrupt while types are compiled on first use would kill it
        client.show()
        client.spin(0.1)
    assert recorder.handle.poll() is None, recorder.log
    recorder.interrupt()
    with out.open('rb') as file:
        assert make_reader(file).get_summary().statistics.message_count > 0


def test_time_that_goes_back_in_a_source_does_not_block():
    found = list(paced(frames(10**10, 0), 1, keep_stamps=True, gap_ns=10**6))
    assert [f.stamp_ns for f in found] == [10**10, 0]


def test_a_source_that_starts_again_keeps_its_pace_and_its_stamps_go_on():
    found = list(paced(frames(0, 10**7, 0, 10**7), 1, keep_stamps=False))
    stamps = np.array([f.stamp_ns for f in found])
    np.testing.assert_array_equal(np.diff(stamps), 10**7)
