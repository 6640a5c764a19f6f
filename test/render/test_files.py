"""Pictures and videos that could not be written do not pass as written."""

import cv2
import numpy as np
import pytest

from mesh_pose_ros.errors import BagError
from mesh_pose_ros.render import VideoFile, write_picture


def test_a_picture_comes_back_in_its_colours(tmp_path):
    image = np.zeros((4, 6, 3), np.uint8)
    image[..., 0] = 200  # red
    write_picture(image, tmp_path / 'red.png')
    back = cv2.imread(str(tmp_path / 'red.png'))
    np.testing.assert_array_equal(back, image[..., ::-1])


def test_a_full_disk_is_an_error_with_its_reason(tmp_path):
    full = tmp_path / 'full.png'
    full.symlink_to('/dev/full')
    with pytest.raises(BagError, match=r'full.png.*No space left.*MB free'):
        write_picture(np.zeros((4, 6, 3), np.uint8), full)


@pytest.mark.parametrize('ending', ['.mp4', '.avi'])
def test_a_video_holds_every_frame(tmp_path, ending):
    with VideoFile(tmp_path / f'clip{ending}', fps=10) as video:
        for k in range(12):
            video.write(np.full((48, 64, 3), 20 * k, np.uint8))
    reader = cv2.VideoCapture(str(video.path))
    assert reader.get(cv2.CAP_PROP_FRAME_COUNT) == 12
    assert reader.get(cv2.CAP_PROP_FPS) == pytest.approx(10)


def test_an_unknown_kind_of_video_is_refused_by_name(tmp_path):
    with pytest.raises(BagError, match=r'\.gif'):
        VideoFile(tmp_path / 'clip.gif', fps=10)


def test_a_video_that_did_not_arrive_on_the_disk_is_an_error(tmp_path):
    path = tmp_path / 'clip.mp4'
    video = VideoFile(path, fps=10)
    for _ in range(5):
        video.write(np.zeros((48, 64, 3), np.uint8))
    path.unlink()
    with pytest.raises(BagError, match='0 of 5 frames'):
        video.close()
