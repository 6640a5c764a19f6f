"""Whole calls give the authors' numbers, however images and batches are made up."""

from dataclasses import replace

import numpy as np
import pytest
from parity import parity_case
from toy_models import export_blob_detector, export_statue

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box
from mesh_pose_ros.pipeline.pose_estimator import (
    Options,
    PoseEstimator,
    Shot,
    guessed_camera,
    open_detector,
)

MIRROR = (0, 2, 1)
BOXES = [Box(20, 10, 30, 40), Box(60, 20, 20, 50), Box(-10, 0, 30, 30)]
SPACE, PIXELS = 0.01, 5e-4  # millimetres and pixels: float32, several metres away
CALLS = [
    *[('plain', count, 'avg1', batch) for count in ('aug1', 'aug5') for batch in (64, 5, 0)],
    *[('dist5', count, 'avg1', 64) for count in ('aug1', 'aug5')],
    *[(lens, count, 'avg0', 64) for lens in ('plain', 'dist5') for count in ('aug1', 'aug5')],
]


class Fake:
    """A network whose joints depend on the crop's colours; remembers its batches."""

    def __init__(self, base, weights):
        self.base, self.weights, self.batches = base, weights, []

    def __call__(self, crops, intrinsics):
        self.batches.append(len(crops))
        count, side = crops.shape[:2]
        blocks = crops.reshape(count, 8, side // 8, 8, side // 8, 3).mean(axis=(2, 4))
        flat = blocks.transpose(0, 3, 1, 2).reshape(count, -1)
        poses = (self.base.ravel() + flat @ self.weights.T).reshape(count, -1, 3)
        return poses * (intrinsics[:, 0, 0] / 500)[:, None, None]


def mirror_of(names):
    other = {'l': 'r', 'r': 'l'}
    swapped = [other.get(name[0], name[0]) + name[1:] for name in names]
    return [list(names).index(name if name in names else own) for name, own in zip(swapped, names)]


@pytest.mark.parametrize(('lens', 'count', 'average', 'batch'), CALLS)
def test_calls_give_the_authors_numbers(lens, count, average, batch):
    case = parity_case('metrabs/crops_tta_pt.npz')
    name = f'{lens}_api_{count}_{average}_ibs{batch}'
    network = Fake(case['fake_base'], case['fake_W'])
    estimator = PoseEstimator(network, 64, mirror_of(case['names']), case['T'])
    camera = Camera(case[f'{lens}_K'][0], (320, 240), case[f'{lens}_d'][0])
    shots = [Shot(image.transpose(1, 2, 0), camera) for image in case['images']]
    boxes = [Box(*(float(n) for n in box)) for box in case['boxes']]
    options = Options(
        int(count[3:]), average == 'avg1', internal_batch_size=batch, undistort_steps=5
    )
    poses = estimator.estimate_poses_batched(shots, [boxes[:3], boxes[3:]], options)
    found = np.concatenate([image.poses3d for image in poses])
    np.testing.assert_allclose(found, case[f'{name}_p3d'], rtol=0, atol=SPACE)
    found = np.concatenate([image.poses2d for image in poses])
    np.testing.assert_allclose(found, case[f'{name}_p2d'], rtol=0, atol=PIXELS)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def image(rng):
    return rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)


@pytest.fixture
def estimator(rng):
    base = rng.normal(size=(3, 3)) + np.array([0, 0, 6])
    return PoseEstimator(Fake(base, rng.normal(size=(9, 192)) / 50), 32, MIRROR)


def test_images_of_one_call_do_not_touch_each_other(estimator, image):
    camera = Camera(np.array([[90.0, 0, 60], [0, 90, 50], [0, 0, 1]]), (128, 96))
    shots = [Shot(image, camera), Shot(image[:64, ::-1].copy())]
    together = estimator.estimate_poses_batched(shots, [BOXES[:1], BOXES[1:]])
    for shot, boxes, found in zip(shots, [BOXES[:1], BOXES[1:]], together, strict=True):
        alone = estimator.estimate_poses(shot, boxes)
        np.testing.assert_allclose(found.poses3d, alone.poses3d)
        np.testing.assert_allclose(found.poses2d, alone.poses2d)


@pytest.mark.parametrize(
    ('batch', 'wanted'),
    [
        (0, [15]),
        (64, [15]),
        (10, [10, 5]),
        (3, [5, 5, 5]),  # a person's views stay together
    ],
)
def test_batches_hold_no_more_crops_than_asked(estimator, image, batch, wanted):
    estimator.estimate_poses(image, BOXES, Options(internal_batch_size=batch))
    assert estimator.network.batches == wanted


def test_nobody_is_no_pose(estimator, image):
    nobody, one = estimator.estimate_poses_batched([image, image], [[], BOXES[:1]])
    assert nobody.poses3d.shape == (0, 3, 3)
    assert nobody.poses2d.shape == (0, 3, 2)
    assert one.poses3d.shape == (1, 3, 3)
    assert estimator.estimate_poses(image, []).poses3d.shape == (0, 3, 3)
    assert estimator.estimate_poses_batched([], []) == []


def test_joints_go_to_the_world_and_pixels_stay(estimator, image):
    extrinsics = np.eye(4)
    extrinsics[:3] = [[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3]]
    camera = guessed_camera(image, 55)
    up = extrinsics[:3, :3].T @ (0, -1, 0)  # so that the crops are the same
    plain = estimator.estimate_poses(Shot(image, camera), BOXES)
    moved = estimator.estimate_poses(Shot(image, camera, extrinsics, up), BOXES)
    back = moved.poses3d @ extrinsics[:3, :3].T + extrinsics[:3, 3]
    np.testing.assert_allclose(back, plain.poses3d, atol=1e-9)
    np.testing.assert_allclose(moved.poses2d, plain.poses2d)


def test_a_skeleton_is_chosen_by_name(estimator, image):
    named = PoseEstimator(estimator.network, 32, MIRROR, skeletons={'arm': [2, 0]})
    every = named.estimate_poses(image, BOXES)
    arm = named.estimate_poses(image, BOXES, Options(skeleton='arm'))
    np.testing.assert_allclose(arm.poses3d, every.poses3d[:, [2, 0]])
    with pytest.raises(ValueError, match=r"no skeleton leg; there are \['arm'\]"):
        named.estimate_poses(image, BOXES, Options(skeleton='leg'))


def test_boxes_may_come_from_a_detector(estimator, image):
    options = Options(num_aug=1, average_aug=False, suppress_implausible_poses=False)
    found = estimator.detect_poses(lambda _: BOXES, image, options)
    assert found.boxes == tuple(BOXES)
    assert found.poses3d.shape == (3, 1, 3, 3)


def test_a_detector_is_opened_by_its_name(estimator, tmp_path):
    image = np.zeros((96, 128, 3), np.uint8)
    image[30:60, 40:90] = (255, 0, 0)
    detect = open_detector(export_blob_detector(tmp_path).path)
    options = Options(num_aug=1, suppress_implausible_poses=False)
    found = estimator.detect_poses(detect, image, options)
    np.testing.assert_allclose(found.boxes[0].xywh, (40, 30, 50, 30), atol=3)
    with pytest.raises(ModelError, match='a detector is wanted, this is a crop model'):
        open_detector(export_statue(tmp_path).path)


def test_a_detected_box_that_no_person_fills_is_left_out(estimator, image):
    wide = replace(BOXES[2], width=4000.0)
    found = estimator.detect_poses_batched(lambda _: [*BOXES, wide], [image, image])
    for one in found:
        assert wide not in one.boxes
        assert one.poses3d.shape == (len(one.boxes), 3, 3)


def test_an_unknown_camera_sees_55_degrees_along_the_longer_side():
    camera = guessed_camera(np.zeros((240, 320, 3), np.uint8), 55)
    assert camera.focal == pytest.approx(307.357, abs=1e-3)
    assert camera.guessed
