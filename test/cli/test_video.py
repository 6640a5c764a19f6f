"""`mesh_pose video` follows people through every frame and draws them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mesh_pose_ros.render import VideoFile


@pytest.fixture
def film(tmp_path):
    """A bright video of twelve frames."""
    path = tmp_path / 'film.mp4'
    with VideoFile(path, fps=20) as video:
        for k in range(12):
            video.write(np.full((120, 160, 3), 100 + 5 * k, np.uint8))
    return path


def lines_of(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_every_frame_is_drawn_and_told_and_the_person_stays_the_same(mesh_pose, film):
    done = mesh_pose('video', film, '--json', 'o.jsonl')
    assert done.exit_code == 0, done.output
    lines = lines_of('o.jsonl')
    assert [line['frame'] for line in lines] == list(range(12))
    np.testing.assert_allclose([line['stamp_s'] for line in lines], np.arange(12) / 20, atol=1e-6)
    assert {p['track_id'] for line in lines for p in line['people']} == {1}
    drawn = cv2.VideoCapture('film_people.mp4')
    assert drawn.get(cv2.CAP_PROP_FRAME_COUNT) == 12
    assert drawn.get(cv2.CAP_PROP_FPS) == pytest.approx(20)


def test_the_guess_of_the_camera_is_said_and_a_calibration_replaces_it(mesh_pose, film):
    assert 'fallback: 55 degrees' in mesh_pose('video', film).output
    star = {'fx': 200, 'fy': 200, 'cx': 80, 'cy': 60, 'width': 160, 'height': 120}
    Path('cameras.json').write_text(json.dumps({'film.mp4': star}))
    done = mesh_pose('video', film, '--camera', 'cameras.json')
    assert done.exit_code == 0
    assert 'fallback' not in done.output


def test_a_calibration_of_another_shape_fails_every_frame_in_words(mesh_pose, film):
    wrong = {'fx': 200, 'fy': 200, 'cx': 80, 'cy': 60, 'width': 500, 'height': 120}
    Path('cameras.json').write_text(json.dumps({'*': wrong}))
    done = mesh_pose('video', film, '--camera', 'cameras.json', '--no-overlay')
    assert done.exit_code == 1
    assert 'another shape' in done.output
    assert 'and 7 more like that' in done.output


def test_a_folder_of_pictures_is_a_video_too(mesh_pose, photos):
    done = mesh_pose('video', photos, '--json', 'o.jsonl', '--no-overlay')
    assert done.exit_code == 0, done.output
    assert [len(line['people']) for line in lines_of('o.jsonl')] == [1, 1, 0]


@pytest.mark.parametrize(
    ('name', 'reason'), [('gone.mp4', 'there is no such'), ('text.mp4', 'is not a video')]
)
def test_what_cannot_be_opened_is_exit_3(mesh_pose, name, reason):
    Path('text.mp4').write_text('no video')
    done = mesh_pose('video', name)
    assert done.exit_code == 3
    assert reason in done.output


def test_an_unknown_kind_of_output_is_exit_3(mesh_pose, film):
    done = mesh_pose('video', film, '--out', 'film.gif')
    assert done.exit_code == 3
    assert '.gif' in done.output
