"""What a chain makes of some photographs, to be looked at: figures hide how things fail."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.render.overlay import overlay
from training.evaluation.boxes import FIELD_OF_VIEW, finds
from training.evaluation.chains import Chain
from training.evaluation.photographs import SOURCES, Photograph

PER_SOURCE = {'coco_mini_train': 8, 'pennfudan': 4}
CELL, COLUMNS = (400, 400), 4  # width and height of a picture on the sheet


def chosen(photographs: Sequence[Photograph]) -> list[Photograph]:
    """Pictures at even steps among those with people of some size, the same for every chain."""
    found = []
    for source in SOURCES:
        shown = [p for p in photographs if p.source == source and finds([], p).people]
        steps = np.linspace(0, len(shown) - 1, min(PER_SOURCE[source], len(shown)))
        found += [shown[round(step)] for step in steps]
    return found


def draw_sheet(chain: Chain, photographs: Sequence[Photograph], file: Path) -> None:
    """Write a picture of what the chain sees in the `chosen` photographs."""
    cells = [_cell(chain, photograph) for photograph in chosen(photographs)]
    cells += [np.zeros_like(cells[0])] * (-len(cells) % COLUMNS)
    rows = [np.hstack(cells[i : i + COLUMNS]) for i in range(0, len(cells), COLUMNS)]
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), np.vstack(rows)[..., ::-1])


def _cell(chain: Chain, photograph: Photograph) -> NDArray[np.uint8]:
    """Overlay of one photograph, fitted into a cell."""
    image = photograph.image()
    height, width = image.shape[:2]
    camera = Camera.from_fov(FIELD_OF_VIEW, (width, height))
    drawn = overlay(image, chain.people(image, camera), camera)
    scale = min(CELL[0] / width, CELL[1] / height)
    size = (round(width * scale), round(height * scale))
    cell = np.zeros((CELL[1], CELL[0], 3), np.uint8)
    cell[: size[1], : size[0]] = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)
    return cell
