"""
How well a chain finds people in photographs.

People count from 60 pixels of height on; smaller ones and crowds are neither right nor wrong.
A person is ranked by the product of the detector's score and the crop network's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Person
from training.evaluation.chains import Chain
from training.evaluation.photographs import Photograph
from training.metrics import IGNORED, average_precision, matched_boxes

LEAST_HEIGHT = 60.0  # pixels
FALSE_PER_EMPTY = 0.15  # false boxes per person-free picture that are tolerated
FIELD_OF_VIEW = 60.0  # degrees; nothing is known of the photographs' cameras


@dataclass(frozen=True, eq=False)
class Finds:
    """
    What was found in one picture.

    :param scores: (K,)
    :param right: whether it is one of the people, (K,)
    :param people: how many count
    """

    source: str
    scores: NDArray[np.floating]
    right: NDArray[np.bool_]
    people: int
    empty: bool


def measure_boxes(chain: Chain, photographs: Sequence[Photograph]) -> dict[str, float]:
    """Detection figures by name; see `training.evaluation.table` for what they mean."""
    used, every = [], []
    for photograph in track(photographs, f'{chain.name}: boxes'):
        image = photograph.image()
        camera = Camera.from_fov(FIELD_OF_VIEW, (image.shape[1], image.shape[0]))
        used.append(finds(chain.people(image, camera), photograph))
        every.append(finds(chain.people(image, camera, every_guess=True), photograph))
    found = {f'ap50_{s}': _precision(every, s) for s in sorted({f.source for f in every})}
    tolerated = threshold(every)
    found = {name: value for name, value in found.items() if np.isfinite(value)}
    found['ap50'] = _precision(every)
    found['ap50_tolerated'] = _precision([above(f, tolerated) for f in every])
    found['recall_tolerated'] = _recall([above(f, tolerated) for f in every])
    found['recall'] = _recall(used)
    found['precision'] = _right(used) / max(sum(len(f.right) for f in used if not f.empty), 1)
    found['false_per_empty'] = _false_per_empty(used)
    return found


def finds(people: Sequence[Person], photograph: Photograph) -> Finds:
    """Tell right from wrong in one picture."""
    boxes = np.array([p.box.xywh for p in people]).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    scores = np.array([p.box.score * p.score for p in people])
    heights = photograph.boxes[:, 3] - photograph.boxes[:, 1]
    small = (heights < LEAST_HEIGHT) | photograph.crowd
    truth, ignored = photograph.boxes[~small], photograph.boxes[small]
    means = matched_boxes(boxes, scores, truth, ignored)
    counted = means != IGNORED
    empty = len(photograph.boxes) == 0
    return Finds(photograph.source, scores[counted], means[counted] >= 0, len(truth), empty)


def above(found: Finds, score: float) -> Finds:
    """Only what scores more."""
    good = found.scores > score
    return Finds(found.source, found.scores[good], found.right[good], found.people, found.empty)


def threshold(found: Sequence[Finds]) -> float:
    """The least score above which pictures without people show few enough false boxes."""
    empty = [f.scores for f in found if f.empty]
    scores = np.sort(np.concatenate([*empty, np.zeros(0)]))[::-1]
    allowed = int(FALSE_PER_EMPTY * len(empty))
    return float(scores[allowed]) if len(scores) > allowed else 0.0


def _precision(found: Sequence[Finds], source: str = '') -> float:
    chosen = [f for f in found if source in ('', f.source)]
    people = sum(f.people for f in chosen)
    if not people:
        return float('nan')
    scores = np.concatenate([f.scores for f in chosen])
    return average_precision(scores, np.concatenate([f.right for f in chosen]), people)


def _right(found: Sequence[Finds]) -> int:
    return int(sum(f.right.sum() for f in found))


def _recall(found: Sequence[Finds]) -> float:
    return _right(found) / max(sum(f.people for f in found), 1)


def _false_per_empty(found: Sequence[Finds]) -> float:
    empty = [len(f.scores) for f in found if f.empty]
    return float(np.mean(empty)) if empty else float('nan')
