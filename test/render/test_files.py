"""Pictures and videos that could not be written do not pass as written."""

import cv2
import numpy as np
import pytest

from mesh_pose_ros.errors import BagError
from mesh_pose_ros.render import VideoFile, files, write_picture

BLACK = np.zeros((48, 64, 3), np.uint8)


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


def test_a_video_has_its_name_only_when_it_is_complete(tmp_path):
    with VideoFile(tmp_path / 'clip.mp4', fps=10) as video:
        video.write(BLACK)
        assert [p.name for p in tmp_path.iterdir()] == ['clip.partial.mp4']
    assert [p.name for p in tmp_path.iterdir()] == ['clip.mp4']


def test_a_full_disk_is_noticed_within_a_second_and_what_there_is_can_be_played(
    tmp_path, monkeypatch
):
    path = tmp_path / 'clip.mp4'
    message = r'clip\.mp4: the disk is full, .* MB are free there; .*clip\.partial\.mp4'

    def film(video):
        for _ in range(100):
            video.write(BLACK)
            monkeypatch.setattr(files, 'SPARE_BYTES', 2**62)  # more than any disk has

    with VideoFile(path, fps=10) as video, pytest.raises(BagError, match=message):
        film(video)
    assert video.count == 10
    assert not path.exists()
    assert cv2.VideoCapture(str(video.partial)).get(cv2.CAP_PROP_FRAME_COUNT) == 10


def test_a_video_behind_a_link_is_replaced_and_the_link_stays(tmp_path):
    (tmp_path / 'link.mp4').symlink_to(tmp_path / 'real.mp4')
    with VideoFile(tmp_path / 'link.mp4', fps=10) as video:
        video.write(BLACK)
    assert (tmp_path / 'link.mp4').is_symlink()
    assert (tmp_path / 'real.mp4').is_file()


def test_a_folder_is_not_overwritten_by_a_video(tmp_path):
    (tmp_path / 'clip.mp4').mkdir()
    with pytest.raises(BagError, match=r'clip\.mp4: is a folder, not a file'):
        VideoFile(tmp_path / 'clip.mp4', fps=10)


def test_a_video_that_did_not_arrive_on_the_disk_is_an_error(tmp_path):
    video = VideoFile(tmp_path / 'clip.mp4', fps=10)
    for _ in range(5):
        video.write(BLACK)
    video.partial.unlink()
    with pytest.raises(BagError, match='0 of 5 frames'):
        video.close()
