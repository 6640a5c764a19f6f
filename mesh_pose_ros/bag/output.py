"""What the bag tool writes for each frame, the same messages that the node publishes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from mesh_pose_ros.bag.reading import message_of
from mesh_pose_ros.bag.salvage import Record
from mesh_pose_ros.bag.writing import McapFile
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.markers import mesh_markers, skeleton_markers
from mesh_pose_ros.messages.people import human_meshes, person_array, skeleton_model
from mesh_pose_ros.messages.transforms import transforms
from mesh_pose_ros.messages.types import TYPES, encode
from mesh_pose_ros.people import Person
from mesh_pose_ros.pipeline.mesh_pose import MeshPose


@dataclass(frozen=True, eq=False)
class Frame:
    """
    People in one image.

    :param stamp_ns, frame_id: of the image
    :param ended: track ids that the image before had and this one has not
    """

    people: list[Person]
    camera: Camera
    stamp_ns: int
    frame_id: str
    ended: tuple[int, ...] = ()


class CameraOutput:
    """
    The topics of one camera in the file.

    :param prefix: of the topics, e.g. '/mesh_pose'
    :param markers: whether triangles for viewers are written
    :param tf: 'none', 'body' or 'joints'
    """

    def __init__(
        self, file: McapFile, prefix: str, pipeline: MeshPose, *, markers: bool, tf: str
    ) -> None:
        self.file, self.tf = file, tf
        self.model_id = pipeline.model_id
        self.has_mesh = pipeline.topology is not None
        self.model = encode(skeleton_model(self.model_id, pipeline.skeleton, pipeline.topology))
        self._channels = {'skeleton_model': self._skeleton_channel(prefix)}
        self._add(f'{prefix}/persons', 'mesh_pose_ros/PersonArray')
        self._add(f'{prefix}/markers', 'visualization_msgs/MarkerArray')
        if self.has_mesh:
            self._add(f'{prefix}/meshes', 'mesh_pose_ros/HumanMeshArray')
        if self.has_mesh and markers:
            self._add(f'{prefix}/mesh_markers', 'visualization_msgs/MarkerArray')
        if tf != 'none':
            self._add('/tf', 'tf2_msgs/TFMessage')

    def _skeleton_channel(self, prefix: str) -> int:
        topic = f'{prefix}/skeleton_model'
        return self.file.channel(topic, 'mesh_pose_ros/SkeletonModel', latched=True)

    def _add(self, topic: str, kind: str) -> None:
        self._channels[topic.rsplit('/', 1)[-1]] = self.file.channel(topic, kind)

    def begin(self, log_time: int) -> None:
        """Say once what stays the same."""
        self.file.write(self._channels['skeleton_model'], self.model, log_time)

    def write(self, frame: Frame, log_time: int) -> None:
        """Write all that is known of a frame, stamped as its image."""
        for name, data in self._payload(frame).items():
            if name in self._channels:
                self.file.write(self._channels[name], data, log_time)

    def _payload(self, frame: Frame) -> dict[str, bytes]:
        people, at, name = frame.people, (frame.stamp_ns, frame.frame_id), self.model_id
        made = {
            'persons': encode(person_array(people, frame.camera, *at, model_id=name)),
            'markers': encode(skeleton_markers(people, *at, ended=frame.ended)),
        }
        if self.has_mesh:
            made['meshes'] = encode(human_meshes(people, *at, model_id=name))
        if 'mesh_markers' in self._channels:
            made['mesh_markers'] = mesh_markers(people, *at, ended=frame.ended)
        found = transforms(people, *at, self.tf)
        return made | ({'tf': encode(found)} if found.transforms else {})


class Copies:
    """Messages of the source that go into the target as they are."""

    def __init__(self, file: McapFile) -> None:
        self.file = file
        self._channels: dict[str, int] = {}

    def write(self, record: Record) -> None:
        """Copy a record; one of ROS 1 is translated."""
        package, _, name = record.msgtype.split('/')
        if record.topic not in self._channels:
            self._channels[record.topic] = self.file.channel(record.topic, f'{package}/{name}')
        data = encode(as_ros2(message_of(record))) if record.ros1 else record.data
        self.file.write(self._channels[record.topic], data, record.log_time)


def as_ros2(msg: Any) -> Any:
    """A message of ROS 1 as the type of the same name in ROS 2; no sequence number in headers."""
    if not hasattr(msg, '__msgtype__'):
        return msg
    kind: Any = TYPES.types[msg.__msgtype__]
    names = [f.name for f in fields(kind) if not f.name.startswith('__')]
    # CameraInfo's matrices have large letters in ROS 1
    values = {n: getattr(msg, n) if hasattr(msg, n) else getattr(msg, n.upper()) for n in names}
    return kind(**{name: as_ros2(value) for name, value in values.items()})
