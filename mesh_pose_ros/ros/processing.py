"""
From the bytes of an image message to published people, whatever comes.

A bad image is counted and reported once per kind, and the next one is tried.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from mesh_pose_ros.errors import BadCameraError, BadImageError
from mesh_pose_ros.messages.images import to_rgb
from mesh_pose_ros.messages.types import decode, stamp_ns
from mesh_pose_ros.people import TrackState
from mesh_pose_ros.pipeline.mesh_pose import MeshPose
from mesh_pose_ros.pipeline.tracking import LATE
from mesh_pose_ros.ros.camera_watch import CameraMissingError, CameraWatch
from mesh_pose_ros.ros.diagnostics import Finding
from mesh_pose_ros.ros.frame import Frame
from mesh_pose_ros.ros.outputs import Outputs
from mesh_pose_ros.ros.parameters import Value, options_from
from mesh_pose_ros.ros.statistics import Complaints, Statistics, kind_of

OVERTAKEN = round(LATE * 1e9)  # nanoseconds


class Log(Protocol):
    """What is needed of a logger."""

    def info(self, text: str) -> Any:
        """Say what happened."""

    def warning(self, text: str) -> Any:
        """Say what is odd."""

    def error(self, text: str) -> Any:
        """Say what went wrong."""


@dataclass(frozen=True)
class Arrival:
    """A serialised image message, its type and when it came (monotonic seconds)."""

    data: bytes
    kind: str
    time: float


class Processing:
    """
    The node's work on images; call it with one `Arrival` after another.

    :param values: the node's parameters
    """

    def __init__(
        self,
        pipeline: MeshPose,
        watch: CameraWatch,
        outputs: Outputs,
        statistics: Statistics,
        log: Log,
        values: Mapping[str, Value],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pipeline, self.watch, self.outputs = pipeline, watch, outputs
        self.enabled = True
        self.is_resting = False
        self._values = values
        self._statistics, self._log, self._clock = statistics, log, clock
        self._complaints = Complaints(clock)
        self._last_stamp = -1
        self._reset_wanted = False

    def reset(self) -> None:
        """Forget everybody before the next image; may be called from any thread."""
        self._reset_wanted = True

    def change(self, values: Mapping[str, Value]) -> None:
        """Go on with other dynamic parameters; may be called from any thread."""
        self._values = values
        self.pipeline.options = options_from(values)

    def camera_finding(self) -> Finding:
        """The state of the camera, for diagnostics."""
        return self.watch.finding(self._fallback)

    @property
    def _fallback(self) -> float:
        return float(self._values['camera.fallback_hfov_deg'])

    def __call__(self, arrival: Arrival) -> None:
        """Process an image and never raise."""
        try:
            self._process(arrival)
        except CameraMissingError:
            self._statistics.counts['waiting'] += 1
        except (BadImageError, BadCameraError) as err:
            self._report(str(err))
        except Exception as err:
            # a bug or a model's fault in one image must not end the stream
            self._report(f'an image failed: {err!r}\n{traceback.format_exc()}')

    def _report(self, text: str) -> None:
        self._statistics.bad(kind_of(text.split('\n')[0]))
        if self._complaints.is_new(text):
            self._log.error(f'image left out: {text}')

    def _process(self, arrival: Arrival) -> None:
        start = self._clock()
        msg = decode(arrival.data, arrival.kind)
        stamp = stamp_ns(msg) or self._time_of(arrival)
        if self._is_skipped(stamp):
            self._statistics.counts['skipped'] += 1
            return
        image = to_rgb(msg)
        size = (image.shape[1], image.shape[0])
        camera = self.watch.camera_for(size, self._fallback)
        frame = Frame(image, camera, stamp, self._frame_id(msg), (), self.pipeline.model_id, 0.0)
        self._keep_time(frame)
        decoded = self._clock()
        people = self.pipeline(image, camera, stamp / 1e9)
        found = self._clock()
        frame = replace(frame, people=people, latency=found - arrival.time)
        self.outputs.publish(frame, self._values, self._known_tracks())
        end = self._clock()
        networks = self.pipeline.inference_time
        seconds = {
            'wait': start - arrival.time,
            'decode': decoded - start,
            **self.pipeline.timings,
            **self.outputs.timings,
            'networks': networks,
            'own': end - start - networks,
            'total': end - arrival.time,
        }
        self.outputs.publish_latency(frame, seconds)
        self._statistics.finished(seconds, len(people), self.pipeline.left_out)

    def _time_of(self, arrival: Arrival) -> int:
        """The time of day when an image came, nanoseconds, for one that does not say."""
        if self._complaints.is_new('no stamp'):
            self._log.warning('images have no stamp: the time when they come is taken')
        return time.time_ns() - round((self._clock() - arrival.time) * 1e9)

    def _is_skipped(self, stamp: int) -> bool:
        """Whether this image is not for us: resting, overtaken, or over the rate asked for."""
        lazy = self._values['publish.lazy'] and not self.outputs.wanted(self._values)
        self.is_resting = bool(lazy) or not self.enabled
        rate = float(self._values['image.max_rate_hz'])
        since = stamp - self._last_stamp
        # a little less than the period, since the stamps of a steady camera still jitter
        soon = rate > 0 and 0 <= since < 0.9e9 / rate
        return self.is_resting or soon or -OVERTAKEN < since < 0

    def _frame_id(self, msg: Any) -> str:
        frame_id = str(self._values['image.frame_override'] or msg.header.frame_id)
        if not frame_id.endswith('optical_frame') and self._complaints.is_new('frame ' + frame_id):
            self._log.warning(
                f"the frame of the image is {frame_id!r}; results are in a camera's optical axes "
                '(x right, y down, z forward), whose frames end in _optical_frame by REP 103; '
                'set image.frame_override if the driver cannot'
            )
        return frame_id or 'camera'

    def _keep_time(self, frame: Frame) -> None:
        """Start anew when asked to or when time goes far back, as when a bag starts again."""
        went_back = frame.stamp_ns < self._last_stamp
        if went_back:
            seconds = (self._last_stamp - frame.stamp_ns) / 1e9
            self._log.info(f'time went back by {seconds:.3f} s: tracks start anew')
        self._last_stamp = frame.stamp_ns
        if went_back or self._reset_wanted:
            self._reset_wanted = False
            self.pipeline.reset()
            self.outputs.clear(frame, self._values)

    def _known_tracks(self) -> set[int]:
        return {t.track_id for t in self.pipeline.tracks if t.state != TrackState.LOST}
