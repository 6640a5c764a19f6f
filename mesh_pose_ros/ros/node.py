"""
The lifecycle node: images in, people out.

It declares, subscribes, publishes and reports; the work on images is in
`mesh_pose_ros.ros.processing` and the maths below that.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter as RosParameter
from sensor_msgs.msg import CameraInfo
from std_srvs.srv import SetBool, Trigger

from mesh_pose_ros.errors import MeshPoseError
from mesh_pose_ros.messages.people import skeleton_model
from mesh_pose_ros.messages.types import decode, encode
from mesh_pose_ros.pipeline.mesh_pose import MeshPose
from mesh_pose_ros.ros.camera_watch import CameraWatch
from mesh_pose_ros.ros.declaration import declare
from mesh_pose_ros.ros.diagnostics import ERROR, OK, WARN, Finding, array, figures, status
from mesh_pose_ros.ros.humans import Humans
from mesh_pose_ros.ros.interface import NODE, OUTPUTS
from mesh_pose_ros.ros.log import pass_on
from mesh_pose_ros.ros.message_classes import message_class
from mesh_pose_ros.ros.outputs import Outputs
from mesh_pose_ros.ros.parameters import BY_NAME, options_from
from mesh_pose_ros.ros.processing import Arrival, Processing
from mesh_pose_ros.ros.qos import best_for, profile
from mesh_pose_ros.ros.session import ros
from mesh_pose_ros.ros.statistics import Complaints, Statistics
from mesh_pose_ros.ros.worker import Worker

IMAGES = {  # transport -> end of the topic's name, type
    'raw': ('', 'sensor_msgs/Image'),
    'compressed': ('/compressed', 'sensor_msgs/CompressedImage'),
}
QUIET_AFTER = 3.0  # seconds without an image until diagnostics warn
REMIND_EVERY = 5  # seconds between two words about a missing or bad CameraInfo
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class MeshPoseNode(LifecycleNode):
    """Metric 3D people from one camera. See docs/interface.md."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(NODE, **kwargs)
        self.values = declare(self)
        self.statistics = Statistics()
        self._processing: Processing | None = None  # from configure to cleanup
        self._worker: Worker[Arrival] | None = None  # while active
        self._outgoing: list[Any] = []
        self._incoming: list[Any] = []  # the images are the last
        self._reliability = 'best_effort'  # of the images
        self._last_arrival = time.monotonic()
        self._reminder = 0
        self._complaints = Complaints()
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self.create_service(Trigger, '~/reset_tracker', self._on_reset)
        self.create_service(SetBool, '~/set_enabled', self._on_enable)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', profile(1))
        # a wall clock: diagnostics shall come when simulated time stands still
        self.create_timer(1.0, self._on_second, clock=Clock(clock_type=ClockType.STEADY_TIME))

    # Life cycle

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the networks; fails with a message if they cannot be."""
        try:
            pipeline = MeshPose.open(options_from(self.values))
        except MeshPoseError as err:
            self.get_logger().fatal(f'cannot configure: {err}')
            return FAILURE
        except Exception:  # rclpy swallows what a transition raises
            self.get_logger().fatal(f'cannot configure:\n{traceback.format_exc()}')
            return FAILURE
        topic = self.resolve_topic_name('camera_info')
        watch = CameraWatch(topic, rectified=bool(self.values['camera.rectified']))
        self._processing = Processing(
            pipeline, watch, self._outputs(), self.statistics, self.get_logger(), self.values
        )
        self.get_logger().info(f'model {pipeline.model_id} is loaded')
        return super().on_configure(state)

    def _outputs(self) -> Outputs:
        publishers = {
            name: self.create_lifecycle_publisher(
                message_class(topic.kind), topic.name, profile(topic.depth, latched=topic.latched)
            )
            for name, topic in OUTPUTS.items()
            if name != 'diagnostics'
        }
        self._outgoing = list(publishers.values())
        return Outputs(publishers, Humans(self))

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe, tell the skeleton, start to work."""
        result = super().on_activate(state)
        assert self._processing is not None
        pipeline = self._processing.pipeline
        model = skeleton_model(pipeline.model_id, pipeline.skeleton, pipeline.topology)
        self._processing.outputs.send('skeleton_model', encode(model))
        self._processing.outputs.every_second(self.values, resting=False)
        self._worker = Worker(self._processing)
        self._subscribe()
        return result

    def _subscribe(self) -> None:
        infos = self.create_subscription(
            CameraInfo, 'camera_info', self._on_camera_info, profile(1, 'best_effort'), raw=True
        )
        asked = str(self.values['image.reliability'])
        self._reliability = 'best_effort' if asked == 'auto' else asked
        self._incoming = [infos, self._image_subscription()]
        self._last_arrival = time.monotonic()
        self.get_logger().info(f'waiting for images on {self._incoming[-1].topic_name}')

    def _image_subscription(self) -> Any:
        suffix, kind = IMAGES[str(self.values['image.transport'])]

        def on_image(data: bytes) -> None:
            self._on_image(Arrival(data, kind, time.monotonic()))

        # raw: an image that a newer one replaces is never deserialised
        return self.create_subscription(
            message_class(kind),
            self.resolve_topic_name('image') + suffix,
            on_image,
            profile(1, self._reliability),
            raw=True,
        )

    def _suit_publishers(self) -> None:
        """Subscribe again where the publishers allow more, or less, than was asked of them."""
        if self.values['image.reliability'] != 'auto' or not self._incoming:
            return
        topic = self._incoming[-1].topic_name
        publishers = self.get_publishers_info_by_topic(topic)
        if not publishers or best_for(publishers) == self._reliability:
            return
        self._reliability = best_for(publishers)
        self.destroy_subscription(self._incoming.pop())
        self._incoming.append(self._image_subscription())
        self.get_logger().info(f'images of {topic} are taken {self._reliability}')

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop listening and working; what is loaded stays."""
        self._stop_working()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let the networks go."""
        self.release()
        return SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop from any state."""
        self.release()
        return SUCCESS

    def release(self) -> None:
        """Stop working and let go of all that `on_configure` made."""
        self._stop_working()
        for publisher in self._outgoing:
            self.destroy_lifecycle_publisher(publisher)
        self._outgoing = []
        self._processing = None

    def _stop_working(self) -> None:
        for subscription in self._incoming:
            self.destroy_subscription(subscription)
        self._incoming = []
        if self._worker is not None:
            self.statistics.counts['dropped'] += self._worker.stop()
            self._worker = None
        if self._processing is not None:
            self._processing.outputs.close()

    # What comes in

    def _on_image(self, arrival: Arrival) -> None:
        self._last_arrival = arrival.time
        self.statistics.counts['received'] += 1
        if self._worker is not None and self._worker.hand_in(arrival):
            self.statistics.counts['dropped'] += 1

    def _on_camera_info(self, data: bytes) -> None:
        with self._going_on('a CameraInfo'):
            assert self._processing is not None
            if self._processing.watch.update(decode(data, 'sensor_msgs/CameraInfo')):
                self._processing.reset()
                self._say(self._processing.camera_finding())

    @contextmanager
    def _going_on(self, what: str) -> Iterator[None]:
        """Report what goes wrong, once in a while: what a callback raises ends the process."""
        try:
            yield
        except Exception as err:
            interrupted = not self.context.ok()
            if not interrupted and self._complaints.is_new(f'{what}: {err!r}'):
                self.get_logger().error(f'{what} failed:\n{traceback.format_exc()}')

    def _on_reset(self, request: Any, response: Any) -> Any:
        if self._processing is not None:
            self._processing.reset()
        return self._answer(response, 'tracks start anew')

    def _on_enable(self, request: Any, response: Any) -> Any:
        if self._processing is not None:
            self._processing.enabled = request.data
        return self._answer(response, 'working' if request.data else 'resting')

    def _answer(self, response: Any, done: str) -> Any:
        response.success = self._processing is not None
        response.message = done if response.success else 'the node is not configured'
        return response

    def _on_set_parameters(self, changes: Iterable[RosParameter]) -> SetParametersResult:
        """Take all changes or none."""
        ours = {p.name: p.value for p in changes if p.name in BY_NAME}
        complaints = [BY_NAME[name].complaint(value) for name, value in ours.items()]
        if self._processing is not None:
            complaints += [
                f'{name} is read when the node configures: deactivate and clean up first'
                for name, value in ours.items()
                if not BY_NAME[name].dynamic and value != self.values[name]
            ]
        if any(complaints):
            reason = '; '.join(filter(None, complaints))
            return SetParametersResult(successful=False, reason=reason)
        self.values = {**self.values, **ours}
        if self._processing is not None:
            self._processing.change(self.values)
        return SetParametersResult(successful=True)

    # Reports

    def _on_second(self) -> None:
        with self._going_on('the report of a second'):
            self._suit_publishers()
            self._repeat()
            self._report()

    def _repeat(self) -> None:
        """Say again who is there; nobody is where no image has come for a while."""
        if self._worker is not None and self._processing is not None:
            remembered = max(QUIET_AFTER, float(self.values['tracking.max_age_s']))
            resting = self._processing.is_resting or self._silence > remembered
            self._processing.outputs.every_second(self.values, resting)

    @property
    def _silence(self) -> float:
        """Seconds since the last image came."""
        return time.monotonic() - self._last_arrival

    def _report(self) -> None:
        values: dict[str, Any] = figures(self.statistics)
        backend = str(self.values['model.backend'])
        if self._processing is not None:
            pipeline = self._processing.pipeline
            backend = pipeline.backend  # 'auto' has become one
            values = {'model': pipeline.model_id, 'backend': backend, **values}
        made = status(f'{self.get_name()}: images', backend, self._findings(), values)
        stamp = self.get_clock().now().nanoseconds
        self._diagnostics.publish(encode(array(stamp, [made])))

    def _findings(self) -> list[Finding]:
        if self._worker is None or self._processing is None:
            return [(WARN, 'not active')]
        camera = self._processing.camera_finding()
        self._remind(camera)
        findings = [camera]
        if self._silence > QUIET_AFTER:
            findings.append((WARN, f'no image for {self._silence:.0f} s'))
        if trouble := self.statistics.trouble:
            usable = self.statistics.rate > 0
            findings.append((WARN if usable else ERROR, f'images left out: {trouble}'))
        if self._processing.is_resting:
            findings.append((OK, 'resting: nobody listens, or not enabled'))
        return findings

    def _remind(self, camera: Finding) -> None:
        """Say every few seconds what keeps the node from working."""
        self._reminder = self._reminder + 1 if camera[0] != OK else 0
        if self._reminder % REMIND_EVERY == 1:
            self._say(camera)

    def _say(self, finding: Finding) -> None:
        level, text = finding
        # rclpy wants one line of code for each severity
        if level == ERROR:
            self.get_logger().error(text)
        elif level == WARN:
            self.get_logger().warning(text)
        else:
            self.get_logger().info(text)


def start(node: MeshPoseNode) -> bool:
    """Configure and activate; False if the node cannot."""
    return node.trigger_configure() == SUCCESS and node.trigger_activate() == SUCCESS


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; 0, or 1 if it cannot start."""
    try:
        with ros(args):
            return _run()
    except (ParameterException, ValueError) as err:
        print(f'{NODE}: {err}', file=sys.stderr)
        return 1


def _run() -> int:
    node = MeshPoseNode()
    try:
        pass_on(node.get_logger())
        if node.values['model.build_only']:
            return 0 if node.trigger_configure() == SUCCESS else 1
        if node.values['autostart'] and not start(node):
            return 1 if rclpy.ok() else 0  # 0: interrupted meanwhile
        rclpy.spin(node)
    except ExternalShutdownException:
        pass
    finally:
        node.release()
        node.destroy_node()
    return 0


if __name__ == '__main__':
    sys.exit(main())
