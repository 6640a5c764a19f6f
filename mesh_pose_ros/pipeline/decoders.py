"""
What the outputs of public detectors mean.

Our own exports give ``boxes`` and ``scores`` as they are (*plain*). Exports of other projects
come with their own conventions; a card says which by ``options: {decoder: ...}``, names the
tensors under ``outputs`` and may say which class is a person (``person_class``, 0 in COCO).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.pipeline.candidates import Candidates
from mesh_pose_ros.runtime.card import ModelCard

Array = NDArray[np.floating]
Outputs = Mapping[str, NDArray[np.generic]]

YOLOX_STRIDES = (8, 16, 32)


def plain(outputs: Outputs, card: ModelCard) -> Candidates:
    """``boxes`` (1, A, 4) x1 y1 x2 y2 in input pixels, ``scores`` (1, A), maybe ``region``."""
    regions = outputs['region'][0] if 'region' in outputs else None
    return Candidates(outputs['boxes'][0], outputs['scores'][0], regions)


def yolox(outputs: Outputs, card: ModelCard) -> Candidates:
    """
    Megvii's YOLOX without decoding in the graph, its default export.

    One tensor (1, A, 5 + C): centre in cells from the cell's corner, log size in strides,
    objectness, classes; cells row by row, strides 8, 16, 32.
    """
    values = _only(outputs, card)[0]
    corners, strides = _grid(card)
    centres = (values[:, :2] + corners) * strides
    sizes = np.exp(np.minimum(values[:, 2:4], 20.0)) * strides
    scores = values[:, 4] * values[:, 5 + _person(card)]
    return Candidates(_corners(centres, sizes), scores)


def yolov8(outputs: Outputs, card: ModelCard) -> Candidates:
    """Ultralytics YOLOv8 and YOLO11: one tensor (1, 4 + C, A), x y w h in pixels, classes."""
    values = _only(outputs, card)[0].T
    return Candidates(_corners(values[:, :2], values[:, 2:4]), values[:, 4 + _person(card)])


def rtdetr(outputs: Outputs, card: ModelCard) -> Candidates:
    """
    RT-DETR without its post-processing.

    Two tensors: ``logits`` (1, Q, C) and ``pred_boxes`` (1, Q, 4), x y w h in parts of the
    input's sides.
    """
    assert card.image
    boxes = outputs['pred_boxes'][0] * np.tile([card.image.width, card.image.height], 2)
    logits = outputs['logits'][0][:, _person(card)].astype(float)
    scores = 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
    return Candidates(_corners(boxes[:, :2], boxes[:, 2:]), scores)


DECODERS: dict[str, Callable[[Outputs, ModelCard], Candidates]] = {
    'plain': plain,
    'yolox': yolox,
    'yolov8': yolov8,
    'rtdetr': rtdetr,
}


def _only(outputs: Outputs, card: ModelCard) -> Array:
    return np.asarray(outputs[next(iter(card.outputs))], dtype=float)


def _person(card: ModelCard) -> int:
    return int(card.options.get('person_class', 0))


def _corners(centres: Array, sizes: Array) -> Array:
    """Corners where pixel centres are at whole numbers; these networks begin at a pixel's edge."""
    centres = centres - 0.5
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=-1)


def _grid(card: ModelCard) -> tuple[Array, Array]:
    """Corner of every cell in cells, (A, 2), and its stride in pixels, (A, 1)."""
    assert card.image
    cells, strides = [], []
    for stride in YOLOX_STRIDES:
        across, down = card.image.width // stride, card.image.height // stride
        grid = np.stack(np.meshgrid(np.arange(across), np.arange(down)), axis=-1).reshape(-1, 2)
        cells.append(grid)
        strides.append(np.full((len(grid), 1), stride))
    return np.concatenate(cells).astype(float), np.concatenate(strides).astype(float)
