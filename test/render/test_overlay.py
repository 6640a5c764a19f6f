"""The drawing lies on the people: in place, in order, left and right told apart."""

import numpy as np
import pytest

from mesh_pose_ros.geometry.normals import vertex_normals
from mesh_pose_ros.render import OverlayOptions, colours, overlay
from mesh_pose_ros.render.paint import paint_skeleton
from mesh_pose_ros.skeletons import Skeleton

MESH_ONLY = OverlayOptions(boxes=False, skeletons=False, opacity=1.0)
BONES_ONLY = OverlayOptions(boxes=False, meshes=False)


@pytest.fixture
def grey():
    return np.full((480, 640, 3), 100, np.uint8)


def like(picture, colour):
    """Pixels whose hue is that of a colour, whatever the light, (H, W)."""
    colour = np.array(colour) / np.linalg.norm(colour)
    lengths = np.linalg.norm(picture.astype(float), axis=-1)
    return (picture @ colour > 0.99 * lengths) & (lengths > 0)


def test_leaves_the_image_itself_alone_and_draws_nothing_for_nobody(grey, camera, person_at):
    before = grey.copy()
    overlay(grey, [person_at((0, 0, 3))], camera)
    np.testing.assert_array_equal(grey, before)
    np.testing.assert_array_equal(overlay(grey, [], camera), before)


def test_a_mesh_covers_its_silhouette_and_no_more(grey, camera, person_at):
    picture = overlay(grey, [person_at((0, 0, 3))], camera, MESH_ONLY)
    rows, columns = np.nonzero((picture != grey).any(axis=-1))
    half_height, half_width = camera.focal * 0.8 / 3, camera.focal * 0.3 / 3
    np.testing.assert_allclose([rows.mean(), columns.mean()], [239.5, 319.5], atol=1)
    np.testing.assert_allclose(np.ptp(rows) / 2, half_height, rtol=0.03)
    np.testing.assert_allclose(np.ptp(columns) / 2, half_width, rtol=0.03)


@pytest.mark.parametrize('order', [1, -1])
def test_the_nearer_of_two_people_hides_the_other(grey, camera, person_at, order):
    near, far = person_at((0, 0, 2.5), track_id=0), person_at((0, 0, 4), track_id=1)
    picture = overlay(grey, [near, far][::order], camera, MESH_ONLY)
    assert like(picture[235:245, 315:325], colours.of_person(0)).all()
    assert not like(picture, colours.of_person(1)).any()


def test_people_who_pass_through_one_another_are_cut_where_they_meet(grey, camera, person_at):
    left = person_at((-0.2, 0, 3), track_id=0)
    right = person_at((0.2, 0, 3), track_id=1)
    picture = overlay(grey, [left, right], camera, MESH_ONLY)
    assert like(picture[240, 300:312], colours.of_person(0)).all()
    assert like(picture[240, 327:340], colours.of_person(1)).all()


def test_the_persons_left_has_its_colour_where_it_is_seen(grey, camera, person_at):
    picture = overlay(grey, [person_at((0, 0, 3))], camera, BONES_ONLY)
    _, left = np.nonzero(like(picture, colours.LEFT))
    _, right = np.nonzero(like(picture, colours.RIGHT))
    assert left.min() > 319 > right.max()  # facing us: the own left is at our right


def test_joints_close_together_do_not_cover_one_another(grey):
    # a row of joints, 4 pixels apart: the points of a small face
    row = Skeleton('row', tuple(f'left_{i}' for i in range(9)), (-1, *range(8)))
    for apart in (4, 40):
        joints = np.column_stack([100.0 + apart * np.arange(9), np.full(9, 200.0)])
        picture = grey.copy()
        paint_skeleton(picture, row, joints, np.ones(9), 2.5)
        drawn = np.abs(picture.astype(int) - grey).sum(axis=-1) > 60
        heights = drawn[:, 100 : 101 + 8 * apart].sum(axis=0)
        line = heights[apart // 2 :: apart]  # between two joints
        assert line.max() <= 3
        assert (heights[::apart] > line.max()).all()


def test_a_joint_nobody_trusts_is_not_drawn(grey, camera, person_at):
    person = person_at((0, 0, 3))
    person.pose.confidence[:] = 0.01
    np.testing.assert_array_equal(overlay(grey, [person], camera, BONES_ONLY), grey)


@pytest.mark.parametrize('spoilt', [np.nan, np.inf, 1e30, -1e30])
def test_survives_joints_and_boxes_that_lie_nowhere(grey, camera, person_at, spoilt):
    person = person_at((0, 0, 3))
    person.pose.joints2d[3] = spoilt
    picture = overlay(grey, [person], camera, BONES_ONLY)
    assert (picture != grey).any()


def test_a_body_half_behind_the_camera_is_drawn_as_far_as_it_can_be_seen(grey, camera, person_at):
    picture = overlay(grey, [person_at((0, 0, 0.1))], camera, MESH_ONLY)
    assert picture.shape == grey.shape


def test_a_box_and_its_label_stay_inside_the_image(grey, camera, person_at):
    person = person_at((2.5, -1.5, 3), track_id=4)
    options = OverlayOptions(skeletons=False, meshes=False)
    picture = overlay(grey, [person], camera, options)
    assert like(picture, colours.of_person(4)).any()


def test_normals_of_a_closed_body_point_outwards(person_at):
    mesh = person_at((0, 0, 3), half_axes=(0.5, 0.5, 0.5)).mesh
    normals = vertex_normals(mesh.vertices, mesh.topology.faces)
    outward = (mesh.vertices - (0, 0, 3)) / 0.5
    ring = np.abs(outward[:, 1]) < 0.95  # the poles are many vertices in one place
    np.testing.assert_allclose(normals[ring], outward[ring], atol=0.06)
