"""A graph that cuts its crops itself cuts what OpenCV cuts."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto
from toy_models import SIDE, Graph, export_topology, stored
from toy_people import LENSES, camera_with

from mesh_pose_ros.errors import BadImageError, ModelError
from mesh_pose_ros.people import Box, Region
from mesh_pose_ros.pipeline.crop_stage import CropStage
from mesh_pose_ros.pipeline.crops import cut
from mesh_pose_ros.pipeline.frame_graph import FEEDS, nodes_of, with_crops_inside
from mesh_pose_ros.pipeline.topology import read_topology
from mesh_pose_ros.runtime.card import ImageInput, read_card, write_card
from mesh_pose_ros.runtime.models import find_card
from mesh_pose_ros.runtime.session import open_session
from mesh_pose_ros.skeletons import COCO17
from training.graph_rules import broken_rules

FRAME = (640, 480)
DEMO = Path(__file__).parents[2] / 'demo'
REGIONS = [
    Region((320.0, 240.0), 200.0, 0.3),  # read from the half
    Region((100.0, 400.0), 50.0, -0.7),
    Region((600.0, 60.0), 300.0),  # reaches beyond the frame
    Region((330.0, 200.0), 560.0, 0.1),  # read from the eighth
]


def mirror_of_pixels(folder, **options):
    """A model whose output are its pixels."""
    graph = Graph()
    graph.give('joints3d', graph('Cast', 'image', to=TensorProto.FLOAT))
    shape = ['n', SIDE, SIDE, 3]
    graph.save(folder / 'pixels.onnx', {'image': (TensorProto.UINT8, shape)}, {'joints3d': shape})
    return stored(
        folder, 'pixels', 'crop', image=ImageInput(SIDE, SIDE), skeleton=COCO17,
        outputs={'joints3d': 'grey values'}, options=options,
    )  # fmt: skip


@pytest.fixture(scope='module')
def picture():
    """Noise at all scales."""
    generator = np.random.default_rng(0)
    coarse = generator.uniform(0, 255, (30, 40, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, FRAME, interpolation=cv2.INTER_CUBIC)
    rough = smooth + generator.normal(0, 20, smooth.shape)
    return np.clip(rough, 0, 255).astype(np.uint8)


def crops_of(card, picture, camera, cameras):
    session = onnxruntime.InferenceSession(card.path)
    feed = {'frame': picture[None], **nodes_of(camera, REGIONS, cameras)}
    assert set(feed) == set(FEEDS)
    return session.run(None, feed)[0]


@pytest.mark.parametrize('border', ['black', 'replicate'])
@pytest.mark.parametrize('lens', LENSES)
def test_it_cuts_what_opencv_cuts(tmp_path, picture, lens, border):
    camera = camera_with(lens)
    wanted, cameras = cut(picture, camera, REGIONS, SIDE, border)
    card = with_crops_inside(mirror_of_pixels(tmp_path, border=border), FRAME, tmp_path)
    found = crops_of(card, picture, camera, cameras)
    apart = np.abs(found - wanted)
    assert apart.max() <= 1


def test_a_frame_that_cannot_be_halved_evenly_shifts_nothing(tmp_path, picture):
    picture = np.ascontiguousarray(picture[:479, :639])  # the eighth lacks seven each way
    camera = replace(camera_with('pinhole'), size=(639, 479))
    _, cameras = cut(picture, camera, REGIONS, SIDE)
    card = with_crops_inside(mirror_of_pixels(tmp_path), camera.size, tmp_path)
    found = crops_of(card, picture, camera, cameras)
    whole = with_crops_inside(mirror_of_pixels(tmp_path), (632, 472), tmp_path)
    camera = replace(camera, size=(632, 472))
    wanted = crops_of(whole, np.ascontiguousarray(picture[:472, :632]), camera, cameras)
    inside = [1, 3]  # of regions that end before what is cut off
    np.testing.assert_allclose(found[inside], wanted[inside], atol=1)


def test_a_frame_model_keeps_to_the_rules_of_graphs(tmp_path):
    card = with_crops_inside(mirror_of_pixels(tmp_path), FRAME, tmp_path)
    broken = broken_rules(onnx.load(card.path))
    assert broken == ['frame: its batch is fixed']  # one frame for everybody


def test_a_mesh_keeps_its_topology(tmp_path):
    (tmp_path / 'far').mkdir()
    card = replace(mirror_of_pixels(tmp_path), topology=export_topology(tmp_path))
    (tmp_path / 'far' / card.topology.name).write_bytes(b'of another version')
    for folder in (tmp_path / 'far', tmp_path):
        inside = with_crops_inside(card, FRAME, folder)
        write_card(inside, folder / 'inside.yaml')
        found = read_topology(read_card(folder / 'inside.yaml'))
        np.testing.assert_array_equal(found.faces, read_topology(card).faces)


def test_models_that_take_no_bytes_are_refused(tmp_path):
    floats = ImageInput(SIDE, SIDE, dtype='float32')
    card = replace(mirror_of_pixels(tmp_path), image=floats)
    with pytest.raises(ModelError, match='only crop models that take bytes'):
        with_crops_inside(card, FRAME, tmp_path)


def test_people_are_the_same_either_way(tmp_path):
    card = find_card('own_pose')
    mesh_pose = subprocess.run(
        [sys.executable, '-m', 'mesh_pose_ros.cli', 'models', 'frame', 'own_pose',
         '--size', '640x480', '--folder', tmp_path], capture_output=True, text=True,
    )  # fmt: skip
    assert mesh_pose.returncode == 0, mesh_pose.stderr
    inside = read_card(tmp_path / 'own_pose_frame.yaml')
    camera = camera_with('plumb_bob')
    _, picture = cv2.VideoCapture(str(DEMO / 'people.mp4')).read()
    with np.load(DEMO / 'people_truth.npz') as truth:
        boxes = [Box(*box) for box in truth['boxes'][0].tolist()]
    poses = []
    for one in (card, inside):
        stage = CropStage(open_session(one, 'onnxruntime', 1), one)
        views = stage.look(picture, camera, boxes)
        poses.append(np.stack([view.outputs['joints2d'] for view in views]))
    np.testing.assert_allclose(poses[0], poses[1], atol=0.1)


def test_a_frame_of_another_size_is_told_what_to_do(tmp_path, picture):
    card = with_crops_inside(find_card('own_pose'), (320, 240), tmp_path)
    stage = CropStage(open_session(card, 'onnxruntime', 1), card)
    with pytest.raises(BadImageError, match='mesh_pose models frame'):
        stage.look(picture, camera_with('pinhole'), [Box(250, 100, 120, 200)])
