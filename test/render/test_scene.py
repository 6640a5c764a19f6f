"""Side, top and 3D view put people where they stand, in metres, not mirrored."""

import numpy as np
import pytest

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.render import Ground, colours, scene_picture
from mesh_pose_ros.render.panels import FROM_ABOVE, FROM_THE_RIGHT, side_view, top_view
from mesh_pose_ros.render.scene import Scene, frustum_of

SIZE = (400, 400)


def like(picture, colour):
    colour = np.array(colour) / np.linalg.norm(colour)
    return picture @ colour > 0.99 * np.linalg.norm(picture.astype(float), axis=-1)


@pytest.mark.parametrize('rotation', [FROM_ABOVE, FROM_THE_RIGHT])
def test_the_flat_views_turn_the_scene_and_do_not_mirror_it(rotation):
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_from_the_side_the_nearer_person_stands_left(camera, person_at):
    people = [person_at((0, 0, 2), track_id=0), person_at((0, 0, 5), track_id=1)]
    picture = side_view(Scene.of(people, camera, None), SIZE)
    near, far = (np.nonzero(like(picture, colours.of_person(k)))[1].mean() for k in (0, 1))
    assert near < far


def test_from_the_side_heads_are_up(camera, person_at):
    person = person_at((0, 0, 3), mesh=False)
    person.pose.confidence[5:] = 0  # a head alone, 0.7 m over the middle
    picture = side_view(Scene.of([person], camera, None), SIZE)
    scene = Scene.of([person_at((0, 0, 3))], camera, None)
    assert scene.floor == pytest.approx(0.8, abs=0.01)
    low, high = Scene.of([person], camera, None).bounds
    rows = np.nonzero(like(picture, colours.RIGHT))[0]
    assert low[1] < person.pose.joints3d[:5, 1].mean() < 0 < high[1]
    assert rows.mean() < SIZE[1] / 2


def test_from_above_right_stays_right_and_far_is_up(camera, person_at):
    people = [person_at((1, 0, 3), track_id=0), person_at((-1, 0, 5), track_id=1)]
    picture = top_view(Scene.of(people, camera, None), SIZE)
    rows0, columns0 = (a.mean() for a in np.nonzero(like(picture, colours.of_person(0))))
    rows1, columns1 = (a.mean() for a in np.nonzero(like(picture, colours.of_person(1))))
    assert columns0 > columns1
    assert rows0 > rows1


def test_a_given_ground_levels_the_scene(camera, person_at):
    pitch = np.radians(25)  # the camera looks down
    ground = Ground(np.array([0, -np.cos(pitch), -np.sin(pitch)]), height=2.0)
    foot = np.array([0.0, 2.0, 4.0])  # level axes: on the floor, 4 m ahead
    person = person_at(foot @ ground.levelling, half_axes=(0.01, 0.01, 0.01))
    scene = Scene.of([person], camera, ground)
    np.testing.assert_allclose(scene.people[0].mesh.vertices.mean(axis=0), foot, atol=0.02)
    assert (scene.floor, scene.guessed) == (2.0, False)


@pytest.mark.parametrize('up', [(0, -1, 0), (0.1, -0.9, -0.4), (0, 0, -1), (0, 0, 1)])
def test_levelling_is_a_rotation_that_sends_up_to_up(up):
    turn = Ground(np.array(up, dtype=float), 1.0).levelling
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(turn @ up / np.linalg.norm(up), (0, -1, 0), atol=1e-12)


def test_the_frustum_ends_where_the_image_does(camera):
    eye, *corners = frustum_of(camera, 2.0)
    np.testing.assert_array_equal(eye, 0)
    pixels = camera.project(np.array(corners))
    np.testing.assert_allclose(
        pixels, [[-0.5, -0.5], [639.5, -0.5], [639.5, 479.5], [-0.5, 479.5]]
    )


def test_the_picture_is_three_panels_wide_with_people_or_without(camera, person_at):
    fisheye = Camera(camera.intrinsics, camera.size, (0.1, 0, 0, 0), 'equidistant')
    for people, eye in (([], camera), ([person_at((0, 0, 3))], fisheye)):
        picture = scene_picture(people, eye, panel=(200, 150))
        assert picture.shape == (150, 600, 3)
        assert picture.dtype == np.uint8
