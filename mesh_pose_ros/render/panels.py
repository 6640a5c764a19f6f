"""Pictures of a scene: from the side, from above, and from behind the camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Person
from mesh_pose_ros.render import colours
from mesh_pose_ros.render.paint import (
    Canvas,
    paint_label,
    paint_line,
    paint_meshes,
    paint_skeleton,
)
from mesh_pose_ros.render.scene import Ground, Scene
from mesh_pose_ros.render.views import PlacedView, View, looking_from

Array = NDArray[np.floating]

PAPER: colours.Colour = (246, 246, 244)
GRID: colours.Colour = (205, 208, 212)
GROUND: colours.Colour = (130, 120, 110)
FRUSTUM: colours.Colour = (90, 90, 95)
TITLE: colours.Colour = (222, 224, 228)

# rows: picture right, picture down, into the picture, in level axes
FROM_THE_RIGHT = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
FROM_ABOVE = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
STEPS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)  # metres between grid lines


def scene_picture(
    people: Sequence[Person],
    camera: Camera,
    ground: Ground | None = None,
    panel: tuple[int, int] = (640, 640),
) -> Canvas:
    """
    Draw a scene from the side, from above and from behind the camera, side by side.

    :param people: in the frame of ``camera``
    :param panel: (width, height) of each of the three views
    :return: (H, 3 W, 3) RGB
    """
    scene = Scene.of(people, camera, ground)
    views = (side_view(scene, panel), top_view(scene, panel), bird_view(scene, panel))
    return np.concatenate(views, axis=1)


def side_view(scene: Scene, size: tuple[int, int]) -> Canvas:
    """Draw the scene from the camera's right: depth to the right, height upwards."""
    canvas, view = _paper(size), _orthographic(FROM_THE_RIGHT, scene.bounds, size)
    step = _grid_step(scene)
    _rule(canvas, view, scene, axes=(2, 1), step=step)
    low, high = scene.bounds
    floor = np.array([[0, scene.floor, low[2]], [0, scene.floor, high[2]]])
    _paint_segments(canvas, view, floor, GROUND, 2)
    _paint_content(canvas, view, scene)
    note = 'ground: guessed' if scene.guessed else 'ground: given'
    paint_label(canvas, (6, 24), f'side, grid {step:g} m, {note}', TITLE)
    return canvas


def top_view(scene: Scene, size: tuple[int, int]) -> Canvas:
    """Draw the scene from above: right is right, depth upwards."""
    canvas, view = _paper(size), _orthographic(FROM_ABOVE, scene.bounds, size)
    step = _grid_step(scene)
    _rule(canvas, view, scene, axes=(0, 2), step=step)
    _paint_content(canvas, view, scene)
    paint_label(canvas, (6, 24), f'top, grid {step:g} m', TITLE)
    return canvas


def bird_view(scene: Scene, size: tuple[int, int]) -> Canvas:
    """Draw the scene in perspective from behind, above and to the right of the camera."""
    low, high = scene.bounds
    middle = (low + high) / 2
    radius = float(np.linalg.norm(high - low)) / 2
    eye = middle + 1.9 * radius * np.array([0.60, -0.50, -0.75])
    canvas, view = _paper(size), looking_from(eye, middle, 50, size)
    step = _grid_step(scene)
    _paint_segments(canvas, view, _floor_grid(scene, step), GRID, 1)
    _paint_content(canvas, view, scene)
    paint_label(canvas, (6, 24), f'3D, grid {step:g} m', TITLE)
    return canvas


def _paper(size: tuple[int, int]) -> Canvas:
    return np.full((size[1], size[0], 3), PAPER, dtype=np.uint8)


def _orthographic(
    rotation: Array, bounds: tuple[Array, Array], size: tuple[int, int]
) -> PlacedView:
    low, high = bounds
    extent = np.abs(rotation @ (high - low))[:2]
    scale = float(np.min(np.array(size) * 0.94 / extent))
    return PlacedView(rotation, (low + high) / 2, scale, size)


def _grid_step(scene: Scene) -> float:
    extent = float(np.max(scene.bounds[1] - scene.bounds[0]))
    return next((step for step in STEPS if extent / step <= 12), STEPS[-1])


def _ticks(low: float, high: float, step: float) -> Array:
    return np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step


def _rule(
    canvas: Canvas, view: PlacedView, scene: Scene, axes: tuple[int, int], step: float
) -> None:
    """Grid lines of a flat view along its two axes, metres written at the ends."""
    reach = max(view.size) / view.scale
    for along, across in (axes, axes[::-1]):
        zero = scene.floor if across == 1 else 0.0
        low, high = scene.bounds[0][across] - reach, scene.bounds[1][across] + reach
        for tick in _ticks(low - zero, high - zero, step):
            ends = np.zeros((2, 3))
            ends[:, across] = tick + zero
            ends[:, along] = (view.eye[along] - reach, view.eye[along] + reach)
            _paint_segments(canvas, view, ends, GRID, 1)
            metres = -tick if across == 1 else tick  # height, not y
            _write_tick(canvas, view, ends[0], f'{metres + 0.0:g}')


def _write_tick(canvas: Canvas, view: PlacedView, point: Array, text: str) -> None:
    pixel, _ = view.project(point)
    edge = [view.size[0] - 1, view.size[1] - 1]
    place = np.clip(pixel, [0, 40], edge).astype(int).tolist()
    inside = (pixel >= [0, 40]) & (pixel <= edge)
    if inside.any():  # one coordinate ran out of the picture: there is its edge
        paint_label(canvas, (place[0], place[1]), text, PAPER)


def _floor_grid(scene: Scene, step: float) -> Array:
    """Ends of the grid lines on the ground, (2 * lines, 3)."""
    low, high = (np.floor(scene.bounds[0] / step), np.ceil(scene.bounds[1] / step))
    x, z = _ticks(low[0], high[0], 1) * step, _ticks(low[2], high[2], 1) * step
    deep = [(t, scene.floor, end) for t in x for end in (z[0], z[-1])]
    wide = [(end, scene.floor, t) for t in z for end in (x[0], x[-1])]
    return np.array(deep + wide)


def _paint_content(canvas: Canvas, view: View, scene: Scene) -> None:
    eye, *corners = scene.frustum
    rays = [point for corner in corners for point in (eye, corner)]
    rim = [point for k in range(4) for point in (corners[k], corners[(k + 1) % 4])]
    _paint_segments(canvas, view, np.array(rays + rim), FRUSTUM, 1)
    bodies = [(p.mesh, colours.of_person(p.track_id)) for p in scene.people if p.mesh]
    meshes, tints = zip(*bodies) if bodies else ((), ())
    paint_meshes(canvas, view, meshes, tints, 0.8)
    for person in scene.people:
        pixels, _ = view.project(person.pose.joints3d)
        paint_skeleton(canvas, person.pose.skeleton, pixels, person.pose.confidence, 2.5)


def _paint_segments(
    canvas: Canvas, view: View, ends: Array, tint: colours.Colour, thickness: float
) -> None:
    """Lines between every two successive points."""
    pixels, _ = view.project(ends)
    for start, end in pixels.reshape(-1, 2, 2):
        paint_line(canvas, start, end, tint, thickness)
