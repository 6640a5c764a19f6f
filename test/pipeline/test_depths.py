"""Joints in pixels and depths become metres where somebody says how far away the root is."""

import numpy as np
import pytest
from toy_models import RELIEF, SIDE, export_distance, export_relief, relief_of
from toy_people import LENSES, STANDING, camera_with

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.geometry.crop_boxes import FlatCrop, grown_box, usual_distance
from mesh_pose_ros.people import Box
from mesh_pose_ros.pipeline.crop_stage import CropStage
from mesh_pose_ros.pipeline.crops import rectangle_in, rectangle_of
from mesh_pose_ros.pipeline.depths import at_depths, usual_depth
from mesh_pose_ros.pipeline.mesh_pose import MeshPose, Options
from mesh_pose_ros.pipeline.root_stage import RootStage
from mesh_pose_ros.skeletons import COCO17

GREY = np.full((480, 640, 3), 90, np.uint8)
PINHOLE = Camera(np.array([[500.0, 0, 310], [0, 500.0, 250], [0, 0, 1]]), (640, 480))
BOX = Box(250, 100, 120, 200)
SIZES = [(256, 256), (384, 512), (512, 384)]


def rectangle(camera, box, size, margin=1.25):
    region = rectangle_of(box, camera.size, size, margin)
    return rectangle_in(camera.flat_part(region, max(size)), size)


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('box', [BOX, Box(-30, 20, 300, 100), Box(600, 10, 90, 500)])
def test_a_rectangle_is_the_crop_that_networks_were_trained_with(box, size):
    own = rectangle(PINHOLE, box, size)
    flat = FlatCrop.of(grown_box(box.xywh, PINHOLE.size, size), size)
    np.testing.assert_allclose(
        own.intrinsics, flat.intrinsics(PINHOLE.intrinsics), rtol=1e-5, atol=1e-9
    )
    assert own.size == size


@pytest.mark.parametrize('size', SIZES)
def test_the_usual_depth_is_that_of_the_box(size):
    usual = usual_distance(grown_box(BOX.xywh, PINHOLE.size, size), (500.0, 500.0))
    np.testing.assert_allclose(usual_depth(rectangle(PINHOLE, BOX, size)), usual, rtol=1e-6)


def test_a_box_outside_the_image_has_no_rectangle():
    assert rectangle_of(Box(700, 100, 50, 50), (640, 480), (256, 256)) is None


@pytest.mark.parametrize('lens', LENSES)
def test_points_at_depths_are_seen_where_they_were_said_to_be(lens):
    camera = camera_with(lens)
    own = rectangle(camera, BOX, (384, 512))
    points = np.random.default_rng(0).uniform([0, 0, -1], [384, 512, 1], (50, 3))
    placed = at_depths(own, points, 4.0)
    np.testing.assert_allclose(own.project(own.to_optical(placed)), points[:, :2], atol=1e-6)
    np.testing.assert_allclose(placed[:, 2], points[:, 2] + 4.0)


@pytest.fixture
def stage(tmp_path, opened):
    def make(**options):
        card = export_relief(tmp_path, options=options)
        return CropStage(opened(card), card)

    return make


def root_of(person):
    return person.pose.joints3d[COCO17.parents.index(-1)]


def test_a_person_in_pixels_and_depths_stands_at_the_depth_of_the_root(stage):
    relief = stage()
    views = relief.look(GREY, PINHOLE, [BOX])
    (person,) = relief.place(views, PINHOLE, given=True, depths=[5.0])
    own = rectangle(PINHOLE, BOX, RELIEF)
    expected = own.to_optical(at_depths(own, relief_of(STANDING), 5.0))
    np.testing.assert_allclose(person.pose.joints3d, expected, atol=1e-5)
    np.testing.assert_allclose(person.pose.joints2d, PINHOLE.project(expected), atol=1e-2)


@pytest.mark.parametrize('box', [BOX, Box(10, 300, 60, 100), Box(560, 20, 70, 90)])
@pytest.mark.parametrize('lens', ['pinhole', 'fisheye'])
def test_a_told_depth_is_along_the_axis_of_the_image(stage, lens, box):
    camera, relief = camera_with(lens, focal=250.0), stage()
    (person,) = relief.place(relief.look(GREY, camera, [box]), camera, given=True, depths=[5.0])
    root = STANDING[COCO17.parents.index(-1)]
    assert root[2] < 0.2
    np.testing.assert_allclose(root_of(person)[2], 5.0 + root[2], atol=0.1)


def test_either_mesh_can_be_shown(stage):
    people = {}
    for mesh in ('lixel', 'param'):
        made = stage(mesh=mesh)
        views = made.look(GREY, PINHOLE, [BOX])
        (people[mesh],) = made.place(views, PINHOLE, given=True, depths=[5.0])
    lixel, param = people['lixel'], people['param']
    np.testing.assert_allclose(lixel.mesh.vertices, lixel.pose.joints3d[:4], atol=1e-5)
    moved = param.mesh.vertices - STANDING[:4]
    np.testing.assert_allclose(moved, np.broadcast_to(root_of(param), moved.shape), atol=1e-5)


def test_without_a_root_network_the_size_of_the_box_says_how_far(stage):
    relief = stage(span=2.0)
    near, far = (
        relief.place(relief.look(GREY, PINHOLE, [box]), PINHOLE, given=True)[0]
        for box in (BOX, Box(280, 150, 60, 100))
    )
    depths = [np.median(person.pose.joints3d[:, 2]) for person in (near, far)]
    # a box loses a row and a column of its 200 and 100
    np.testing.assert_allclose(depths[1] / depths[0], 199 / 99, rtol=0.05)
    assert near.depth_stddev > 0.1 * depths[0]


def test_a_root_network_says_it_as_a_share(tmp_path, opened):
    card = export_distance(tmp_path, gamma=1.5)
    found = RootStage(opened(card), card)(GREY, PINHOLE, [BOX, Box(900, 0, 9, 9), BOX])
    usual = usual_distance(grown_box(BOX.xywh, PINHOLE.size, (SIDE, SIDE)), (500.0, 500.0))
    np.testing.assert_allclose(found, [1.5 * usual, np.nan, 1.5 * usual], rtol=1e-5)


def test_the_whole_chain_uses_the_root_partner(tmp_path):
    export_distance(tmp_path, gamma=1.5)
    export_relief(tmp_path, partners={'root': 'distance'})
    (told,) = MeshPose.open(Options(model=str(tmp_path / 'relief.yaml')))(
        GREY, PINHOLE, 0.0, [BOX]
    )
    usual = usual_distance(grown_box(BOX.xywh, PINHOLE.size, (SIDE, SIDE)), (500.0, 500.0))
    depth = 1.5 * usual + STANDING[COCO17.parents.index(-1), 2]
    np.testing.assert_allclose(root_of(told)[2], depth, rtol=1e-4)


@pytest.mark.parametrize('options', [{'axes': 'sideways'}, {'mesh': 'wool'}, {'view': 'flat'}])
def test_a_card_that_cannot_be_followed_is_refused(stage, options):
    with pytest.raises(ModelError, match='relief'):
        stage(**options)
