"""How good an estimate is; functions on arrays, distances in space in millimetres."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.geometry.alignment import aligned
from mesh_pose_ros.pipeline.candidates import overlaps
from mesh_pose_ros.skeletons import COCO17

Array = NDArray[np.floating]
MILLIMETRES = 1000.0
FALSE, IGNORED = -1, -2  # what a box may mean instead of a person
MOSTLY = 0.5  # a box with more than this of its area in a crowd is part of the crowd
TORSO = (('left_shoulder', 'right_hip'), ('right_shoulder', 'left_hip'))
# how far apart annotators of COCO place each joint, parts of the square root of the area
COCO_SIGMAS = np.array(
    [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]
) / 1000  # fmt: skip


def mean_error(found: ArrayLike, truth: ArrayLike) -> Array:
    """Mean distance of each sample's points, (N, P, 3) metres to (N,) millimetres."""
    distance = np.linalg.norm(np.asarray(found) - np.asarray(truth), axis=-1)
    return distance.mean(axis=-1) * MILLIMETRES


def aligned_error(found: ArrayLike, truth: ArrayLike) -> Array:
    """Mean distance after the best similarity of each sample (PA), (N,) millimetres."""
    return mean_error(aligned(found, truth), truth)


def angle_error(found: ArrayLike, truth: ArrayLike) -> Array:
    """Mean angle between rotations, (N, J, 3, 3) to (N,) degrees."""
    product = np.einsum('...ij,...ij->...', np.asarray(found), np.asarray(truth))
    return np.degrees(np.arccos(np.clip((product - 1) / 2, -1, 1))).mean(axis=-1)


def matched_boxes(
    boxes: ArrayLike,
    scores: ArrayLike,
    truth: ArrayLike,
    ignored: ArrayLike,
    overlap: float = 0.5,
) -> NDArray[np.int64]:
    """
    Which boxes of one picture mean a person, the best scored ones choosing first.

    :param boxes, scores: x1 y1 x2 y2 (K, 4) and (K,)
    :param truth: people that count, (M, 4)
    :param ignored: people and crowds whose boxes are neither right nor wrong, (I, 4)
    :return: (K,) index of the person, `FALSE` or `IGNORED`
    """
    boxes, truth, ignored = (np.reshape(b, (-1, 4)).astype(float) for b in (boxes, truth, ignored))
    shared = overlaps(boxes, truth)
    forgiven = (overlaps(boxes, ignored) >= overlap).any(1) | _mostly_in(boxes, ignored)
    means: NDArray[np.int64] = np.where(forgiven, IGNORED, FALSE)
    for box in np.argsort(-np.asarray(scores), kind='stable'):
        best = int(np.argmax(shared[box])) if len(truth) else 0
        if len(truth) and shared[box, best] >= overlap:
            means[box] = best
            shared[:, best] = -1
    return means


def _mostly_in(boxes: Array, regions: Array) -> NDArray[np.bool_]:
    low = np.maximum(boxes[:, None, :2], regions[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=-1)
    area = np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 1e-9, None), axis=-1)
    return np.asarray(np.any(shared > MOSTLY * area[:, None], axis=1))


def average_precision(scores: ArrayLike, right: ArrayLike, people: int) -> float:
    """
    Area under the curve of the best precision at each recall (Pascal VOC 2010, AP).

    :param scores, right: of all boxes of all pictures, ignored ones left out, (K,)
    :param people: how many there are to find
    """
    order = np.argsort(-np.asarray(scores), kind='stable')
    hits = np.cumsum(np.asarray(right, bool)[order])
    precision = hits / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((best * np.diff(hits, prepend=0)).sum() / max(people, 1))


def torso_lengths(joints: ArrayLike, seen: ArrayLike) -> Array:
    """
    Mean of the labelled lines from a shoulder to the opposite hip.

    :param joints, seen: COCO's joints (N, 17, 2) and whether they are labelled (N, 17)
    :return: (N,) pixels, NaN where neither line is labelled
    """
    joints, seen = np.asarray(joints, float), np.asarray(seen, bool)
    ends = np.array([COCO17.places_of(names) for names in TORSO])  # (2, 2)
    lengths = np.linalg.norm(joints[:, ends[:, 0]] - joints[:, ends[:, 1]], axis=-1)
    known = np.asarray(seen[:, ends].all(-1), bool)
    with np.errstate(invalid='ignore'):
        return (lengths * known).sum(1) / np.where(known.any(1), known.sum(1), np.nan)


def near_joints(found: ArrayLike, truth: ArrayLike, reach: ArrayLike) -> NDArray[np.bool_]:
    """Whether joints (N, J, 2) are within ``reach`` (N,) of their places, (N, J); for PCK."""
    distance = np.linalg.norm(np.asarray(found) - np.asarray(truth), axis=-1)
    return distance <= np.asarray(reach)[:, None]


def swapped_joints(
    found: ArrayLike, truth: ArrayLike, seen: ArrayLike, reach: ArrayLike
) -> NDArray[np.bool_]:
    """
    Joints that are not at their own place but at that of their fellow on the other side.

    :param found, truth: COCO's joints, (N, 17, 2)
    :param seen: labelled, (N, 17)
    :return: (N, 17)
    """
    truth, other = np.asarray(truth), COCO17.mirror
    theirs = near_joints(found, truth[:, other], reach) & np.asarray(seen, bool)[:, other]
    return theirs & ~near_joints(found, truth, reach) & (other != np.arange(len(COCO17)))


def object_keypoint_similarity(
    found: ArrayLike, truth: ArrayLike, seen: ArrayLike, area: ArrayLike
) -> Array:
    """
    OKS of COCO: 1 where all labelled joints are where people marked them.

    :param found, truth: COCO's joints, (N, 17, 2)
    :param seen: labelled, (N, 17)
    :param area: of the person, (N,), square pixels
    :return: (N,)
    """
    square = np.square(np.asarray(found) - np.asarray(truth)).sum(-1)
    spread = 2 * np.asarray(area)[:, None] * np.square(2 * COCO_SIGMAS)
    like = np.exp(-square / np.maximum(spread, 1e-9)) * seen
    return like.sum(1) / np.maximum(np.asarray(seen).sum(1), 1)
