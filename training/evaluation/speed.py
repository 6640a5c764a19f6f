"""How long a chain takes on one thread."""

from __future__ import annotations

from collections.abc import Sequence
from time import process_time

import cv2
import numpy as np

from training.evaluation.chains import Chain
from training.evaluation.scenes import Truth

ROUNDS, CALLS = 8, 8
LOOKED_AT = 60  # scenes


def measure_speed(chain: Chain, scenes: Sequence[Truth]) -> dict[str, float]:
    """
    Milliseconds for a 640 x 480 picture with one person, mesh included, detector included.

    Processor time of this one thread, the median of the quickest round: other work on the
    machine only ever adds. Detection is the shortest wait for it. Without a picture in which the
    chain finds exactly one person there is no figure.
    """
    cv2.setNumThreads(1)
    for scene in scenes[:LOOKED_AT]:
        if len(chain.people(scene.image, scene.camera)) == 1:
            return _timed(chain, scene)
    return {}


def _timed(chain: Chain, scene: Truth) -> dict[str, float]:
    whole, detection = [], []
    for _ in range(ROUNDS):
        totals, waits = [], []
        for _ in range(CALLS):
            start = process_time()
            chain.people(scene.image, scene.camera)
            totals.append(process_time() - start)
            waits.append(chain.pose.timings['detect'])
        whole.append(np.median(totals))
        detection.append(np.min(waits))
    return {'ms': np.min(whole) * 1000, 'ms_detect': np.min(detection) * 1000}
