"""
Bodies as REP-155 wants them: topics below ``/humans/bodies`` that come and go with people.

Frames come from the thread that works on images, the clock's seconds from the node's executor;
a lock keeps them apart.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection
from typing import Any

from rclpy.node import Node

from mesh_pose_ros.messages import rep155
from mesh_pose_ros.messages.markers import person_id
from mesh_pose_ros.messages.rep155_body import Array, Sizes, is_known, joint_angles, sizes_of
from mesh_pose_ros.messages.types import encode
from mesh_pose_ros.people import Person
from mesh_pose_ros.ros.frame import Frame, Publisher
from mesh_pose_ros.ros.interface import BODIES_TRACKED, BODY, Topic
from mesh_pose_ros.ros.message_classes import message_class
from mesh_pose_ros.ros.qos import profile

try:
    from rclpy.event_handler import PublisherEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import PublisherEventCallbacks

RESIZED = 0.02  # metres that a size must change for a new URDF: a viewer loads each anew

MAKERS: dict[str, Callable[[Person, Frame], Any]] = {
    'roi': lambda p, f: rep155.roi(p, f.camera.size, f.stamp_ns, f.frame_id),
    'cropped': lambda p, f: rep155.cropped(p, f.image, f.stamp_ns, f.frame_id),
    'skeleton2d': lambda p, f: rep155.skeleton2d(p, f.camera.size, f.stamp_ns, f.frame_id),
    'position': lambda p, f: rep155.position(p, f.stamp_ns, f.frame_id),
}


class Humans:
    """
    All bodies of the node.

    Without hri_msgs it says so once and stays silent.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lock = threading.Lock()
        self._tracked: Publisher | None = None  # while open
        self._impossible = False
        self._bodies: dict[int, Body] = {}
        self._told: list[int] = []
        self._image = (0, '')  # stamp and frame of the newest, once there is one

    def heard(self) -> bool:
        """Whether anybody listens to any body, or to who is there."""
        with self._lock:
            if self._tracked is None:
                return False
            bodies = self._bodies.values()
            return self._tracked.get_subscription_count() > 0 or any(b.heard() for b in bodies)

    def publish(self, frame: Frame, known: Collection[int], wanted: bool) -> None:
        """
        Send a frame.

        :param known: tracks that may come back; their topics stay
        :param wanted: whether there shall be bodies at all
        """
        with self._lock:
            if not self._follow(wanted):
                return
            self._image = frame.stamp_ns, frame.frame_id
            present = {person.track_id for person in frame.people}
            for track in present - set(self._bodies):
                self._bodies[track] = Body(track, self._create, self._node.destroy_publisher)
            ended = set(self._bodies) - present - set(known)
            if sorted(set(self._bodies) - ended) != self._told:
                self._tell(ended)
            self._end(ended)
            for person in frame.people:
                self._bodies[person.track_id].publish(person, frame)

    def repeat(self, wanted: bool, resting: bool) -> None:
        """Say again who is there, as newcomers want it every second: nobody while resting."""
        with self._lock:
            if not self._follow(wanted):
                return
            ended = set(self._bodies) if resting else set()
            if self._image[1]:
                self._tell(ended)
            self._end(ended)

    def close(self) -> None:
        """Take everybody away, and all topics."""
        with self._lock:
            self._follow(wanted=False)

    def _follow(self, wanted: bool) -> bool:
        """Open or close, and say which of both it is now."""
        if wanted and self._tracked is None and not self._impossible:
            self._open()
        elif not wanted:
            self._impossible = False
            if self._tracked is not None:
                self._take_away(self._tracked)
        return self._tracked is not None

    def _open(self) -> None:
        try:
            for topic in BODY.values():
                message_class(topic.kind)
            self._tracked = self._create(BODIES_TRACKED, '')
        except (ImportError, AttributeError) as err:
            self._impossible = True
            distribution = os.environ.get('ROS_DISTRO', '<distro>')
            self._node.get_logger().error(
                f'publish.rep155 is set, but hri_msgs cannot be used ({err}): install '
                f'ros-{distribution}-hri-msgs; all other topics work on'
            )

    def _take_away(self, tracked: Publisher) -> None:
        everybody = set(self._bodies)
        if everybody:
            self._tell(everybody)
        self._end(everybody)
        self._node.destroy_publisher(tracked)  # type: ignore[arg-type]
        self._tracked, self._told, self._image = None, [], (0, '')

    def _tell(self, ended: Collection[int]) -> None:
        assert self._tracked is not None
        self._told = sorted(set(self._bodies) - set(ended))
        self._tracked.publish(encode(rep155.ids_list(self._told, *self._image)))

    def _end(self, tracks: Collection[int]) -> None:
        for track in tracks:
            self._bodies.pop(track).close()

    def _create(self, topic: Topic, name: str) -> Publisher:
        return self._node.create_publisher(  # type: ignore[return-value]
            message_class(topic.kind),
            topic.name.replace('<id>', name),
            profile(topic.depth, latched=topic.latched),
            # events would enter the executor's lists, from another thread than the executor's
            event_callbacks=PublisherEventCallbacks(use_default_callbacks=False),
        )


class Body:
    """The topics of one person; those of things never known are never made."""

    def __init__(
        self,
        track_id: int,
        create: Callable[[Topic, str], Publisher],
        destroy: Callable[[Any], object],
    ) -> None:
        self._name = person_id(track_id)
        self._create, self._destroy = create, destroy
        self._publishers = {topic: create(BODY[topic], self._name) for topic in MAKERS}
        self._sizes: Sizes | None = None  # of the URDF
        self._angles: Array | None = None  # of the image before

    def heard(self) -> bool:
        """Whether anybody listens."""
        return any(p.get_subscription_count() > 0 for p in self._publishers.values())

    def publish(self, person: Person, frame: Frame) -> None:
        """Send what is heard."""
        for topic, make in MAKERS.items():
            self._send(topic, lambda make=make: make(person, frame))  # type: ignore[misc]
        if person.velocity is not None:
            self._send('velocity', lambda: rep155.velocity(person, frame.stamp_ns))
        if person.mesh is not None and is_known(person.mesh):
            self._describe(person, sizes_of(person.mesh))
            self._send('joint_states', lambda: self._joint_states(person, frame))

    def close(self) -> None:
        """Take the topics away."""
        for publisher in self._publishers.values():
            self._destroy(publisher)
        self._publishers = {}

    def _describe(self, person: Person, sizes: Sizes) -> None:
        """Send the URDF, heard or not (it is latched), where the sizes are new."""
        if self._sizes is None or sizes.differs(self._sizes, RESIZED):
            self._sizes = sizes
            self._publisher('urdf').publish(encode(rep155.description(person, sizes)))

    def _joint_states(self, person: Person, frame: Frame) -> Any:
        assert person.mesh is not None
        self._angles = joint_angles(person.mesh, self._angles)
        return rep155.joint_states(person, self._angles, frame.stamp_ns)

    def _send(self, topic: str, make: Callable[[], Any]) -> None:
        publisher = self._publisher(topic)
        msg = make() if publisher.get_subscription_count() > 0 else None
        if msg is not None:
            publisher.publish(encode(msg))

    def _publisher(self, topic: str) -> Publisher:
        if topic not in self._publishers:
            self._publishers[topic] = self._create(BODY[topic], self._name)
        return self._publishers[topic]
