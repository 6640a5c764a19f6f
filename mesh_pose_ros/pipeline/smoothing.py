"""
Calm joints without making them late: the One-Euro filter (Casiez, Roussel, Vogel, CHI 2012).

A low-pass filter whose cutoff grows with speed: still joints are smoothed much, fast ones
hardly. Time is the images' stamps. A person's place and a person's posture are filtered apart:
the place carries the depth's noise, which would else open the filter of every joint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.people import Flags, Mesh, Person

Array = NDArray[np.floating]

PERSON_HEIGHT = 1.7  # metres; turns speeds in boxes per second into metres per second
LIMB = 0.3  # metres; turns the speed of a rotation into that of a limb's end
FORGET_AFTER = 1.0  # seconds without a sight after which a filter starts anew


@dataclass(frozen=True)
class SmoothingOptions:
    """
    How much to smooth.

    :param min_cutoff: cutoff for still joints, Hz; lower is calmer
    :param beta: cutoff gained per speed, Hz per metre per second; higher is less late
    :param d_cutoff: cutoff for the speed itself, Hz
    """

    enabled: bool = True
    min_cutoff: float = 1.5
    beta: float = 3.0
    d_cutoff: float = 1.0


@dataclass(frozen=True, eq=False)
class Filtered:
    """
    State of a One-Euro filter over points.

    :param values: (P, D)
    :param speeds: filtered derivative, (P, D) per second
    """

    values: Array
    speeds: Array

    def step(self, values: Array, elapsed: float, unit: float, how: SmoothingOptions) -> Filtered:
        """
        Take in the next values; a point that was none starts anew.

        :param elapsed: seconds, > 0
        :param unit: metres per unit of the values, for ``beta``
        """
        raw = (values - self.values) / elapsed
        speeds = self.speeds + _share(how.d_cutoff, elapsed) * (raw - self.speeds)
        # one cutoff for all coordinates of a point: smoothing must not depend on the axes
        speed = unit * np.linalg.norm(speeds, axis=-1, keepdims=True)
        share = _share(how.min_cutoff + how.beta * speed, elapsed)
        calmed = self.values + share * (values - self.values)
        known = np.isfinite(calmed).all(axis=-1, keepdims=True)
        return Filtered(np.where(known, calmed, values), np.where(known, speeds, 0.0))


def started(values: Array) -> Filtered:
    """Begin a filter at its first values."""
    return Filtered(values, np.zeros_like(values))


@dataclass(frozen=True, eq=False)
class Smoothed:
    """Filters of one person. ``rotations`` holds matrices as points of nine coordinates."""

    stamp: float
    pixels: Filtered
    place: Filtered
    posture: Filtered
    rotations: Filtered | None = None
    vertices: Filtered | None = None


class Smoother:
    """Filters per track."""

    def __init__(self) -> None:
        self._people: dict[int, Smoothed] = {}

    def reset(self) -> None:
        """Start all filters anew."""
        self._people = {}

    def __call__(
        self,
        people: Sequence[Person],
        stamp: float,
        options: SmoothingOptions = SmoothingOptions(),
    ) -> list[Person]:
        """
        Smooth the people of the next image.

        :param people: with their track ids
        :param stamp: of the image, seconds; a filter starts anew where time does not advance
        """
        if not options.enabled:
            self.reset()
            return list(people)
        kept = {i: s for i, s in self._people.items() if 0 < stamp - s.stamp <= FORGET_AFTER}
        now = {p.track_id: _advanced(kept.get(p.track_id), p, stamp, options) for p in people}
        self._people = {**kept, **now}
        return [_applied(now[person.track_id], person) for person in people]


def _advanced(
    before: Smoothed | None, person: Person, stamp: float, options: SmoothingOptions
) -> Smoothed:
    """Filters after taking in a person; the values of each are listed once, in `_values`."""
    values = _values(person)
    if before is None:
        return Smoothed(stamp, **{name: started(value) for name, value in values.items()})
    elapsed = stamp - before.stamp
    size = max(person.box.width, person.box.height, 1.0)
    units = {'pixels': PERSON_HEIGHT / size, 'rotations': LIMB}
    filters = {
        name: old.step(value, elapsed, units.get(name, 1.0), options)
        if (old := getattr(before, name)) is not None
        else started(value)
        for name, value in values.items()
    }
    return Smoothed(stamp, **filters)


def _values(person: Person) -> dict[str, Array]:
    place = person.pose.pelvis
    values = {
        'pixels': person.pose.joints2d,
        'place': place[None],
        'posture': person.pose.joints3d - place,
    }
    if person.mesh is not None:
        values['vertices'] = person.mesh.vertices - place
        if person.mesh.rotations is not None:
            values['rotations'] = person.mesh.rotations.reshape(-1, 9)
    return values


def _applied(smoothed: Smoothed, person: Person) -> Person:
    place = smoothed.place.values
    joints3d = smoothed.posture.values + place
    pose = replace(person.pose, joints2d=smoothed.pixels.values, joints3d=joints3d)
    mesh = person.mesh and _smooth_mesh(smoothed, person.mesh, place - person.pose.pelvis)
    return person.with_(pose=pose, mesh=mesh, flags=person.flags | Flags.SMOOTHED)


def _smooth_mesh(smoothed: Smoothed, mesh: Mesh, shift: Array) -> Mesh:
    vertices = smoothed.vertices.values + smoothed.place.values if smoothed.vertices else None
    rotations = smoothed.rotations
    return replace(
        mesh,
        vertices=mesh.vertices if vertices is None else vertices,
        joints=None if mesh.joints is None else mesh.joints + shift,
        rotations=None if rotations is None else _nearest_rotations(rotations.values),
    )


def _nearest_rotations(flat: Array) -> Array:
    """The rotations nearest to averaged matrices, (B, 3, 3)."""
    left, _, right = np.linalg.svd(flat.reshape(-1, 3, 3))
    left[..., -1] *= np.sign(np.linalg.det(left @ right))[:, None]
    return left @ right


def _share(cutoff: Array | float, elapsed: float) -> Array | float:
    """Share of the new value in a low-pass filter's step."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * elapsed))
