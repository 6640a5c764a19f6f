"""
Which library runs a graph where nobody says: the one that really works, and really is faster.

A GPU by TensorRT comes first. Without one, ONNX Runtime runs the graph, unless OpenVINO is
installed and some calls show that it is clearly faster here: near a draw the choice would change
from start to start, and with it the last digits of every number.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BackendUnavailableError, ModelError
from mesh_pose_ros.runtime.card import INTRINSICS, ModelCard

if TYPE_CHECKING:
    from mesh_pose_ros.runtime.session import Session

Opener = Callable[[], 'Session']

CLEARLY = 1.2  # times as fast
CALLS = 5  # of each, of which the fastest counts


def chosen(
    card: ModelCard,
    openers: Mapping[str, Opener],
    best: str,
    others: tuple[str, ...],
) -> Session:
    """
    Open the best session that works.

    :param openers: of each backend
    :param best: taken wherever it works
    :param others: the first is taken unless a later one is clearly faster
    """
    log = logging.getLogger(__name__)
    found = _working(card, best, openers[best])
    if found is not None:
        log.info('%s runs in %s', card.name, best)
        return found
    first, *rest = others
    session, taken = openers[first](), first
    for name in rest:
        rival = _working(card, name, openers[name])
        if rival is None or not _can_be_tried(card):
            continue
        slow, fast = milliseconds(session, card), milliseconds(rival, card)
        log.info('%s: %s %.1f ms, %s %.1f ms', card.name, taken, slow, name, fast)
        if slow > CLEARLY * fast:
            session, taken = rival, name
    log.info('%s runs in %s', card.name, taken)
    return session


def _working(card: ModelCard, name: str, opener: Opener) -> Session | None:
    log = logging.getLogger(__name__)
    try:
        return opener()
    except BackendUnavailableError as err:
        log.info('%s does not run in %s: %s', card.name, name, err)
    except ModelError as err:
        log.warning('%s does not run in %s: %s', card.name, name, err)
    return None


def _can_be_tried(card: ModelCard) -> bool:
    return card.image is not None and 'frame' not in card.options and card.kind != 'refine'


def milliseconds(session: Session, card: ModelCard) -> float:
    """How long a call takes, the fastest of some."""
    feed, times = example_of(card, session.inputs), []
    for _ in range(CALLS):
        start = perf_counter()
        session(**feed)
        times.append(perf_counter() - start)
    return 1e3 * min(times)


def example_of(card: ModelCard, inputs: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    """What such a graph takes: a grey picture, and its camera if that is an input."""
    image = card.image
    assert image
    shape = (image.height, image.width, 3)
    if image.layout == 'nchw':
        shape = (3, image.height, image.width)
    feed = {image.name: np.full((1, *shape), 1, image.dtype)}
    if INTRINSICS in inputs:
        feed[INTRINSICS] = np.diag([image.width, image.width, 1])[None].astype(np.float32)
    return feed
