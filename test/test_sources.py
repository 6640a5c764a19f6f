"""Frames come out of videos, folders and bags as they went in, with their camera."""

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer

from mesh_pose_ros.errors import BagError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.cameras import camera_info, write_camera_yaml
from mesh_pose_ros.messages.images import compressed_message, image_message
from mesh_pose_ros.messages.types import TYPES, encode
from mesh_pose_ros.sources import open_source

SIZE = (64, 48)
CAMERA = Camera.from_fov(50, SIZE)


def picture(number: int) -> np.ndarray:
    """Plain colours that survive video compression: red first, then more and more blue."""
    return np.full((SIZE[1], SIZE[0], 3), (200 - 40 * number, 60, 40 * number), np.uint8)


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / 'pictures'
    place.mkdir()
    for number in range(3):
        cv2.imwrite(str(place / f'{number}.png'), picture(number)[..., ::-1])
    (place / 'notes.txt').write_text('not a picture')
    return place


@pytest.fixture
def video(tmp_path):
    path = tmp_path / 'clip.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 20, SIZE)
    for number in range(4):
        writer.write(np.ascontiguousarray(picture(number)[..., ::-1]))
    writer.release()
    return path


def write_bag(path, images, infos=()):
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as bag:
        for topic, messages in (('/eye/image', images), ('/eye/camera_info', infos)):
            if messages:
                kind = messages[0].__msgtype__
                connection = bag.add_connection(topic, kind, typestore=TYPES)
                for number, msg in enumerate(messages):
                    bag.write(connection, number, encode(msg))
    return path


def test_a_folder_gives_its_pictures_by_name(folder):
    source = open_source(folder, rate=5)
    frames = list(source)
    assert source.count == len(frames) == 3
    assert [f.name for f in frames] == ['0.png', '1.png', '2.png']
    assert [f.stamp_ns for f in frames] == [0, 200_000_000, 400_000_000]
    for number, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.image, picture(number))
    assert len(list(source)) == 3  # once more


def test_a_broken_picture_is_left_out_and_told(folder):
    (folder / '1.png').write_bytes(b'no picture')
    source = open_source(folder)
    assert [f.name for f in source] == ['0.png', '2.png']
    assert '1.png' in source.problems[0]


def test_a_single_picture_is_a_source(folder):
    assert len(list(open_source(folder / '1.png'))) == 1


def test_a_video_keeps_its_rate_and_colours(video):
    frames = list(open_source(video))
    assert [f.stamp_ns for f in frames] == [0, 50_000_000, 100_000_000, 150_000_000]
    for number, frame in enumerate(frames):
        np.testing.assert_allclose(frame.image.mean((0, 1)), picture(number)[0, 0], atol=8)


@pytest.mark.parametrize('kind', ['mp4', 'mkv'])  # the latter does not count its frames
def test_a_video_of_varying_rate_keeps_its_times(tmp_path, kind):
    path, times = tmp_path / f'phone.{kind}', (0, 40, 80, 200, 240, 500, 533)
    own = cv2.VIDEOWRITER_PROP_RAW_VIDEO, 1, cv2.VIDEOWRITER_PROP_KEY_INTERVAL, 1
    code = cv2.VideoWriter.fourcc(*'MJPG')
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, 1000, SIZE, own)
    for number, time in enumerate(times):
        writer.set(cv2.VIDEOWRITER_PROP_PTS, time)
        writer.write(cv2.imencode('.jpg', picture(number % 4)[..., ::-1])[1].reshape(-1))
    writer.release()
    source = open_source(path)
    assert [frame.stamp_ns for frame in source] == [time * 10**6 for time in times]
    assert source.problems == []
    told = open_source(path, rate=10)
    assert [frame.stamp_ns for frame in told] == [number * 10**8 for number in range(7)]
    assert told.problems == []


def test_a_video_that_breaks_off_is_told(tmp_path):
    path, draw = tmp_path / 'clip.avi', np.random.default_rng(0)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 20, SIZE)
    for _ in range(12):
        writer.write(draw.integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8))
    writer.release()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    source = open_source(path)
    count = len(list(source))
    assert 0 < count < 12
    assert f'only {count} of 12' in source.problems[0]


def test_a_calibration_beside_a_video_is_used(video):
    assert next(iter(open_source(video))).camera is None
    write_camera_yaml(CAMERA, video.with_suffix('.yaml'))
    assert next(iter(open_source(video))).camera.focal == pytest.approx(CAMERA.focal)


def test_a_calibration_in_a_folder_is_used(folder):
    assert next(iter(open_source(folder))).camera is None
    write_camera_yaml(CAMERA, folder / 'camera.yaml')
    frames = list(open_source(folder))
    assert len(frames) == 3
    assert frames[0].camera.focal == pytest.approx(CAMERA.focal)


def test_a_field_of_view_makes_a_guess(video):
    camera = next(iter(open_source(video, fov=50))).camera
    assert camera.focal == pytest.approx(CAMERA.focal)
    assert camera.guessed


@pytest.mark.parametrize('make', [image_message, compressed_message])
def test_a_bag_gives_images_with_their_stamps_and_camera(tmp_path, make):
    images = [make(picture(n), 10**9 + n, 'eye') for n in range(3)]
    source = open_source(write_bag(tmp_path / 'bag', images, [camera_info(CAMERA, 0, 'eye')]))
    frames = list(source)
    assert source.count == 3
    assert [f.stamp_ns for f in frames] == [10**9, 10**9 + 1, 10**9 + 2]
    assert frames[0].camera.focal == pytest.approx(CAMERA.focal)
    np.testing.assert_allclose(frames[1].image.mean((0, 1)), picture(1)[0, 0], atol=6)


def test_a_bag_without_calibration_leaves_the_camera_open_or_guessed(tmp_path):
    path = write_bag(tmp_path / 'bag', [image_message(picture(0), 0, 'eye')])
    assert next(iter(open_source(path))).camera is None
    assert next(iter(open_source(path, fov=50))).camera.guessed


def test_a_bad_image_of_a_bag_is_left_out_and_told(tmp_path):
    images = [image_message(picture(n), n, 'eye') for n in range(2)]
    object.__setattr__(images[0], 'encoding', 'fax')
    source = open_source(write_bag(tmp_path / 'bag', images))
    assert len(list(source)) == 1
    assert 'fax' in source.problems[0]


MISSING = [  # what was asked for -> what the message names
    ('nothing.mp4', r'nothing\.mp4: there is no such'),
    ('notes.txt', r'notes\.txt: is not a video'),
    ('empty', r'empty: there are no pictures'),
    ('/dev/video99', r'no camera /dev/video99'),
]


@pytest.mark.parametrize(('name', 'words'), MISSING)
def test_what_is_not_there_is_named(tmp_path, name, words):
    (tmp_path / 'notes.txt').write_text('words')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(BagError, match=words):
        open_source(tmp_path / name)
