"""A picture's labels are true of its pixels."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mesh_pose_ros.geometry.body_model import BodyModel
from mesh_pose_ros.geometry.camera import Camera
from training.synthetic.key_poses import KEY_POSES, key_rotations
from training.synthetic.scenes import (
    Actor,
    View,
    Wardrobe,
    on_ground,
    photograph,
    random_scene,
    sheet,
)
from training.synthetic.stages import STAGES, Stage, block, random_stage

BODY = Path(__file__).parents[3] / 'models' / 'open_body.npz'
STAND = key_rotations()[list(KEY_POSES).index('stand')]


@pytest.fixture(scope='module')
def wardrobe() -> Wardrobe:
    return Wardrobe(BodyModel.load(BODY))


@pytest.fixture(scope='module')
def stranger(wardrobe):
    return wardrobe.stranger(np.zeros(10), np.random.default_rng(5))


def standing(wardrobe, stranger, place) -> Actor:
    return Actor(stranger, on_ground(wardrobe.model, np.zeros(10), STAND, place))


@pytest.fixture(scope='module')
def view() -> View:
    return View.standing(Camera.from_fov(60, (256, 192)), 1.5, 0.15)


@pytest.fixture(scope='module')
def pair(wardrobe, stranger, view):
    """Two people, one 1.5 m behind the other and a little aside."""
    actors = [standing(wardrobe, stranger, p) for p in ((0.0, -3.0), (0.25, -4.5))]
    return photograph(view, random_stage(np.random.default_rng(1)), actors)


def test_people_stand_upright_on_the_ground(pair, view):
    normal, offset = view.ground[:3], view.ground[3]
    for person in pair.people:
        height = person.vertices @ normal + offset
        assert height.min() == pytest.approx(0, abs=1e-4)
        assert 1.4 < height.max() < 2.1
        assert person.points2d[0, 1] < person.points2d[15, 1]  # nose above ankle


def test_who_faces_the_camera_has_the_left_hand_on_the_right(pair):
    wrists = pair.people[0].points2d[[9, 10], 0]
    assert wrists[0] > wrists[1]


def test_labels_are_projections_of_the_points(pair, view):
    for person in pair.people:
        np.testing.assert_allclose(person.points2d, view.camera.project(person.points), atol=1e-9)


def test_visible_joints_lie_on_the_persons_own_pixels(pair):
    for index, person in enumerate(pair.people):
        u, v = person.points2d[person.visible].round().astype(int).T
        around = np.stack(
            [pair.owner[v + j, u + i] == index for j in (-2, 0, 2) for i in (-2, 0, 2)]
        )
        assert around.any(0).all()


def test_a_person_behind_another_is_partly_hidden(pair):
    front, back = pair.people
    assert front.visible.mean() > 0.7
    assert 0 < back.visible.sum() < front.visible.sum()


def test_boxes_hold_the_silhouette_and_all_vertices(pair, view):
    for index, person in enumerate(pair.people):
        v, u = np.nonzero(pair.owner == index)
        x, y, width, height = person.box
        assert (x, y) == (u.min() - 0.5, v.min() - 0.5)
        assert (x + width, y + height) == (u.max() + 0.5, v.max() + 0.5)
        low, size = np.split(person.whole_box, 2)
        bare = view.camera.project(person.vertices)
        assert (bare > low - 3).all()
        assert (bare < low + size + 3).all()


def test_the_silhouette_is_that_of_the_body_and_its_clothes(wardrobe, view):
    nude = wardrobe.stranger(np.zeros(10), np.random.default_rng(0))
    picture = photograph(view, _empty(), [standing(wardrobe, nude, (0.0, -3.0))])
    pixels = view.camera.project(picture.people[0].vertices).round().astype(int)
    covered = np.zeros_like(picture.owner, bool)
    covered[pixels[:, 1], pixels[:, 0]] = True
    shown = picture.owner == 0
    a_pixel_wider = cv2.dilate(shown.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert not (covered & ~a_pixel_wider).any()
    assert shown.sum() < 2 * covered.sum()


def _empty() -> Stage:
    stage = random_stage(np.random.default_rng(2), ['outdoors'])
    far = block((0, 0, 50.0), (1, 1, 1), 0.0, stage.blocks.pages[0])
    return Stage(stage.scenery, far, stage.light, stage.sky)


@pytest.mark.parametrize('kind', list(STAGES))
def test_a_place_without_people_is_a_picture_without_labels(view, kind):
    picture = photograph(view, random_stage(np.random.default_rng(3), [kind]), [])
    assert picture.people == ()
    assert (picture.owner == -1).all()
    assert picture.image.std() > 5


def test_the_same_seed_gives_the_same_scene(wardrobe):
    poses = key_rotations()[:20]
    first, second = (
        random_scene(wardrobe, poses, np.random.default_rng(4), (96, 96)) for _ in range(2)
    )
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.people[0].points2d, second.people[0].points2d)


def test_a_sheet_holds_all_pictures(pair):
    assert sheet([pair] * 5, columns=3).shape == (2 * 192, 3 * 256, 3)
