"""A crop's camera is the one the runtime would use, and its homography tells the truth."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from mesh_pose_ros.geometry.camera import Camera  # noqa: E402
from mesh_pose_ros.people import Region  # noqa: E402
from training.data.draws import Draws  # noqa: E402
from training.data.views import Regions, Wander, looking_at, regions, within  # noqa: E402
from training.data.warping import carried  # noqa: E402

SIDE = 224


def drawn(count, seed=0):
    draws = Draws(count, torch.Generator().manual_seed(seed))
    centre, side = draws.uniform(40, 180, 2), draws.uniform(60, 200)
    where = Regions(centre, side, draws.normal(0, 0.5), torch.zeros(count, 4))
    return where, draws.uniform(150, 900)


def test_turns_as_the_runtime_does():
    where, focal = drawn(20)
    views = looking_at(where, focal, SIDE, 192)
    middle = (SIDE - 1) / 2
    for i in range(20):
        K = np.array([[focal[i], 0, middle], [0, focal[i], middle], [0, 0, 1]])
        region = Region(
            tuple(where.centre[i].tolist()), float(where.side[i]), float(where.angle[i])
        )
        camera = Camera(K, (SIDE, SIDE)).looking_at(region, 192)
        np.testing.assert_allclose(views.turn[i], camera.rotation, atol=1e-5)
        assert views.intrinsics[i, 0, 0] == pytest.approx(camera.focal, rel=0.12)


def test_joints_land_where_the_homography_puts_their_pixels():
    where, focal = drawn(20, seed=1)
    views = looking_at(where, focal, SIDE, 160)
    points = torch.randn(20, 5, 3) * 0.3 + torch.tensor([0, 0, 3.0])
    pixels = points[..., :2] / points[..., 2:] * focal[:, None, None] + (SIDE - 1) / 2
    found = carried(torch.linalg.inv(views.to_layer), pixels)
    torch.testing.assert_close(views.seen(points)[1], found, atol=0.05, rtol=1e-4)


def test_nobody_is_seen_behind_the_camera():
    where, focal = drawn(3)
    seen = looking_at(where, focal, SIDE, 64).seen(torch.full((3, 2, 3), -1.0))[1]
    assert seen.isnan().all()


def test_a_layer_that_is_cut_off_gets_a_border_there():
    box = torch.tensor([[50.0, 0, 150, 223]]).repeat(400, 1)
    cut_off = torch.tensor([[False, False, False, True]]).repeat(400, 1)
    where = regions(box, cut_off, Draws(400, torch.Generator().manual_seed(0)), Wander())
    assert (where.frame[:, 3] <= 223).all()
    assert (where.frame[:, 3] > 223 * 0.6).all()


def test_borders_hide_what_lies_beyond():
    pixels = torch.tensor([[[[0.0, 0.0], [5.0, 5.0]]]])
    frame = torch.tensor([[2.0, 2, 9, 9]])
    assert within(frame, pixels).tolist() == [[[False, True]]]
