"""People of one image on all topics that somebody listens to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from time import perf_counter

from mesh_pose_ros.messages.images import image_message
from mesh_pose_ros.messages.markers import mesh_markers, skeleton_markers
from mesh_pose_ros.messages.people import human_meshes, person_array
from mesh_pose_ros.messages.transforms import transforms
from mesh_pose_ros.messages.types import encode
from mesh_pose_ros.ros.diagnostics import stage_times
from mesh_pose_ros.ros.frame import Frame, Publisher
from mesh_pose_ros.ros.humans import Humans
from mesh_pose_ros.ros.interface import NO_WORK
from mesh_pose_ros.ros.parameters import Value


class Outputs:
    """Publishes frames; remembers which tracks are drawn so that they can be taken away."""

    def __init__(self, publishers: Mapping[str, Publisher], humans: Humans | None = None) -> None:
        self.timings: dict[str, float] = {}  # seconds of the last frame: each message, sending
        self._publishers, self._humans = publishers, humans
        self._drawn: set[int] = set()

    def wanted(self, values: Mapping[str, Value]) -> bool:
        """Whether anybody listens to what needs inference."""
        quiet = {*NO_WORK, 'tf'} if values['publish.tf'] == 'none' else NO_WORK
        heard = any(self._heard(name) for name in self._publishers if name not in quiet)
        return heard or (self._humans is not None and self._humans.heard())

    def publish(
        self,
        frame: Frame,
        values: Mapping[str, Value],
        known: Collection[int] = (),
    ) -> None:
        """
        Send a frame on all topics that are heard.

        :param values: the node's parameters
        :param known: tracks that may come back; their markers are left to their lifetime
        """
        present = {person.track_id for person in frame.people}
        ended = sorted(self._drawn - present - set(known))
        self._drawn = (self._drawn | present) - set(ended)
        self.timings = {'publish': 0.0}
        for name, make in MAKERS.items():
            if self._heard(name):
                self._make_and_send(name, lambda make=make: make(frame, values, ended))  # type: ignore[misc]
        if values['publish.tf'] != 'none' and frame.people:
            self._make_and_send('tf', lambda: _tf(frame, values))
        if self._humans is not None:
            start = perf_counter()
            self._humans.publish(frame, known, bool(values['publish.rep155']))
            self.timings['rep155'] = perf_counter() - start

    def every_second(self, values: Mapping[str, Value], resting: bool) -> None:
        """Say again what newcomers wait for."""
        if self._humans is not None:
            self._humans.repeat(bool(values['publish.rep155']), resting)

    def close(self) -> None:
        """Take topics away that come and go with people."""
        if self._humans is not None:
            self._humans.close()

    def clear(self, frame: Frame, values: Mapping[str, Value]) -> None:
        """Take away everything that is drawn."""
        ended, self._drawn = sorted(self._drawn), set()
        for name in ('markers', 'mesh_markers'):
            if ended and self._heard(name):
                self.send(name, MAKERS[name](frame, values, ended))

    def publish_latency(self, frame: Frame, seconds: Mapping[str, float]) -> None:
        """Send how long each stage took."""
        if self._heard('latency'):
            self.send('latency', encode(stage_times(frame.stamp_ns, frame.frame_id, seconds)))

    def send(self, name: str, data: bytes) -> None:
        """Send a serialised message whether anybody listens or not."""
        self._publishers[name].publish(data)

    def _make_and_send(self, name: str, make: Callable[[], bytes]) -> None:
        start = perf_counter()
        data = make()
        made = perf_counter()
        self.send(name, data)
        self.timings[name] = made - start
        self.timings['publish'] += perf_counter() - made

    def _heard(self, name: str) -> bool:
        return self._publishers[name].get_subscription_count() > 0


Values = Mapping[str, Value]
Ended = Sequence[int]


def _persons(frame: Frame, values: Values, ended: Ended) -> bytes:
    return encode(
        person_array(
            frame.people, frame.camera, frame.stamp_ns, frame.frame_id,
            model_id=frame.model_id, latency=frame.latency,
        )
    )  # fmt: skip


def _meshes(frame: Frame, values: Values, ended: Ended) -> bytes:
    normals = bool(values['publish.normals'])
    msg = human_meshes(
        frame.people, frame.stamp_ns, frame.frame_id, model_id=frame.model_id, normals=normals
    )
    return encode(msg)


def _markers(frame: Frame, values: Values, ended: Ended) -> bytes:
    msg = skeleton_markers(
        frame.people, frame.stamp_ns, frame.frame_id, ended=ended,
        lifetime=float(values['publish.marker_lifetime_s']),
        min_confidence=float(values['publish.min_confidence']),
    )  # fmt: skip
    return encode(msg)


def _mesh_markers(frame: Frame, values: Values, ended: Ended) -> bytes:
    return mesh_markers(
        frame.people, frame.stamp_ns, frame.frame_id, ended=ended,
        lifetime=float(values['publish.marker_lifetime_s']),
        level=int(values['publish.mesh_level']),
    )  # fmt: skip


def _overlay(frame: Frame, values: Values, ended: Ended) -> bytes:
    from mesh_pose_ros.render import overlay  # drawing is not needed by most nodes

    picture = overlay(frame.image, frame.people, frame.camera)
    return encode(image_message(picture, frame.stamp_ns, frame.frame_id))


def _tf(frame: Frame, values: Values) -> bytes:
    contents = str(values['publish.tf'])
    return encode(transforms(frame.people, frame.stamp_ns, frame.frame_id, contents))


MAKERS = {  # output -> how its message is made
    'persons': _persons,
    'meshes': _meshes,
    'markers': _markers,
    'mesh_markers': _mesh_markers,
    'overlay': _overlay,
}
