"""How long a chain takes on one thread."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import cv2
import numpy as np

from training.evaluation.chains import Chain
from training.evaluation.scenes import Truth

ROUNDS, CALLS = 6, 8
LOOKED_AT = 60  # scenes


def measure_speed(chain: Chain, scenes: Sequence[Truth]) -> dict[str, float]:
    """
    Milliseconds for a 640 x 480 picture with one person, mesh included, detector included.

    The median of the quickest round: other work on the machine only ever adds time. Without a
    picture in which the chain finds exactly one person there is no figure.
    """
    cv2.setNumThreads(1)
    for scene in scenes[:LOOKED_AT]:
        if len(chain.people(scene.image, scene.camera)) == 1:
            return _timed(chain, scene)
    return {}


def _timed(chain: Chain, scene: Truth) -> dict[str, float]:
    whole, detection = [], []
    for _ in range(ROUNDS):
        times = []
        for _ in range(CALLS):
            start = perf_counter()
            chain.people(scene.image, scene.camera)
            times.append((perf_counter() - start, chain.pose.timings['detect']))
        total, detect = np.median(times, axis=0)
        whole.append(total)
        detection.append(detect)
    best = int(np.argmin(whole))
    return {'ms': whole[best] * 1000, 'ms_detect': detection[best] * 1000}
