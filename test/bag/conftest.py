"""Real bags of every kind, written to a temporary folder."""

from dataclasses import dataclass

import numpy as np
import pytest
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_typestore

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.cameras import camera_info
from mesh_pose_ros.messages.images import compressed_message, image_message
from mesh_pose_ros.messages.types import TYPES
from mesh_pose_ros.pipeline.mesh_pose import MeshPose, Options

START = 1_700_000_000_000_000_000
STEP = 100_000_000
LATE = 7_000_000  # the recorder is this much behind the camera, nanoseconds
CAMERA = Camera.from_fov(60, (160, 120))
ROS1 = get_typestore(Stores.ROS1_NOETIC)


@dataclass
class Message:
    topic: str
    msg: object
    log_time: int


def frames(count=5, topic='/camera/image_raw', frame_id='camera_optical', make=image_message):
    """Images that grow brighter, stamped some time before they were recorded."""
    out = []
    for k in range(count):
        image = np.full((120, 160, 3), 60 + 10 * k, np.uint8)
        stamp = START + k * STEP
        out.append(Message(topic, make(image, stamp, frame_id), stamp + LATE))
    return out


def infos(topic='/camera/camera_info', first=0, camera=CAMERA, count=5):
    """CameraInfo beside each image from number ``first`` on."""
    stamps = [START + k * STEP for k in range(first, count)]
    return [Message(topic, camera_info(camera, s, 'camera_optical'), s + LATE) for s in stamps]


def write_bag2(path, messages, plugin=StoragePlugin.MCAP, compressed=False):
    """A rosbag2 folder."""
    made = Writer2(path, version=8, storage_plugin=plugin)
    if compressed:
        made.set_compression(CompressionMode.FILE, CompressionFormat.ZSTD)
    with made as writer:
        channels = {}
        for one in sorted(messages, key=lambda m: m.log_time):
            kind = one.msg.__msgtype__
            if one.topic not in channels:
                channels[one.topic] = writer.add_connection(one.topic, kind, typestore=TYPES)
            data = bytes(TYPES.serialize_cdr(one.msg, kind))
            writer.write(channels[one.topic], one.log_time, data)
    return path


def write_bag1(path, messages, chunk=None):
    """A ROS 1 bag."""
    with Writer1(path) as writer:
        writer.chunk_threshold = chunk or writer.chunk_threshold
        channels = {}
        for one in sorted(messages, key=lambda m: m.log_time):
            kind = one.msg.__msgtype__
            if one.topic not in channels:
                channels[one.topic] = writer.add_connection(one.topic, kind, typestore=ROS1)
            data = bytes(ROS1.serialize_ros1(as_ros1(one.msg), kind))
            writer.write(channels[one.topic], one.log_time, data)
    return path


def as_ros1(msg):
    """The same message with ROS 1's fields: sequence numbers, large matrices."""
    if not hasattr(msg, '__msgtype__'):
        return msg
    kind = ROS1.types[msg.__msgtype__]
    names = [n for n in kind.__dataclass_fields__ if not n.startswith('__')]
    values = {n: getattr(msg, n, getattr(msg, n.lower(), 0)) for n in names}
    return kind(**{name: as_ros1(value) for name, value in values.items()})


def write_mcap_chunks(path, messages):
    """A single MCAP file with one chunk per message, as a recorder of large images writes it."""
    from mesh_pose_ros.bag.writing import McapFile
    from mesh_pose_ros.messages.types import encode

    with McapFile(path) as file:
        channels = {}
        for one in sorted(messages, key=lambda m: m.log_time):
            package, _, name = one.msg.__msgtype__.split('/')
            if one.topic not in channels:
                channels[one.topic] = file.channel(one.topic, f'{package}/{name}')
            file.write(channels[one.topic], encode(one.msg), one.log_time)
            file._writer.flush()
    return path


@pytest.fixture
def bags(tmp_path):
    """What this file offers, with a folder to write to."""

    class Bags:
        folder = tmp_path
        compressed = staticmethod(compressed_message)

        def mcap(self, messages, name='in_mcap'):
            return write_bag2(tmp_path / name, messages)

        def sqlite(self, messages, name='in_sqlite', compressed=False):
            return write_bag2(tmp_path / name, messages, StoragePlugin.SQLITE3, compressed)

        def ros1(self, messages, name='in.bag', chunk=None):
            return write_bag1(tmp_path / name, messages, chunk)

        def chunks(self, messages, name='in.mcap'):
            return write_mcap_chunks(tmp_path / name, messages)

    bags = Bags()
    bags.frames, bags.infos, bags.start, bags.step, bags.late = frames, infos, START, STEP, LATE
    return bags


@pytest.fixture
def toy_pipeline(toy_models):
    """Open a fresh pipeline of toy networks."""
    options = Options(model=str(toy_models / 'toy_pose.yaml'), threads=1)
    return lambda: MeshPose.open(options)
