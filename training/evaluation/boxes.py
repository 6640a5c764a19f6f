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
from mesh_pose_ros.people import Box, Person
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
    return curve_figures(every) | point_figures(used)


def curve_figures(every: Sequence[Finds]) -> dict[str, float]:
    """What all guesses say together, however low their scores."""
    sources = sorted({f.source for f in every if f.people})
    found = {f'ap50_{source}': _precision(every, source) for source in sources}
    good = [above(f, threshold(every)) for f in every]
    found['ap50'] = _precision(every)
    found['ap50_tolerated'] = _precision(good)
    found['recall_tolerated'] = _recall(good)
    return found


def point_figures(used: Sequence[Finds]) -> dict[str, float]:
    """What is right and wrong of that which is reported."""
    reported = sum(len(f.right) for f in used if not f.empty)
    return {
        'recall': _recall(used),
        'precision': _right(used) / max(reported, 1),
        'false_per_empty': _false_per_empty(used),
    }


def finds(people: Sequence[Person], photograph: Photograph) -> Finds:
    """Tell right from wrong in one picture."""
    return judged([p.box for p in people], [p.box.score * p.score for p in people], photograph)


def judged(found: Sequence[Box], ranks: Sequence[float], photograph: Photograph) -> Finds:
    """Tell right from wrong boxes, the highest rank choosing first."""
    boxes = np.array([box.xywh for box in found]).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    scores = np.array(ranks, float)
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
