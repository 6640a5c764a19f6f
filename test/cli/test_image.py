"""`mesh_pose image` says what it found, file by file, and what it could not do."""

import json
from pathlib import Path
from shutil import copytree

import cv2
import numpy as np
import pytest
from toy_models import export_blob_detector, export_statue

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.skeletons import COCO17

OUT = Path('output')


def focal_of(line):
    """The focal length that joins the 2D and 3D joints of the first person, pixels."""
    person = line['people'][0]
    uv = np.array(list(person['joints2d'].values()))
    xyz = np.array(list(person['joints3d_cam_mm'].values()))
    slopes = xyz[:, :2] / xyz[:, 2:]
    return np.polyfit(slopes[:, 1], uv[:, 1], 1)[0]


def test_a_folder_gives_a_line_per_image_and_overlays(mesh_pose, photos, lines):
    done = mesh_pose('image', photos, '--json', 'o.jsonl')
    assert done.exit_code == 0, done.output
    found = lines(Path('o.jsonl'))
    assert list(found) == ['a.png', 'b.jpg', 'night.png']
    assert [len(line['people']) for line in found.values()] == [1, 1, 0]
    assert sorted(p.name for p in OUT.iterdir()) == [
        'a_overlay.jpg', 'b_overlay.jpg', 'night_overlay.jpg',
    ]  # fmt: skip
    drawn = cv2.imread(str(OUT / 'a_overlay.jpg')).astype(int)
    assert np.abs(drawn - 120).max() > 60


def test_a_line_has_exactly_the_fields_that_evaluators_read(mesh_pose, photos, lines):
    mesh_pose('image', photos / 'a.png', '--json', 'o.jsonl')
    line = lines(Path('o.jsonl'))['a.png']
    assert set(line) == {'file_name', 'ms', 'people'}
    (person,) = line['people']
    assert set(person) == {'bbox', 'score', 'track_id', 'joints2d', 'joints3d_cam_mm'}
    assert set(COCO17.names) <= set(person['joints2d'])
    assert set(person['joints2d']) == set(person['joints3d_cam_mm'])
    u, v = person['joints2d']['nose']
    x, y, z = person['joints3d_cam_mm']['nose']
    assert 1000 < z < 10_000  # millimetres
    seen = Camera.from_fov(55, (320, 240)).project([x, y, z])
    np.testing.assert_allclose(seen, (u, v), atol=4)


def test_nobody_is_followed_from_one_image_to_the_next(mesh_pose, photos, lines):
    mesh_pose('image', photos, '--json', 'o.jsonl')
    ids = [p['track_id'] for line in lines(Path('o.jsonl')).values() for p in line['people']]
    assert ids == [1, 1]


def test_the_same_image_gives_the_same_people_whatever_came_before(mesh_pose, photos, lines):
    mesh_pose('image', photos, '--json', 'all.jsonl')
    mesh_pose('image', photos / 'b.jpg', '--json', 'one.jsonl')
    both = [lines(Path(name))['b.jpg']['people'] for name in ('all.jsonl', 'one.jsonl')]
    assert both[0] == both[1]


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'', 'is empty, damaged'),
        (b'this is a text', 'is empty, damaged'),
        (b'\xff\xd8\xff\xe0\x00\x10JFIF', 'is empty, damaged'),  # a JPEG's head alone
    ],
)
def test_an_unreadable_image_is_a_line_with_its_error_and_exit_1(
    mesh_pose, photos, lines, content, reason
):
    (photos / 'broken.jpg').write_bytes(content)
    done = mesh_pose('image', photos, '--json', 'o.jsonl')
    assert done.exit_code == 1
    found = lines(Path('o.jsonl'))
    assert reason in found['broken.jpg']['error']
    assert found['broken.jpg']['people'] == []
    assert len(found['b.jpg']['people']) == 1
    assert 'broken.jpg' in done.output


def test_a_missing_file_among_others_is_told_by_name(mesh_pose, photos, lines):
    done = mesh_pose('image', photos / 'gone.jpg', photos / 'a.png', '--json', 'o.jsonl')
    assert done.exit_code == 1
    assert 'No such file' in lines(Path('o.jsonl'))['gone.jpg']['error']


def test_a_folder_without_images_is_exit_3(mesh_pose, tmp_path):
    done = mesh_pose('image', tmp_path / 'work')
    assert done.exit_code == 3
    assert 'no images here' in done.output


def test_files_of_the_same_name_are_refused(mesh_pose, photos, tmp_path):
    other = tmp_path / 'other'
    other.mkdir()
    (other / 'a.png').write_bytes((photos / 'a.png').read_bytes())
    done = mesh_pose('image', photos, other)
    assert done.exit_code == 3
    assert 'a.png is there more than once' in done.output


def test_files_that_differ_in_their_ending_have_results_of_their_own(mesh_pose, photos):
    (photos / 'a.jpg').write_bytes((photos / 'b.jpg').read_bytes())
    mesh_pose('image', photos)
    names = {p.name for p in OUT.iterdir()}
    assert {'a_jpg_overlay.jpg', 'a_png_overlay.jpg'} <= names


def test_without_calibration_55_degrees_across_the_longer_side_are_assumed_and_said(
    mesh_pose, photos, lines
):
    done = mesh_pose('image', photos, '--json', 'o.jsonl')
    assert 'fallback: 55 degrees' in done.output
    expected = Camera.from_fov(55, (320, 240)).focal
    for name in ('a.png', 'b.jpg'):
        assert focal_of(lines(Path('o.jsonl'))[name]) == pytest.approx(expected, rel=0.02)


def test_another_field_of_view_can_be_given(mesh_pose, photos, lines):
    mesh_pose('image', photos / 'a.png', '--fov', 90, '--json', 'o.jsonl')
    assert focal_of(lines(Path('o.jsonl'))['a.png']) == pytest.approx(160, rel=0.02)


def test_cameras_are_taken_by_file_name(mesh_pose, photos, lines):
    entry = {'fx': 500, 'fy': 500, 'cx': 160, 'cy': 120, 'distortion': [], 'width': 320}
    cameras = {'a.png': {**entry, 'height': 240}}
    cameras['b.jpg'] = {**entry, 'fx': 300, 'fy': 300, 'width': 240, 'height': 320}
    Path('cameras.json').write_text(json.dumps(cameras))
    done = mesh_pose(
        'image',
        photos / 'a.png',
        photos / 'b.jpg',
        '--camera',
        'cameras.json',
        '--json',
        'o.jsonl',
    )
    assert done.exit_code == 0
    assert 'fallback' not in done.output
    found = lines(Path('o.jsonl'))
    assert focal_of(found['a.png']) == pytest.approx(500, rel=0.02)
    assert focal_of(found['b.jpg']) == pytest.approx(300, rel=0.02)


def test_a_camera_of_another_size_and_the_same_shape_is_scaled(mesh_pose, photos, lines):
    camera = {'fx': 1000, 'fy': 1000, 'cx': 320, 'cy': 240, 'width': 640, 'height': 480}
    Path('cameras.json').write_text(json.dumps({'a.png': camera}))
    mesh_pose('image', photos / 'a.png', '--camera', 'cameras.json', '--json', 'o.jsonl')
    assert focal_of(lines(Path('o.jsonl'))['a.png']) == pytest.approx(500, rel=0.02)


@pytest.mark.parametrize(
    ('cameras', 'code', 'reason'),
    [
        ('not json', 3, 'is not JSON'),
        ('[]', 3, 'must be an object'),
        ('{"a.png": {"fx": 500}}', 3, "entry 'a.png': 'fy' is missing"),
        ('{"fx": 500, "fy": 500, "cx": 1}', 3, "entry '*': 'cy' is missing"),
        ('{"*": {"fx": null, "fy": 5, "cx": 1, "cy": 1}}', 3, "entry '*': fx must be a number"),
        ('{"*": {"fx": "5", "fy": 5, "cx": 1, "cy": 1}}', 3, "entry '*': fx must be a number"),
        ('{"*": null}', 3, "entry '*': must be an object with the keys fx, fy, cx, cy"),
        ('{"*": "wide"}', 3, "entry '*': must be an object with the keys fx, fy, cx, cy"),
        ('{"a.png": {"fx": 5, "fy": 5, "cx": 1, "cy": 1, "width": 320}}', 3,
         "'height' is missing"),
        ('{"a.png": {"fx": 0, "fy": 0, "cx": 1, "cy": 1, "width": 320, "height": 240}}', 3,
         'must be positive'),
        ('{"a.png": {"fx": NaN, "fy": 5, "cx": 1, "cy": 1, "width": 320, "height": 240}}', 3,
         'finite'),
        ('{"a.png": {"fx": 5, "fy": 5, "cx": 1, "cy": 1, "width": 320, "height": 240,'
         ' "distortion": ["x"]}}', 3, "entry 'a.png'"),
        # another shape: that image fails, not the run
        ('{"a.png": {"fx": 5, "fy": 5, "cx": 1, "cy": 1, "width": 100, "height": 240}}', 1,
         'another shape'),
        ('{"x.png": {"fx": 5, "fy": 5, "cx": 1, "cy": 1, "width": 100, "height": 240}}', 1,
         'no entry for a.png'),
    ],
)  # fmt: skip
def test_a_bad_camera_file_is_told_by_file_and_entry(mesh_pose, photos, cameras, code, reason):
    Path('cameras.json').write_text(cameras)
    done = mesh_pose('image', photos / 'a.png', '--camera', 'cameras.json')
    assert done.exit_code == code
    assert 'cameras.json' in done.output
    assert reason in done.output


def test_a_star_and_a_field_of_view_serve_files_that_are_not_listed(mesh_pose, photos, lines):
    star = {'fx': 400, 'fy': 400, 'cx': 160, 'cy': 120, 'width': 320, 'height': 240}
    Path('star.json').write_text(json.dumps({'*': star}))
    mesh_pose('image', photos / 'a.png', '--camera', 'star.json', '--json', 'o.jsonl')
    assert focal_of(lines(Path('o.jsonl'))['a.png']) == pytest.approx(400, rel=0.02)
    Path('other.json').write_text(json.dumps({'x.png': star}))
    arguments = ('--camera', 'other.json', '--fov', 90, '--json', 'o.jsonl')
    mesh_pose('image', photos / 'a.png', *arguments)
    assert focal_of(lines(Path('o.jsonl'))['a.png']) == pytest.approx(160, rel=0.02)


def test_intrinsics_without_a_size_are_for_the_image_as_it_is(mesh_pose, photos, lines):
    star = {'fx': 400, 'fy': 400, 'cx': 150, 'cy': 130}
    Path('star.json').write_text(json.dumps({'*': star}))
    done = mesh_pose('image', photos, '--camera', 'star.json', '--json', 'o.jsonl')
    assert done.exit_code == 0, done.output
    for name in ('a.png', 'b.jpg'):  # of another shape
        assert focal_of(lines(Path('o.jsonl'))[name]) == pytest.approx(400, rel=0.02)


def test_a_box_beside_the_image_fails_that_file_in_words(mesh_pose, photos, lines):
    boxes = {'a.png': [[10, 20, 100, 200], [320, 0, 90, 180]], 'b.jpg': [[-50, -50, 60, 60]]}
    Path('boxes.json').write_text(json.dumps(boxes))
    arguments = ('--boxes', 'boxes.json', '--json', 'o.jsonl')
    done = mesh_pose('image', photos / 'a.png', photos / 'b.jpg', *arguments)
    assert done.exit_code == 1
    reason = 'boxes.json: a.png: box [320, 0, 90, 180] lies outside the 320 x 240 image'
    found = lines(Path('o.jsonl'))
    assert found['a.png']['error'] == reason
    assert reason in done.output
    assert 'error' not in found['b.jpg']


def test_given_boxes_replace_the_detector(mesh_pose, photos, lines):
    boxes = {'a.png': [[10, 20, 100, 200], [150, 30, 90, 180]], 'night.png': []}
    Path('boxes.json').write_text(json.dumps(boxes))
    arguments = ('--boxes', 'boxes.json', '--json', 'o.jsonl')
    done = mesh_pose('image', photos / 'a.png', photos / 'night.png', *arguments)
    assert done.exit_code == 0
    found = lines(Path('o.jsonl'))
    given = sorted(person['bbox'] for person in found['a.png']['people'])
    np.testing.assert_allclose(given, boxes['a.png'])
    assert found['night.png']['people'] == []


@pytest.mark.parametrize(
    ('boxes', 'code', 'reason'),
    [
        ('{"a.png": [[1, 2, 3]]}', 3, 'list of [x, y, width, height]'),
        ('{"a.png": [["a", 2, 3, 4]]}', 3, 'list of [x, y, width, height]'),
        ('{"a.png": 5}', 3, 'list of [x, y, width, height]'),
        ('{"a.png": [[1, 2, 0, 4]]}', 3, 'without a size'),
        ('{"a.png": [[1, 2, NaN, 4]]}', 3, 'without a size'),
        ('{"b.jpg": []}', 1, 'a.png is not in the file of boxes'),
    ],
)
def test_bad_boxes_are_told_by_file_and_entry(mesh_pose, photos, boxes, code, reason):
    Path('boxes.json').write_text(boxes)
    done = mesh_pose('image', photos / 'a.png', '--boxes', 'boxes.json')
    assert done.exit_code == code
    assert reason in done.output
    assert 'a.png' in done.output


def test_pictures_and_3d_files_on_request(mesh_pose, photos):
    done = mesh_pose(
        'image', photos / 'a.png', '--out', 'x', '--no-overlay', '--side-view', '--obj', '--glb'
    )
    assert done.exit_code == 0
    assert sorted(p.name for p in Path('x').iterdir()) == ['a.glb', 'a.obj', 'a_views.png']


def test_there_is_no_3d_file_of_nobody(mesh_pose, photos):
    done = mesh_pose('image', photos / 'night.png', '--obj', '--glb')
    assert done.exit_code == 0
    assert [p.name for p in OUT.iterdir()] == ['night_overlay.jpg']


def test_why_nobody_is_seen_is_said(mesh_pose, tmp_path):
    export_blob_detector(tmp_path)
    export_statue(tmp_path, partners={'detector': 'blobs'}, options={'score': 1.5})
    photo = np.zeros((240, 320, 3), np.uint8)
    photo[60:180, 100:160, 2] = photo[60:180, 220:280, 0] = 255
    cv2.imwrite('photo.png', photo)
    done = mesh_pose('image', 'photo.png', '--model', tmp_path / 'statue.yaml')
    assert '0 people in 1 images' in done.output
    assert '2 boxes left out: the network is less than 1.5 sure of a person' in done.output


def test_a_folder_of_models_is_found_without_a_slash(mesh_pose, photos, toy_models):
    copytree(toy_models, 'models_x')
    done = mesh_pose('image', photos / 'a.png', '--model', 'models_x')
    assert '1 people in 1 images' in done.output


def test_an_exif_orientation_is_applied(mesh_pose, photos, lines):
    jpeg = (photos / 'b.jpg').read_bytes()
    # APP1 with one TIFF entry: orientation 6, turn clockwise to see upright
    tiff = b'MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0'
    app1 = b'Exif\0\0' + tiff
    (photos / 'turned.jpg').write_bytes(
        jpeg[:2] + b'\xff\xe1' + (len(app1) + 2).to_bytes(2, 'big') + app1 + jpeg[2:]
    )
    mesh_pose('image', photos / 'turned.jpg', '--json', 'o.jsonl')
    assert cv2.imread('output/turned_overlay.jpg').shape == (240, 320, 3)


def test_a_full_disk_is_exit_3_with_the_files_name(mesh_pose, photos):
    Path('full.jsonl').symlink_to('/dev/full')
    done = mesh_pose('image', photos / 'a.png', '--json', 'full.jsonl')
    assert done.exit_code == 3
    assert 'full.jsonl: cannot be written: No space left' in done.output


@pytest.mark.parametrize(
    ('model', 'reason'),
    [
        ('no_such_model', "model 'no_such_model' is not here"),
        ('/nowhere/model.yaml', '/nowhere/model.yaml'),
    ],
)
def test_a_missing_model_is_exit_3(mesh_pose, photos, model, reason):
    done = mesh_pose('image', photos, '--model', model)
    assert done.exit_code == 3
    assert reason in done.output


@pytest.mark.parametrize(
    ('spoil', 'reason'),
    [
        (lambda p: p.write_bytes(p.read_bytes()[:200]), 'sha256'),
        (lambda p: p.unlink(), 'missing'),
    ],
)
def test_a_damaged_model_is_exit_3(mesh_pose, photos, toy_models, tmp_path, spoil, reason):
    import shutil

    copy = shutil.copytree(toy_models, tmp_path / 'spoilt')
    spoil(copy / 'toy_pose.onnx')
    done = mesh_pose('image', photos, '--model', copy / 'toy_pose.yaml')
    assert done.exit_code == 3
    assert reason in done.output
    assert 'toy_pose.onnx' in done.output


def test_an_unknown_backend_is_exit_3_with_those_there_are(mesh_pose, photos):
    done = mesh_pose('image', photos, '--backend', 'abacus')
    assert done.exit_code == 3
    assert 'onnxruntime' in done.output


def test_a_wrong_option_is_exit_2(mesh_pose, photos):
    assert mesh_pose('image', photos, '--fov', 500).exit_code == 2
