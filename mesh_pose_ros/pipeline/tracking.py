"""
Who is who from image to image.

People are matched by the overlap of their boxes and by the distance of their pelves in metres,
whose motion is foreseen; the best pairs are taken first. A number once given to somebody is
never given again, also after a reset. Time is the images' stamps, so a bag played at any speed
gives the same tracks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.people import Person, TrackState
from mesh_pose_ros.pipeline.candidates import overlaps

Array = NDArray[np.floating]

REACH = 0.5  # metres between where somebody is foreseen and found, that depth noise explains
SPEED = 2.0  # metres per second that somebody may change course by
FORESEEN_AT_MOST = 0.5  # seconds; nobody walks straight on for long
LATE = 0.5  # seconds by which an image may be overtaken by others before time went back
VELOCITY_CUTOFF = 1.0  # Hz; frame to frame differences are mostly noise of the depth


@dataclass(frozen=True)
class TrackingOptions:
    """
    How people are followed.

    :param enabled: off: people are numbered from `first_id` in every image
    :param max_age_s: how long somebody unseen is remembered, seconds
    :param min_hits: images somebody is seen in before the track is certain
    :param iou: least overlap of boxes of the same person in two images, 0 to 1
    :param first_id: number of the first person, where others follow people too
    """

    enabled: bool = True
    max_age_s: float = 1.0
    min_hits: int = 3
    iou: float = 0.2
    first_id: int = 1


@dataclass(frozen=True, eq=False)
class Track:
    """
    Somebody followed.

    :param person: as last seen
    :param pelvis: camera frame, (3,), metres
    :param velocity: of the pelvis, (3,), metres per second
    :param begun, seen: stamps of the first and the last sight, seconds
    :param hits: number of images the person was seen in
    """

    track_id: int
    person: Person
    pelvis: Array
    velocity: Array
    begun: float
    seen: float
    hits: int
    state: TrackState

    def foreseen(self, stamp: float) -> Array:
        """Where the pelvis should be by now, (3,), metres."""
        return self.pelvis + self.velocity * min(stamp - self.seen, FORESEEN_AT_MOST)


class Tracker:
    """Gives numbers to people; see `Tracker.update`."""

    def __init__(self) -> None:
        self._tracks: tuple[Track, ...] = ()
        self._next_id = 0
        self._stamp = -np.inf

    @property
    def tracks(self) -> tuple[Track, ...]:
        """
        Everybody known after the last image.

        The unseen are OCCLUDED; those given up at the last image are LOST and still listed.
        """
        return self._tracks

    def reset(self) -> None:
        """Forget everybody; their numbers stay taken."""
        self._tracks, self._stamp = (), -np.inf

    def update(
        self, people: Sequence[Person], stamp: float, options: TrackingOptions = TrackingOptions()
    ) -> list[Person]:
        """
        Recognise the people of the next image.

        :param stamp: of the image, seconds; going back by more than `LATE` resets, and an
            image that others have overtaken counts as taken when they were
        :return: the same people with track_id, state, age and velocity
        """
        if not options.enabled:
            self.reset()
            return [person.with_(track_id=i) for i, person in enumerate(people, options.first_id)]
        if stamp < self._stamp - LATE:
            self.reset()
        self._stamp = stamp = max(stamp, self._stamp)
        before = [track for track in self._tracks if track.state != TrackState.LOST]
        living = [track for track in before if _lives(track, stamp, options)]
        pelves = [person.pose.pelvis for person in people]
        pairs = _pairs(living, people, pelves, stamp, options)
        seen = [
            _continued(living[pairs[i]], person, pelves[i], stamp, options)
            if i in pairs
            else self._begun(person, pelves[i], stamp, options)
            for i, person in enumerate(people)
        ]
        known = {living[k].track_id for k in pairs.values()}
        missed = [t for t in before if t.track_id not in known]
        self._tracks = (*seen, *(_unseen(track, stamp, options) for track in missed))
        return [track.person for track in seen]

    def _begun(
        self, person: Person, pelvis: Array, stamp: float, options: TrackingOptions
    ) -> Track:
        track_id = max(self._next_id, options.first_id)
        self._next_id = track_id + 1
        state = TrackState.TRACKED if options.min_hits <= 1 else TrackState.TENTATIVE
        still = np.zeros(3)
        known = person.with_(track_id=track_id, state=state, age=0.0, velocity=still)
        return Track(track_id, known, pelvis, still, stamp, stamp, 1, state)


def _pairs(
    tracks: Sequence[Track],
    people: Sequence[Person],
    pelves: Sequence[Array],
    stamp: float,
    options: TrackingOptions,
) -> dict[int, int]:
    """Person -> track, best match first."""
    if not tracks or not people:
        return {}
    overlap = overlaps(_corners(people), _corners([track.person for track in tracks]))
    gaps = np.stack(pelves)[:, None] - np.stack([track.foreseen(stamp) for track in tracks])
    reach = REACH + SPEED * np.array([stamp - track.seen for track in tracks])
    near = np.clip(1 - np.linalg.norm(gaps, axis=-1) / reach, 0, 1)
    likeness = np.where((overlap >= options.iou) | (near > 0.5), overlap + near, 0.0)
    return _greedy(likeness)


def _greedy(likeness: Array) -> dict[int, int]:
    """Row -> column, largest entries first; entries of 0 never pair."""
    likeness, pairs = likeness.copy(), {}
    while likeness.max() > 0:
        row, column = np.unravel_index(np.argmax(likeness), likeness.shape)
        pairs[int(row)] = int(column)
        likeness[row, :] = likeness[:, column] = 0
    return pairs


def _corners(people: Sequence[Person]) -> Array:
    boxes = np.stack([person.box.xywh for person in people])
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def _continued(
    track: Track, person: Person, pelvis: Array, stamp: float, options: TrackingOptions
) -> Track:
    hits, age = track.hits + 1, stamp - track.begun
    velocity = _velocity(track, pelvis, stamp - track.seen)
    certain = hits >= options.min_hits or track.state in (TrackState.TRACKED, TrackState.OCCLUDED)
    state = TrackState.TRACKED if certain else TrackState.TENTATIVE
    known = person.with_(track_id=track.track_id, state=state, age=age, velocity=velocity)
    return replace(
        track, person=known, pelvis=pelvis, velocity=velocity, seen=stamp, hits=hits, state=state
    )


def _velocity(track: Track, pelvis: Array, elapsed: float) -> Array:
    """The track's velocity after a step, low-pass filtered."""
    if elapsed <= 0:
        return track.velocity
    share = 1 / (1 + 1 / (2 * np.pi * VELOCITY_CUTOFF * elapsed))
    return track.velocity + share * ((pelvis - track.pelvis) / elapsed - track.velocity)


def _lives(track: Track, stamp: float, options: TrackingOptions) -> bool:
    return track.state != TrackState.LOST and stamp - track.seen <= options.max_age_s


def _unseen(track: Track, stamp: float, options: TrackingOptions) -> Track:
    """Somebody not found in this image; who was never certain is given up at once."""
    keep = _lives(track, stamp, options) and track.state != TrackState.TENTATIVE
    state = TrackState.OCCLUDED if keep else TrackState.LOST
    return replace(track, state=state, person=track.person.with_(state=state))
