"""A CameraInfo becomes the camera that sees what it describes, or says why it cannot."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_pose_ros.errors import BadCameraError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.cameras import (
    camera_from,
    camera_info,
    read_camera_yaml,
    write_camera_yaml,
)
from mesh_pose_ros.messages.types import decode, encode

POINTS = np.array([[0.0, 0.0, 2.0], [0.4, -0.3, 3.0], [-0.5, 0.2, 2.5]])


def fake_info(**changes):
    fields = {
        'width': 640,
        'height': 480,
        'distortion_model': 'plumb_bob',
        'd': [0.0] * 5,
        'k': [500.0, 0, 320, 0, 510, 240, 0, 0, 1],
        'p': [400.0, 0, 310, 0, 0, 400, 230, 0, 0, 0, 1, 0],
        'binning_x': 0,
        'binning_y': 0,
        'roi': SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0),
    }
    return SimpleNamespace(**fields | changes)


LENSES = [  # model in CameraInfo, coefficients, lens of the camera
    ('plumb_bob', [], 'plumb_bob'),
    ('plumb_bob', [0.1, -0.05, 0.001, 0.002], 'plumb_bob'),
    ('plumb_bob', [0.1, -0.05, 0.001, 0.002, 0.01], 'plumb_bob'),
    ('plumb_bob', [0.1, -0.05, 0.001, 0.002, 0.01, 0.2, 0.1, 0.01], 'rational_polynomial'),
    ('rational_polynomial', [0.1, -0.05, 0, 0, 0.01, 0.2, 0.1, 0.01], 'rational_polynomial'),
    ('equidistant', [0.1, -0.05, 0.01, 0.002], 'equidistant'),
    ('fisheye', [0.1, -0.05, 0.01, 0.002], 'equidistant'),
    ('', [], 'plumb_bob'),
    ('something_new', [0.0, 0.0], 'plumb_bob'),
]


@pytest.mark.parametrize(('model', 'd', 'lens'), LENSES)
def test_every_lens_survives_a_message(model, d, lens):
    camera = camera_from(fake_info(distortion_model=model, d=d), (640, 480))
    assert camera.model == lens
    sent = decode(encode(camera_info(camera, 7, 'eye')), 'sensor_msgs/CameraInfo')
    back = camera_from(sent, (640, 480))
    np.testing.assert_array_equal(back.project(POINTS), camera.project(POINTS))


def test_fields_in_capitals_are_read_as_ros_1_writes_them():
    info = fake_info()
    capitals = {name.upper(): vars(info).pop(name) for name in ('k', 'd', 'p')}
    assert camera_from(SimpleNamespace(**vars(info), **capitals)).focal == 505


def test_rectified_images_use_the_projection_matrix():
    camera = camera_from(fake_info(d=[0.3, 0, 0, 0, 0]), rectified=True)
    assert camera.focal == 400
    assert not camera.has_distortion


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 100), st.integers(0, 100))
def test_binning_and_region_keep_every_point_on_its_place(bx, by, x, y):
    roi = SimpleNamespace(x_offset=x, y_offset=y, width=480, height=360)
    full = camera_from(fake_info())
    camera = camera_from(fake_info(binning_x=bx, binning_y=by, roi=roi), (480 // bx, 360 // by))
    corners = (full.project(POINTS) + 0.5 - [x, y]) / [bx, by]  # from the image's corner
    np.testing.assert_allclose(camera.project(POINTS) + 0.5, corners, atol=1e-9)


NAN, ZERO = float('nan'), [0.0] * 9
BAD = [  # what is wrong -> what the message must name
    ({'k': ZERO}, {}, r'all K = 0.*fallback_hfov_deg'),
    ({'k': [NAN, *ZERO[1:]]}, {}, r'NaN.*K.*fallback_hfov_deg'),
    ({'k': [500.0, 0, NAN, 0, 500, 240, 0, 0, 1]}, {}, r'NaN.*K'),
    ({'k': [0.0, 0, 320, 0, 500, 240, 0, 0, 1]}, {}, r'focal'),
    ({'d': [NAN, 0, 0, 0]}, {}, r'distortion'),
    ({'d': [0.1], 'distortion_model': 'mei'}, {}, r"'mei' is unknown.*equidistant"),
    ({'width': 0}, {}, r'0x480'),
    ({}, {'image_size': (320, 240)}, r'image is 320x240.*describes 640x480'),
    ({'binning_x': 2, 'binning_y': 2}, {'image_size': (640, 480)}, r'describes 320x240'),
    ({'p': [0.0] * 12}, {'rectified': True}, r'all P = 0'),
]


@pytest.mark.parametrize(('changes', 'how', 'complaint'), BAD, ids=[c for _, _, c in BAD])
def test_an_unusable_calibration_says_why(changes, how, complaint):
    with pytest.raises(BadCameraError, match=complaint):
        camera_from(fake_info(**changes), **how)


def test_calibration_files_read_back_as_written(tmp_path):
    K = [[500.25, 0, 320], [0, 510, 240.5], [0, 0, 1]]
    camera = Camera(np.array(K), (640, 480), [0.1, -0.05, 0.01, 0.002], 'equidistant')
    write_camera_yaml(camera, tmp_path / 'camera.yaml')
    back = read_camera_yaml(tmp_path / 'camera.yaml')
    np.testing.assert_array_equal(back.project(POINTS), camera.project(POINTS))
    assert back.size == camera.size


@pytest.mark.parametrize('text', ['{', '3', 'image_width: 3', None])
def test_a_file_that_is_no_calibration_is_named(tmp_path, text):
    path = tmp_path / 'camera.yaml'
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadCameraError, match=r'camera\.yaml: not a camera_info YAML'):
        read_camera_yaml(path)
