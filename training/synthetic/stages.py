"""
Where people stand: rooms and open places made of flat panels and blocks, with their light.

World: y up, the ground is y = 0, x to the right and z towards somebody who looks along -z,
metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix
from training.synthetic.rasteriser import Array
from training.synthetic.shading import Light, Surface, merged
from training.synthetic.textures import FLOORS, WALLS, Page, Rng, cloth_page, painted

FLOOR_TEXELS = 160.0  # per metre
WALL_TEXELS = 170.0
UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True, eq=False)
class Stage:
    """
    A place in world axes.

    :param scenery: floor, walls; casts no shadow
    :param blocks: what stands on the floor
    :param sky: (2, 3) colours at the horizon and high above, light (see `shading`)
    """

    scenery: Surface
    blocks: Surface
    light: Light
    sky: Array = field(default_factory=lambda: np.array([[0.75, 0.8, 0.85], [0.3, 0.5, 0.8]]))


def panel(
    corner: ArrayLike, across: ArrayLike, down: ArrayLike, page: Page, texels: float
) -> Surface:
    """A rectangle: its top left corner and two edges, (3,) each, seen from its front."""
    start, right, low = (np.asarray(v, np.float32) for v in (corner, across, down))
    vertices = np.stack([start, start + low, start + right + low, start + right])
    width, height = np.linalg.norm(right) * texels, np.linalg.norm(low) * texels
    return Surface(
        vertices,
        np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        np.array([[0, 0], [0, height], [width, height], [width, 0]], np.float32),
        np.zeros(2, np.int32),
        page[None],
    )


def block(
    foot: ArrayLike, size: ArrayLike, yaw: float, page: Page, texels: float = 200.0
) -> Surface:
    """A box standing on its ``foot`` (3,), ``size`` (width, height, depth), turned left."""
    x, y, z = axis_angle_to_matrix((0.0, yaw, 0.0)).T * np.array(size)[:, None]
    low = np.asarray(foot) - x / 2 - z / 2
    sides = [
        panel(low + z + y, x, -y, page, texels),
        panel(low + x + y, -x, -y, page, texels),
        panel(low + y, z, -y, page, texels),
        panel(low + x + z + y, -z, -y, page, texels),
        panel(low + y, x, z, page, texels),
    ]
    one = merged(sides)
    return Surface(one.vertices, one.faces, one.texels, one.page * 0, page[None])


def floor(page: Page, reach: float = 60.0) -> Surface:
    """The ground."""
    corner, across = np.array([-reach, 0, -reach]), np.array([2 * reach, 0, 0])
    return panel(corner, across, np.array([0, 0, 2 * reach]), page, FLOOR_TEXELS)


def walls(width: float, depth: float, height: float, page: Page, back: float) -> list[Surface]:
    """Three walls and a ceiling; the one behind the people is at z = ``back``."""
    left, y = -width / 2, np.array([0, height, 0])
    far, near = np.array([left, height, back]), np.array([left, height, back + depth])
    x, z = np.array([width, 0, 0]), np.array([0, 0, depth])
    ceiling = np.full_like(page, 225)
    return [
        panel(far, x, -y, page, WALL_TEXELS),
        panel(near, -z, -y, page, WALL_TEXELS),
        panel(far + x, z, -y, page, WALL_TEXELS),
        panel(near, x, -z, ceiling, WALL_TEXELS),
    ]


def daylight(rng: Rng, softness: float) -> Light:
    """A sun somewhere behind the camera; ``softness`` 0 is noon, 1 a dull day or a room."""
    azimuth, height = rng.uniform(-1.2, 1.2), rng.uniform(0.6, 1.2)
    towards = [np.sin(azimuth) * np.cos(height), np.sin(height), np.cos(azimuth) * np.cos(height)]
    warm = 1 + rng.normal(0, 0.06) * np.array([1, 0, -1])
    strength = rng.uniform(0.8, 1.15)
    sun, sky = 0.95 - 0.65 * softness, 0.38 + 0.27 * softness
    bounce = rng.uniform(0.15, 0.35)
    one = np.ones(3)
    return Light(np.array(towards), UP, strength * sun * warm, strength * sky * one, bounce * warm)


def room(rng: Rng) -> Stage:
    """Floor, walls, and some furniture along them."""
    back, width = -rng.uniform(5.0, 9.0), rng.uniform(6.0, 11.0)
    scenery = [floor(painted(FLOORS, rng))]
    scenery += walls(width, 16.0, rng.uniform(2.5, 3.4), painted(WALLS, rng), back)
    scenery += _pictures(rng, back, width)
    return Stage(merged(scenery), merged(_furniture(rng, back, width)), daylight(rng, 0.8))


def _pictures(rng: Rng, back: float, width: float) -> list[Surface]:
    """Flat things on the far wall: frames, windows, doors."""
    hung = []
    for x in np.arange(-width / 2 + 0.3, width / 2 - 1.2, rng.uniform(1.4, 2.4)):
        size = rng.uniform([0.4, 0.4], [1.1, 1.2])
        corner = np.array([x, rng.uniform(1.5, 2.3), back + 0.02])
        page = cloth_page(rng)
        hung.append(panel(corner, np.array([size[0], 0, 0]), np.array([0, -size[1], 0]), page, 90))
    return hung


def _furniture(rng: Rng, back: float, width: float) -> list[Surface]:
    things = []
    for _ in range(rng.integers(1, 5)):
        size = rng.uniform([0.4, 0.3, 0.3], [1.8, 1.6, 0.8])
        x = rng.uniform(-width / 2, width / 2)
        page = painted(WALLS, rng) if rng.random() < 0.5 else cloth_page(rng)
        foot = np.array([x, 0, back + 0.1 + size[2]])
        things.append(block(foot, size, rng.normal(0, 0.1), page))
    return things


def outdoors(rng: Rng) -> Stage:
    """Ground to the horizon and blocks of houses far away."""
    ground = FLOORS[rng.choice(['asphalt', 'grass', 'concrete', 'tiles'])](rng)
    houses = []
    for _ in range(rng.integers(3, 12)):
        foot = np.array([rng.uniform(-30, 30), 0, -rng.uniform(14, 45)])
        size = rng.uniform([3, 2, 3], [14, 12, 10])
        houses.append(block(foot, size, rng.uniform(-0.5, 0.5), painted(WALLS, rng), 40.0))
    low = rng.uniform([0.6, 0.65, 0.7], [0.9, 0.92, 0.95])
    sky = np.stack([low, low * rng.uniform([0.4, 0.6, 0.8], [0.9, 0.95, 1.0])])
    return Stage(floor(ground), merged(houses), daylight(rng, rng.uniform(0, 0.8)), sky)


STAGES = {'room': room, 'outdoors': outdoors}


def random_stage(rng: Rng, kinds: Sequence[str] = ('room', 'outdoors')) -> Stage:
    """A place of one of the kinds."""
    return STAGES[str(rng.choice(list(kinds)))](rng)
