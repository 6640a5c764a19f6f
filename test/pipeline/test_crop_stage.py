"""Crops become people in the camera's frame, each by themselves."""

from dataclasses import replace

import numpy as np
import pytest
from toy_models import SIDE, export_statue
from toy_people import LENSES, STANDING, camera_with

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box, Flags, Region
from mesh_pose_ros.pipeline.crop_stage import VIEWS, CropStage, View
from mesh_pose_ros.pipeline.crops import rectangle_in
from mesh_pose_ros.pipeline.frame_graph import with_crops_inside
from mesh_pose_ros.pipeline.left_out import NOT_PLACED, UNSEEN, UNSURE

RED = np.zeros((480, 640, 3), np.uint8) + np.array([255, 0, 0], np.uint8)


@pytest.fixture
def stage(tmp_path, opened):
    def make(**changes):
        card = export_statue(tmp_path, **changes)
        return CropStage(opened(card), card)

    return make


def true_view(camera, box, region, root, joints):
    """A view whose network is right."""
    own = camera.looking_at(region, SIDE)
    outputs = {
        'joints2d': own.project(joints),
        'joints3d': own.from_optical(joints - root),
        'confidence': np.ones(len(joints)),
        'score': np.float64(0.9),
    }
    return View(box, region, own, outputs)


@pytest.mark.parametrize('lens', LENSES)
def test_a_network_that_is_right_makes_people_that_are_right(stage, lens):
    camera, root = camera_with(lens), np.array([0.9, 0.2, 4.0])
    joints = STANDING + root
    region = Region(tuple(camera.project(root)), 300.0, 0.2)
    view = true_view(camera, Box(1, 2, 3, 4, region=region), region, root, joints)
    (person,) = stage().place([view], camera)
    np.testing.assert_allclose(person.pose.joints3d, joints, atol=1e-6)
    np.testing.assert_allclose(person.pose.joints2d, camera.project(joints), atol=1e-6)
    assert person.score == 0.9
    assert person.flags == Flags.NONE
    low, high = camera.project(joints).min(axis=0), camera.project(joints).max(axis=0)
    assert (person.box.xywh[:2] < low).all()
    assert (person.box.xywh[:2] + person.box.xywh[2:] > high).all()
    assert person.box.height < 1.3 * (high - low)[1]


@pytest.mark.parametrize('size', [(48, 64), (64, 48), (64, 64)])
def test_beyond_the_lens_the_square_of_the_region_is_the_map(size):
    camera = camera_with('pinhole')
    region = Region((300.0, 200.0), 128.0)
    own = rectangle_in(camera.flat_part(region, max(size)), size)
    view = View(Box(1, 2, 3, 4), region, own, {})
    pixels = np.random.default_rng(0).uniform(0, size, (20, 2))
    np.testing.assert_allclose(view._in_square(pixels), view.in_image(pixels, camera), atol=2)


@pytest.mark.parametrize('inside', [False, True])
@pytest.mark.parametrize('view', VIEWS)
def test_a_graph_that_asks_is_told_the_cameras_of_its_crops(tmp_path, opened, view, inside):
    camera = camera_with('pinhole')
    card = export_statue(tmp_path, told=True, options={'view': view})
    if inside:
        card = with_crops_inside(card, camera.size, tmp_path)
    views = CropStage(opened(card), card).look(
        RED, camera, [Box(300, 100, 100, 200), Box(20, 200, 90, 180)]
    )
    told = np.stack([seen.outputs['betas'].reshape(3, 3) for seen in views])
    wanted = np.stack([seen.own.intrinsics for seen in views])
    assert wanted[0, 0, 0] != wanted[1, 0, 0]
    np.testing.assert_allclose(told, wanted, rtol=1e-6)


def test_the_picture_agrees_with_the_joints(stage):
    camera = camera_with('plumb_bob')
    people = stage()
    views = people.look(RED, camera, [Box(300, 100, 100, 200), Box(20, 200, 90, 180)])
    for view, person in zip(views, people.place(views, camera), strict=True):
        np.testing.assert_allclose(
            view.own.project(person.pose.joints3d), view.outputs['joints2d'], atol=1.5
        )
        again = camera.project(person.pose.joints3d)
        np.testing.assert_allclose(again, person.pose.joints2d, atol=5)


@pytest.mark.parametrize('max_batch', [1, 2, 16])
def test_a_person_does_not_depend_on_the_others(stage, max_batch):
    camera, people = camera_with('plumb_bob'), stage(options={'max_batch': max_batch})
    boxes = [Box(300, 100, 100, 200), Box(20, 200, 90, 180), Box(500, 50, 60, 150)]
    image = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    together = people.place(people.look(image, camera, boxes), camera)
    for box, person in zip(boxes, together, strict=True):
        (alone,) = people.place(people.look(image, camera, [box]), camera)
        np.testing.assert_array_equal(alone.pose.joints3d, person.pose.joints3d)
        np.testing.assert_array_equal(alone.pose.joints2d, person.pose.joints2d)


def test_nobody_is_nobody(stage):
    people = stage()
    assert people.place(people.look(RED, camera_with('pinhole'), []), camera_with('pinhole')) == []


def test_who_is_not_there_is_dropped_unless_somebody_knows(stage):
    camera, people = camera_with('pinhole'), stage()
    views = people.look(np.zeros_like(RED), camera, [Box(300, 100, 100, 200)])
    assert people.place(views, camera) == []
    (person,) = people.place(views, camera, given=True)
    assert person.score == 0.0


def test_a_network_that_gives_no_score_leaves_it_to_the_detector(stage):
    camera, root = camera_with('pinhole'), np.array([0.3, 0.2, 4.0])
    region = Region(tuple(camera.project(root)), 300.0)
    box = Box(1, 2, 3, 4, score=0.2, region=region)
    view = true_view(camera, box, region, root, STANDING + root)
    del view.outputs['score']
    (person,) = stage().place([view], camera)
    assert person.score == 0.2


def test_a_box_nobody_can_look_at_is_left_out(stage):
    camera, people = camera_with('pinhole'), stage()
    boxes = [Box(5, 5, 0, 0), Box(300, 100, 100, 200), Box(np.nan, 5, 10, 10)]
    assert len(people.look(RED, camera, boxes)) == 1


@pytest.mark.parametrize('name', ['joints2d', 'joints3d', 'confidence'])
def test_who_is_not_a_number_is_dropped(stage, name):
    camera, people = camera_with('pinhole'), stage()
    (view,) = people.look(RED, camera, [Box(300, 100, 100, 200)])
    view.outputs[name][3] = np.nan
    assert people.place([view], camera) == []


def test_flags_say_what_to_doubt(stage):
    people, box = stage(), Box(-40, 100, 100, 200)
    guessed = Camera.from_fov(60, (640, 480))
    (person,) = people.place(people.look(RED, guessed, [box]), guessed)
    assert person.flags == Flags.TRUNCATED | Flags.FALLBACK_INTRINSICS


def test_a_plain_box_is_looked_at_again_where_the_network_says(stage):
    # the network asks for a circle round the crop's middle that reaches to its left edge
    middle = (SIDE - 1) / 2
    asked = np.array([[middle, middle], [-0.5, middle]])
    people = stage(region=asked, options={'passes': 2, 'region_factor': 1.0, 'margin': 1.5})
    camera = camera_with('pinhole')
    (view,) = people.look(RED, camera, [Box(280, 140, 80, 200)])
    assert view.region.side == pytest.approx(300, rel=0.05)
    np.testing.assert_allclose(view.region.centre, (320, 240), atol=1)
    assert view.region.angle == pytest.approx(-np.pi / 2, abs=0.02)  # the head is at the left
    given = Region((300.0, 200.0), 250.0)
    (view,) = people.look(RED, camera, [Box(280, 140, 80, 200, region=given)])
    assert view.region == given


def test_the_next_region_travels_with_the_box(stage):
    middle = (SIDE - 1) / 2
    people = stage(region=np.array([[middle, middle], [middle, 10.0]]))
    camera, box = camera_with('pinhole'), Box(280, 140, 80, 200)
    (person,) = people.place(people.look(RED, camera, [box]), camera)
    np.testing.assert_array_equal(person.box.xywh, box.xywh)
    assert person.box.region.centre == pytest.approx((320, 240), abs=1)
    (view,) = people.look(RED, camera, [person.box])
    assert view.region == person.box.region


def test_a_mesh_of_the_network_stands_with_its_joints(stage):
    camera = camera_with('rational')
    people = stage(vertices=True)
    (person,) = people.place(people.look(RED, camera, [Box(30, 100, 100, 200)]), camera)
    # the toy's vertices are its first joints, before rays move them
    np.testing.assert_allclose(person.mesh.vertices, person.pose.joints3d[:4], atol=0.03)
    assert person.mesh.topology is people.topology


def test_joints_beyond_the_lens_stay_finite(stage):
    K = [[600, 0, 320], [0, 600, 240], [0, 0, 1]]
    camera = Camera(K, (640, 480), (-0.3, 0, 0, 0, 0))  # folds back at 46 degrees
    people = stage()
    (person,) = people.place(people.look(RED, camera, [Box(440, 20, 300, 600)]), camera)
    assert np.isfinite(person.pose.joints2d).all()
    assert Flags.TRUNCATED in person.flags


def test_hips_beyond_the_lens_do_not_hide_a_person(stage):
    K = [[600, 0, 320], [0, 600, 240], [0, 0, 1]]
    camera = Camera(K, (640, 480), (-0.3, 0, 0, 0, 0))
    (view,) = stage().look(RED, camera, [Box(500, 400, 200, 600)])
    assert view.region.centre == (600.0, 479.0)


@pytest.mark.parametrize('lens', LENSES)
def test_however_a_crop_is_cut_the_network_means_the_axes_of_who_looks_straight(stage, lens):
    camera, box = camera_with(lens), Box(480, 100, 80, 200)
    postures = []
    for view in VIEWS:
        people = stage(vertices=True, options={'view': view, 'ray_share': 0.0})
        (person,) = people.place(people.look(RED, camera, [box]), camera)
        np.testing.assert_allclose(person.mesh.vertices, person.pose.joints3d[:4], atol=1e-6)
        postures.append(person.pose.joints3d - person.pose.joints3d.mean(axis=0))
    np.testing.assert_allclose(postures[0], postures[1], atol=1e-6)


def test_refuses_a_card_it_cannot_follow(stage):
    with pytest.raises(ModelError, match='border'):
        stage(options={'border': 'pink'})


def test_why_boxes_became_nobody_is_counted(stage):
    camera, root = camera_with('pinhole'), np.array([0.9, 0.2, 4.0])
    region = Region(tuple(camera.project(root)), 300.0)
    view = true_view(camera, Box(1, 2, 3, 4), region, root, STANDING + root)
    unsure = replace(view, outputs=view.outputs | {'score': np.float64(0.2)})
    lost = replace(view, outputs=view.outputs | {'joints3d': STANDING * np.nan})
    people = stage()
    people.look(RED, camera, [Box(5, 5, 0, 0)])
    assert len(people.place([view, unsure, unsure, lost], camera)) == 1
    assert +people.left_out == {UNSEEN: 1, UNSURE.format(least=0.5): 2, NOT_PLACED: 1}
