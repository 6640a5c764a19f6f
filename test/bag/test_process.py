"""Every frame of a bag comes out, in order, stamped as it was, the same on every run."""

import json
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rosbags.highlevel import AnyReader

from mesh_pose_ros.bag import BagJob, process_bag
from mesh_pose_ros.errors import BagError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.types import stamp_ns
from mesh_pose_ros.sources import open_source

KINDS = ('mcap', 'sqlite', 'ros1', 'chunks')


def read(path):
    """All messages of a file as mcap-ros2-support decodes them: (topic, log time, message)."""
    with Path(path).open('rb') as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        return [
            (channel.topic, message.log_time, decoded)
            for _, channel, message, decoded in reader.iter_decoded_messages()
        ]


def on(topic, messages):
    return [(log_time, msg) for name, log_time, msg in messages if name == topic]


@pytest.fixture
def target(tmp_path):
    return tmp_path / 'out.mcap'


@pytest.mark.parametrize('kind', KINDS)
def test_every_frame_of_every_kind_of_bag_arrives_with_its_stamps(
    bags, toy_pipeline, target, kind
):
    source = getattr(bags, kind)(bags.frames() + bags.infos())
    report = process_bag(BagJob(source, target), toy_pipeline)
    persons = on('/mesh_pose/persons', read(target))
    assert (report.frames, report.people, report.complete) == (5, 5, True)
    stamps = [bags.start + k * bags.step for k in range(5)]
    assert [stamp_ns(msg) for _, msg in persons] == stamps
    assert [log_time for log_time, _ in persons] == [s + bags.late for s in stamps]
    assert {msg.header.frame_id for _, msg in persons} == {'camera_optical'}
    assert {len(msg.persons) for _, msg in persons} == {1}


def test_a_bag_of_compressed_files_is_a_bag(bags, toy_pipeline, target):
    source = bags.sqlite(bags.frames() + bags.infos(), compressed=True)
    assert [file.suffix for file in source.glob('*.zstd')] == ['.zstd']
    report = process_bag(BagJob(source, target), toy_pipeline)
    assert (report.frames, report.complete) == (5, True)
    assert len(list(open_source(source))) == 5


@pytest.mark.parametrize('kind', KINDS)
def test_compressed_images_serve_as_well(bags, toy_pipeline, target, kind):
    frames = bags.frames(topic='/camera/image_raw/compressed', make=bags.compressed)
    source = getattr(bags, kind)(frames + bags.infos())
    report = process_bag(BagJob(source, target), toy_pipeline)
    assert (report.frames, report.people) == (5, 5)


def test_two_runs_give_the_same_bytes(bags, toy_pipeline, tmp_path):
    source = bags.mcap(bags.frames() + bags.infos())
    contents = []
    for name in ('one.mcap', 'two.mcap'):
        job = BagJob(source, tmp_path / name, copy_images=True, mesh_markers=True)
        process_bag(job, toy_pipeline)
        contents.append(job.target.read_bytes())
    assert contents[0] == contents[1]


def test_the_file_holds_what_the_node_publishes_with_all_definitions(bags, toy_pipeline, target):
    source = bags.mcap(bags.frames() + bags.infos())
    process_bag(BagJob(source, target, mesh_markers=True), toy_pipeline)
    messages = read(target)
    counts = {topic: len(on(topic, messages)) for topic, _, _ in messages}
    each = ('persons', 'meshes', 'markers', 'mesh_markers')
    assert counts == {
        '/mesh_pose/skeleton_model': 1,
        **{f'/mesh_pose/{name}': 5 for name in each},
        '/tf': 5,
    }
    first, _, model = messages[0]
    assert first == '/mesh_pose/skeleton_model'
    assert model.joint_names[0] == 'nose'
    assert len(on('/mesh_pose/meshes', messages)[0][1].meshes[0].vertices) == 18


def test_the_skeleton_model_is_latched_when_the_file_is_played(bags, toy_pipeline, target):
    process_bag(BagJob(bags.mcap(bags.frames() + bags.infos()), target), toy_pipeline)
    with AnyReader([target]) as reader:
        (channel,) = [c for c in reader.connections if c.topic == '/mesh_pose/skeleton_model']
        assert channel.ext.offered_qos_profiles[0].durability.name == 'TRANSIENT_LOCAL'


def test_rosbags_reads_the_file_with_nothing_but_the_file(bags, toy_pipeline, target):
    process_bag(BagJob(bags.mcap(bags.frames() + bags.infos()), target), toy_pipeline)
    with AnyReader([target]) as reader:
        for channel, _, data in reader.messages():
            reader.deserialize(data, channel.msgtype)
        assert reader.message_count == 21


@pytest.mark.parametrize('kind', ['mcap', 'ros1'])
def test_images_are_copied_on_request(bags, toy_pipeline, target, kind):
    frames = bags.frames()
    source = getattr(bags, kind)(frames + bags.infos())
    process_bag(BagJob(source, target, copy_images=True), toy_pipeline)
    messages = read(target)
    copies = on('/camera/image_raw', messages)
    for original, (log_time, copy) in zip(frames, copies, strict=True):
        assert log_time == original.log_time
        assert stamp_ns(copy) == stamp_ns(original.msg)
        np.testing.assert_array_equal(np.frombuffer(copy.data, np.uint8), original.msg.data)
    k = on('/camera/camera_info', messages)[0][1].k
    np.testing.assert_allclose(k, bags.infos()[0].msg.k)


def test_lines_of_json_tell_the_same(bags, toy_pipeline, target, tmp_path):
    source = bags.mcap(bags.frames() + bags.infos())
    process_bag(BagJob(source, target, json_lines=tmp_path / 'o.jsonl'), toy_pipeline)
    lines = [json.loads(line) for line in (tmp_path / 'o.jsonl').read_text().splitlines()]
    persons = on('/mesh_pose/persons', read(target))
    for line, (_, msg) in zip(lines, persons, strict=True):
        assert line['stamp_ns'] == stamp_ns(msg)
        nose = line['people'][0]['joints3d_cam_mm']['nose']
        np.testing.assert_allclose(nose, np.array(msg.persons[0].keypoints[:3]) * 1000, atol=0.06)


def test_camera_info_is_found_wherever_in_the_bag_it_comes(bags, toy_pipeline, target):
    source = bags.mcap(bags.frames() + bags.infos(first=4))
    report = process_bag(BagJob(source, target), toy_pipeline)
    assert report.frames == 5
    focal = on('/mesh_pose/persons', read(target))[0][1].persons[0].focal_used_px
    assert focal == pytest.approx(Camera.from_fov(60, (160, 120)).focal)


def test_an_uncalibrated_camera_info_is_passed_over_for_a_later_good_one(
    bags, toy_pipeline, target
):
    infos = bags.infos()
    infos[0].msg.k[:] = 0
    assert process_bag(BagJob(bags.mcap(bags.frames() + infos), target), toy_pipeline).frames == 5


def test_cameras_are_chosen_by_topic_and_kept_apart(bags, toy_pipeline, target):
    sides = ('/left', '/right')
    messages = [
        message
        for side in sides
        for message in bags.frames(topic=f'{side}/image_raw')
        + bags.infos(topic=f'{side}/camera_info')
    ]
    source = bags.mcap(messages)
    topics = tuple(f'{side}/image_raw' for side in sides)
    report = process_bag(BagJob(source, target, image_topics=topics), toy_pipeline)
    assert report.frames == 10
    found = read(target)
    ids = [
        {p.id for _, msg in on(f'{topic}/mesh_pose/persons', found) for p in msg.persons}
        for topic in topics
    ]
    assert len(ids[0]) == len(ids[1]) == 1
    assert not ids[0] & ids[1]  # frames and markers of two people would clash
    one = process_bag(BagJob(source, target, image_topics=topics[1:]), toy_pipeline)
    assert one.frames == 5


def test_a_field_of_view_stands_in_for_a_missing_camera_info(bags, toy_pipeline, target):
    source = bags.mcap(bags.frames())
    report = process_bag(BagJob(source, target, fov=90.0), toy_pipeline)
    assert report.guessed == ['/camera/image_raw']
    person = on('/mesh_pose/persons', read(target))[0][1].persons[0]
    assert person.focal_used_px == pytest.approx(80)
    assert person.flags & 8  # FALLBACK_INTRINSICS


def test_a_bad_frame_is_counted_and_the_others_go_through(bags, toy_pipeline, target):
    frames = bags.frames()
    frames[1].msg.data = frames[1].msg.data[:100]
    frames[3].msg.encoding = 'rainbow'
    report = process_bag(BagJob(bags.mcap(frames + bags.infos()), target), toy_pipeline)
    assert report.frames == 3
    assert not report.complete
    assert sum(report.bad.values()) == 2
    assert any('rainbow' in reason for reason in report.bad)


def test_images_of_another_size_than_the_camera_info_are_bad_frames(bags, toy_pipeline, target):
    infos = bags.infos(camera=Camera.from_fov(60, (640, 480)))
    report = process_bag(BagJob(bags.mcap(bags.frames() + infos), target), toy_pipeline)
    assert (report.frames, sum(report.bad.values())) == (0, 5)
    assert '160 x 120' in next(iter(report.bad))


def test_an_image_without_stamp_has_the_time_of_its_recording(bags, toy_pipeline, target):
    frames = bags.frames()
    for frame in frames:
        frame.msg.header.stamp.sec = frame.msg.header.stamp.nanosec = 0
    process_bag(BagJob(bags.mcap(frames + bags.infos()), target), toy_pipeline)
    for log_time, msg in on('/mesh_pose/persons', read(target)):
        assert stamp_ns(msg) == log_time


def test_progress_is_told_after_every_frame(bags, toy_pipeline, target):
    told = []
    source = bags.mcap(bags.frames() + bags.infos())
    process_bag(BagJob(source, target), toy_pipeline, lambda *now: told.append(now))
    assert told == [(k, 5) for k in range(1, 6)]


@pytest.mark.parametrize(
    ('job', 'message'),
    [
        ({}, r'several image topics.*--image-topic.*/a/image .*/b/image'),
        ({'image_topics': ('/c/image',)}, r'no image topic /c/image; there are /a/image'),
        ({'image_topics': ('/a/image',)}, r'camera of /a/image.*--camera-info-topic.*--fov'),
        ({'image_topics': ('/a/image',), 'camera_info_topics': ('/x',)}, 'no topic /x'),
        (
            {'image_topics': ('/a/image',), 'camera_info_topics': ('/x', '/y')},
            '1 image topics and 2 CameraInfo',
        ),
    ],
)
def test_a_choice_that_has_to_be_made_is_explained(bags, toy_pipeline, target, job, message):
    source = bags.mcap(bags.frames(topic='/a/image') + bags.frames(topic='/b/image'))
    with pytest.raises(BagError, match=message):
        process_bag(BagJob(source, target, **job), toy_pipeline)
    assert not target.exists()


def test_a_camera_of_zeros_is_refused_in_its_own_words(bags, toy_pipeline, target):
    infos = bags.infos()
    for info in infos:
        info.msg.k[:] = 0
    with pytest.raises(BagError, match=r'not calibrated.*--fov'):
        process_bag(BagJob(bags.mcap(bags.frames() + infos), target), toy_pipeline)


def test_a_bag_without_images_is_refused_with_what_it_has(bags, toy_pipeline, target):
    with pytest.raises(BagError, match=r'no images.*/camera/camera_info \(CameraInfo, 5\)'):
        process_bag(BagJob(bags.mcap(bags.infos()), target), toy_pipeline)
