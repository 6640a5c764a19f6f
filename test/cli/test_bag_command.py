"""`mesh_pose bag` tells what became of every frame, in words and in its exit code."""

import json
from pathlib import Path

import numpy as np
import pytest

from mesh_pose_ros.bag.writing import McapFile
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.cameras import camera_info
from mesh_pose_ros.messages.images import image_message
from mesh_pose_ros.messages.types import encode


@pytest.fixture
def bag(tmp_path):
    """Write a bag with some frames, the first ``bad`` of them of an unknown encoding."""

    def write(frames=4, bad=0, info=True, name='in.mcap'):
        camera = Camera.from_fov(60, (160, 120))
        with McapFile(tmp_path / name) as file:
            images = file.channel('/cam/image_raw', 'sensor_msgs/Image')
            infos = file.channel('/cam/camera_info', 'sensor_msgs/CameraInfo')
            for k in range(frames):
                msg = image_message(np.full((120, 160, 3), 90, np.uint8), 10**9 * (k + 1), 'cam')
                msg.encoding = 'rainbow' if k < bad else 'rgb8'
                file.write(images, encode(msg), 10**9 * (k + 1))
                if info:
                    file.write(infos, encode(camera_info(camera, 0, 'cam')), 10**9 * (k + 1))
                file._writer.flush()
        return tmp_path / name

    return write


def test_a_sound_bag_is_exit_0(mesh_pose, bag):
    done = mesh_pose('bag', bag(), 'out.mcap', '--jsonl', 'out.jsonl', '--mesh-markers')
    assert done.exit_code == 0, done.output
    assert '4 sights of people in 4 frames: out.mcap' in done.output
    lines = Path('out.jsonl').read_text().splitlines()
    assert [len(json.loads(line)['people']) for line in lines] == [1] * 4


def test_bad_frames_are_counted_by_reason_and_exit_1(mesh_pose, bag):
    done = mesh_pose('bag', bag(frames=5, bad=2), 'out.mcap')
    assert done.exit_code == 1
    assert 'in 3 frames' in done.output
    assert '2 frames could not be used' in done.output
    assert "2 x image encoding 'rainbow'" in done.output


def test_a_truncated_bag_is_processed_as_far_as_it_goes_and_exit_1(mesh_pose, bag):
    source = bag(frames=20)
    source.write_bytes(source.read_bytes()[:-3000])
    done = mesh_pose('bag', source, 'out.mcap')
    assert done.exit_code == 1
    assert 'the bag is damaged' in done.output
    assert Path('out.mcap').exists()


def test_a_bag_without_images_is_exit_3(mesh_pose, tmp_path):
    with McapFile(tmp_path / 'in.mcap') as file:
        infos = file.channel('/cam/camera_info', 'sensor_msgs/CameraInfo')
        camera = Camera.from_fov(60, (160, 120))
        file.write(infos, encode(camera_info(camera, 0, 'cam')), 0)
    done = mesh_pose('bag', tmp_path / 'in.mcap', 'out.mcap')
    assert done.exit_code == 3
    assert 'no images in this bag' in done.output


def test_a_missing_camera_info_is_exit_3_and_a_field_of_view_helps(mesh_pose, bag):
    source = bag(info=False)
    done = mesh_pose('bag', source, 'out.mcap')
    assert done.exit_code == 3
    assert '--fov' in done.output
    done = mesh_pose('bag', source, 'out.mcap', '--fov', 60)
    assert done.exit_code == 0
    assert 'guessed' in done.output


def test_an_existing_file_is_replaced_on_request_only(mesh_pose, bag):
    source = bag()
    Path('out.mcap').write_text('precious')
    done = mesh_pose('bag', source, 'out.mcap')
    assert (done.exit_code, Path('out.mcap').read_text()) == (3, 'precious')
    assert mesh_pose('bag', source, 'out.mcap', '--overwrite').exit_code == 0
    assert mesh_pose('bag', source, source, '--overwrite').exit_code == 3


def test_an_unwritable_target_is_exit_3_with_its_reason(mesh_pose, bag):
    Path('file').write_text('')
    done = mesh_pose('bag', bag(), 'file/out.mcap')
    assert done.exit_code == 3
    assert 'cannot be written' in done.output


def test_a_wrong_choice_is_exit_2(mesh_pose, bag):
    assert mesh_pose('bag', bag(), 'out.mcap', '--tf', 'all').exit_code == 2


def test_a_target_that_is_no_file_is_refused_also_when_overwriting(mesh_pose, bag):
    Path('out.mcap').symlink_to('/dev/null')
    done = mesh_pose('bag', bag(), 'out.mcap', '--overwrite')
    assert done.exit_code == 3
    assert 'out.mcap: is a device or the like, not a file' in done.output
    assert Path('/dev/null').is_char_device()


def test_a_missing_bag_is_named_also_when_the_target_exists(mesh_pose):
    Path('out.mcap').write_text('')
    done = mesh_pose('bag', 'gone.mcap', 'out.mcap', '--overwrite')
    assert done.exit_code == 3
    assert 'gone.mcap: there is no such bag' in done.output
