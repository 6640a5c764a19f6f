"""Light falls where it should: on what faces it, not behind what stands in its way."""

import numpy as np
import pytest

from training.synthetic.rasteriser import rasterise
from training.synthetic.shading import PAGE, Light, Surface, cast_shadows, merged, shade, to_srgb
from training.synthetic.stages import panel

K = np.array([[100.0, 0, 63.5], [0, 100.0, 63.5], [0, 0, 1]])
SIZE = (128, 128)
WHITE = np.full((PAGE, PAGE, 3), 255, np.uint8)
UP = np.array([0, -1.0, 0])
TOWARDS_CAMERA = np.array([0, 0, -1.0])


def wall(depth: float = 2.0, half: float = 2.0, page=WHITE, texels: float = 128.0) -> Surface:
    corner = np.array([-half, -half, depth])
    return panel(corner, np.array([2 * half, 0, 0]), np.array([0, 2 * half, 0]), page, texels)


def shown(surface: Surface, light: Light, **kwargs) -> np.ndarray:
    seen = rasterise(surface.vertices, surface.faces, K, SIZE)
    return shade(surface, seen, light, 100.0, **kwargs)


def only_sun(towards) -> Light:
    towards = np.asarray(towards) / np.linalg.norm(towards)
    return Light(towards, UP, sun=np.ones(3), sky=np.zeros(3), ground=np.zeros(3))


@pytest.mark.parametrize('degrees', [0, 30, 60, 85])
def test_the_sun_fades_with_the_cosine_of_its_angle(degrees):
    angle = np.radians(degrees)
    light = shown(wall(), only_sun([np.sin(angle), 0, -np.cos(angle)]))
    np.testing.assert_allclose(light[64, 64], np.cos(angle), atol=1e-4)


def test_a_sun_behind_a_wall_does_not_light_it():
    assert shown(wall(), only_sun([0, 0, 1.0])).max() == 0


def test_light_is_multiplied_by_the_square_of_the_picture():
    grey = np.full_like(WHITE, 102)
    light = shown(wall(page=grey), only_sun(TOWARDS_CAMERA))
    np.testing.assert_allclose(light[64, 64], 0.16, atol=1e-4)


def test_srgb_undoes_the_square():
    values = np.arange(0, 226, dtype=np.float64)  # brighter ones are rolled off
    np.testing.assert_array_equal(to_srgb((values / 255) ** 2), values)
    bright = to_srgb(np.linspace(0, 3, 100)).astype(int)
    assert (np.diff(bright) >= 0).all()


def test_a_picture_is_seen_the_right_way_round():
    page = np.zeros((PAGE, PAGE, 3), np.uint8)
    page[: PAGE // 2, : PAGE // 2] = (255, 0, 0)  # top left is red
    page[PAGE // 2 :, PAGE // 2 :] = (0, 0, 255)  # bottom right is blue
    light = shown(wall(half=1.0, page=page, texels=PAGE / 2), only_sun(TOWARDS_CAMERA))
    assert light[40, 40].argmax() == 0
    assert light[90, 90].argmax() == 2
    assert light[40, 90].max() < 0.01


def test_a_thing_before_a_wall_throws_its_shadow_aside():
    sun = only_sun([-0.5, 0, -1.0])  # from the left and the front
    board = wall(depth=1.5, half=0.2)
    scene = merged([wall(), board])
    shadows = cast_shadows(board, sun, np.array([0, 0, 1.5]), 2.0)
    with_shadow, without = shown(scene, sun, shadows=shadows), shown(scene, sun)
    shadow_at = round(63.5 + 100 * 0.25 / 2.0)  # half a metre behind, a quarter aside
    assert with_shadow[64, shadow_at + 2].max() < 0.1 * without[64, shadow_at + 2].max()
    np.testing.assert_allclose(with_shadow[64, 20], without[64, 20])
    np.testing.assert_allclose(with_shadow[64, 60], without[64, 60])  # the board lights itself


def test_merging_keeps_each_surfaces_pictures():
    black = np.zeros_like(WHITE)
    scene = merged([wall(depth=3.0), wall(depth=2.0, half=0.3, page=black)])
    light = shown(scene, only_sun(TOWARDS_CAMERA))
    assert light[64, 64].max() == 0
    assert light[64, 5].min() > 0.9
