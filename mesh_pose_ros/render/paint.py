"""Meshes, skeletons, boxes and labels drawn onto a canvas, (H, W, 3) uint8 RGB, in place."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.normals import vertex_normals
from mesh_pose_ros.people import Box, Mesh
from mesh_pose_ros.render import colours
from mesh_pose_ros.render.raster import rasterise
from mesh_pose_ros.render.views import View
from mesh_pose_ros.skeletons import Skeleton

Array = NDArray[np.floating]
Canvas = NDArray[np.uint8]

LEAST_CONFIDENCE = 0.1  # a joint trusted less is not drawn
SHIFT = 3  # fractional bits of OpenCV's line ends
FINE = 0.25  # thickness at most, per length of the longest bone at a joint: faces, small people
REACH = 20_000  # pixels; OpenCV's fixed point would overflow far outside the image
LIGHT = np.array([-0.35, -0.8, -0.5]) / np.linalg.norm([0.35, 0.8, 0.5])  # from above, left


def paint_meshes(
    canvas: Canvas,
    view: View,
    meshes: Sequence[Mesh],
    tints: Sequence[colours.Colour],
    opacity: float = 0.75,
) -> None:
    """
    Shade and blend body surfaces; of surfaces that cover one another, the nearest is seen.

    :param tints: one colour per mesh
    :param opacity: 0 to 1
    """
    if not meshes:
        return
    vertices, faces, owner = _joined(meshes)
    points, nearness = view.project(vertices)
    front = faces[_facing(points, faces)]
    surface = rasterise(points, nearness, front, view.size)
    bright = surface.interpolate(front, _brightness(view, vertices, faces))
    tint = np.array(tints, dtype=float)[owner[front[surface.faces, 0]]]
    colour = np.clip(tint * bright[:, None], 0, 255)
    cover = np.zeros(canvas.shape[:2], dtype=np.float32)
    cover[surface.rows, surface.columns] = 1
    soft = cv2.blur(cover, (3, 3))[surface.rows, surface.columns, None] * opacity
    below = canvas[surface.rows, surface.columns]
    canvas[surface.rows, surface.columns] = (below * (1 - soft) + colour * soft).astype(np.uint8)


def paint_skeleton(
    canvas: Canvas, skeleton: Skeleton, joints: Array, confidence: Array, thickness: float
) -> None:
    """
    Draw bones and joints, left and right in their own colours, doubtful ones thinner.

    :param joints: (J, 2) pixels; NaN for a joint that is not seen
    :param confidence: (J,) 0 to 1
    :param thickness: pixels of a bone of confidence 1
    """
    shown = (confidence >= LEAST_CONFIDENCE) & (np.abs(joints) < REACH).all(axis=-1)
    fine = _fine(skeleton, joints, thickness)
    for parent, child in skeleton.bones:
        if shown[parent] and shown[child]:
            trust = min(confidence[parent], confidence[child])
            tint = colours.of_bone(skeleton, parent, child)
            wide = min(fine[parent], fine[child]) * (0.4 + 0.6 * trust)
            paint_line(canvas, joints[parent], joints[child], tint, wide)
    for name, joint, trust, wide in zip(
        np.array(skeleton.names)[shown], joints[shown], confidence[shown], fine[shown], strict=True
    ):
        radius, rim = wide * (0.4 + 0.4 * trust), min(1.0, 0.4 * wide)
        spot = _fixed(joint)
        cv2.circle(canvas, spot, _fixed_length(radius + rim), (20, 20, 20), -1, cv2.LINE_AA, SHIFT)
        tint = colours.of_side(name)
        cv2.circle(canvas, spot, _fixed_length(radius), tint, -1, cv2.LINE_AA, SHIFT)


def _fine(skeleton: Skeleton, joints: Array, thickness: float) -> Array:
    """Thickness at each joint, (J,), so that joints close together do not cover one another."""
    longest = np.full(len(skeleton), np.nan)
    with np.errstate(invalid='ignore'):
        lengths = np.linalg.norm(np.subtract(*joints[skeleton.bones.T]), axis=-1)
        for ends in skeleton.bones.T:
            np.fmax.at(longest, ends, lengths)
    return np.fmin(thickness, FINE * longest)


def paint_line(
    canvas: Canvas, start: Array, end: Array, tint: colours.Colour, thickness: float = 1
) -> None:
    """Draw a line between two pixels; nothing where one of them is NaN or absurdly far."""
    if not (np.abs([start, end]) < REACH).all():
        return
    wide = max(1, round(thickness))
    cv2.line(canvas, _fixed(start), _fixed(end), tint, wide, cv2.LINE_AA, SHIFT)


def paint_box(canvas: Canvas, box: Box, tint: colours.Colour, label: str) -> None:
    """Frame a person and write a label on top of the frame, inside the image."""
    unit = unit_of(canvas)
    corners = np.array([[box.x, box.y], [box.x + box.width, box.y + box.height]])
    low, high = np.clip(np.round(corners), -REACH, REACH).astype(int).tolist()
    cv2.rectangle(canvas, low, high, tint, max(1, round(unit)), cv2.LINE_AA)
    if label:
        paint_label(canvas, (low[0], low[1]), label, tint)


def paint_label(canvas: Canvas, corner: tuple[int, int], text: str, tint: colours.Colour) -> None:
    """Write dark text on a coloured patch whose lower left corner is given, kept in sight."""
    size = 0.45 * max(1.0, unit_of(canvas) * 0.8)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    x = int(np.clip(corner[0], 0, max(0, canvas.shape[1] - width - 6)))
    y = int(np.clip(corner[1], height + 6, canvas.shape[0] - 1))
    cv2.rectangle(canvas, (x, y - height - 6), (x + width + 6, y), tint, -1)
    place = (x + 3, y - 4)
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (15, 15, 15), 1, cv2.LINE_AA)


def unit_of(canvas: Canvas) -> float:
    """A line width that looks alike on images of every size: 1 pixel at 640 x 480."""
    return max(canvas.shape[:2]) / 640


def _joined(meshes: Sequence[Mesh]) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
    """All vertices (V, 3), all faces (F, 3), and which mesh each vertex belongs to (V,)."""
    counts = [len(mesh.vertices) for mesh in meshes]
    starts = np.cumsum([0, *counts[:-1]])
    faces = [mesh.topology.faces.astype(np.int64) + s for mesh, s in zip(meshes, starts)]
    owner = np.repeat(np.arange(len(meshes)), counts)
    vertices = np.concatenate([mesh.vertices for mesh in meshes]).astype(float)
    return vertices, np.concatenate(faces), owner


def _facing(points: Array, faces: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which triangles show their outside: counter-clockwise in a picture whose v points down."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    (ux, uy), (vx, vy) = (b - a).T, (c - a).T
    with np.errstate(invalid='ignore'):
        return ux * vy - uy * vx < 0


def _brightness(view: View, vertices: Array, faces: NDArray[np.int64]) -> Array:
    """Light from above and from the eye, on the vertices, (V,); about 1 where well lit."""
    normals = vertex_normals(vertices, faces)
    above = np.maximum(normals @ LIGHT, 0)
    ahead = np.maximum(np.einsum('vi,vi->v', normals, view.towards_eye(vertices)), 0)
    return 0.30 + 0.35 * above + 0.55 * ahead


def _fixed(point: Array) -> tuple[int, int]:
    u, v = np.round(np.asarray(point) * 2**SHIFT).astype(int).tolist()
    return u, v


def _fixed_length(length: float) -> int:
    return round(length * 2**SHIFT)
