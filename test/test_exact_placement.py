"""Given the truth about a rendered person, the pipeline puts the pelvis where it is."""

from pathlib import Path

import numpy as np
import pytest

from mesh_pose_ros.geometry.absolute import absolute_pose
from mesh_pose_ros.geometry.body_model import BodyModel
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Region
from training.synthetic.key_poses import KEY_POSES, key_rotations
from training.synthetic.scenes import Actor, View, Wardrobe, on_ground, photograph
from training.synthetic.stages import random_stage

ROOT = Path(__file__).parents[1]
HIPS = [11, 12]
CASES = {  # pose, place (x, z), camera height, tilt
    'upright in the middle': ('stand', (0.0, -3.0), 1.4, 0.1),
    'at the border': ('wave', (1.3, -3.2), 1.4, 0.1),
    'far away': ('reach_up_one', (-0.5, -8.0), 1.4, 0.0),
    'sitting, seen from above': ('sit', (0.2, -2.5), 2.4, 0.5),
    'bent over': ('bend', (-0.6, -3.5), 1.0, 0.0),
}


@pytest.fixture(scope='module')
def wardrobe() -> Wardrobe:
    return Wardrobe(BodyModel.load(ROOT / 'models' / 'open_body.npz'))


@pytest.fixture(scope='module', params=list(CASES))
def picture(request, wardrobe):
    pose, place, height, tilt = CASES[request.param]
    view = View.standing(Camera.from_fov(62, (320, 240)), height, tilt)
    rotations = key_rotations()[list(KEY_POSES).index(pose)]
    figure = wardrobe.stranger(np.zeros(10), np.random.default_rng(1))
    body = on_ground(wardrobe.model, np.zeros(10), rotations, place)
    return photograph(view, random_stage(np.random.default_rng(2)), [Actor(figure, body)])


def test_the_pelvis_is_found_within_a_millimetre(picture):
    camera, person = picture.view.camera, picture.people[0]
    pelvis = person.points[HIPS].mean(0)
    rays = camera.rays(person.points2d)
    placed = absolute_pose(rays, person.points - pelvis, np.ones(len(rays)))
    assert np.linalg.norm(placed[HIPS].mean(0) - pelvis) < 1e-3
    np.testing.assert_allclose(placed, person.points, atol=1e-3)


def test_the_pelvis_is_found_from_what_is_visible_in_a_crop(picture):
    camera, person = picture.view.camera, picture.people[0]
    x, y, width, height = person.box
    region = Region((x + width / 2, y + height / 2), 1.25 * max(width, height), 0.2)
    crop = camera.looking_at(region, 256)
    in_crop = crop.project(person.points)
    pelvis = person.points[HIPS].mean(0)
    offsets = crop.from_optical(person.points - pelvis)
    placed = absolute_pose(crop.rays(in_crop), offsets, person.visible.astype(float))
    assert np.linalg.norm(crop.to_optical(placed[HIPS].mean(0)) - pelvis) < 1e-3


def test_labels_agree_with_the_pixels_that_show_the_person(picture):
    person = picture.people[0]
    u, v = person.points2d[person.visible].round().astype(int).T
    near = [picture.owner[v + j, u + i] == 0 for j in (-1, 0, 1) for i in (-1, 0, 1)]
    assert np.any(near, axis=0).all()
    x, y, width, height = person.box
    inside = person.points2d[person.visible]
    assert (inside >= [x - 2, y - 2]).all()
    assert (inside <= [x + width + 2, y + height + 2]).all()
