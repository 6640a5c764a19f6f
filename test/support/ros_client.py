"""A program of ours in a process of its own, and a client that talks to the node over DDS."""

import os
import signal
import subprocess
import sys
import time

import numpy as np

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.cameras import camera_info
from mesh_pose_ros.messages.images import image_message
from mesh_pose_ros.messages.types import decode, encode
from mesh_pose_ros.ros.interface import OUTPUTS

SIZE = (64, 48)
CAMERA = Camera.from_fov(60, SIZE)
PATIENCE = 20.0  # seconds until a test gives up


class Process:
    """A program of ours with its log."""

    def __init__(self, folder, module, *arguments, env=()):
        self.path = folder / f'{module}_{time.monotonic_ns()}.log'
        command = [sys.executable, '-m', f'mesh_pose_ros.ros.{module}', *map(str, arguments)]
        with self.path.open('w') as log:
            self.handle = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | dict(env)
            )

    @property
    def log(self) -> str:
        return self.path.read_text()

    def wait(self, timeout=PATIENCE) -> int:
        try:
            return self.handle.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f'still runs after {timeout} s:\n{self.log}') from None

    def interrupt(self, signal_number=signal.SIGINT) -> int:
        self.handle.send_signal(signal_number)
        return self.wait()

    def end(self):
        if self.handle.poll() is None:
            self.handle.kill()
            self.handle.wait()


class Client:
    """Talks to the node as users do."""

    def __init__(self):
        import rclpy
        from sensor_msgs.msg import CameraInfo, CompressedImage, Image

        from mesh_pose_ros.ros.qos import profile

        self.rclpy = rclpy
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node('client', context=self.context)
        self.executor = rclpy.executors.SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.images = self.node.create_publisher(Image, 'image', profile(5))
        self.jpegs = self.node.create_publisher(CompressedImage, 'image/compressed', profile(5))
        self.infos = self.node.create_publisher(CameraInfo, 'camera_info', profile(5))
        self.heard = {}
        self.ears = {}
        self.stamp = 10**9

    def close(self):
        self.executor.shutdown()
        self.node.destroy_node()
        self.rclpy.shutdown(context=self.context)

    def listen(self, *outputs, node='mesh_pose'):
        from mesh_pose_ros.ros.node import message_class
        from mesh_pose_ros.ros.qos import profile

        for name in outputs:
            topic = OUTPUTS[name]
            self.heard[name] = heard = []
            if name not in self.ears:
                self.ears[name] = self.node.create_subscription(
                    message_class(topic.kind),
                    topic.name.replace('~', node),
                    lambda data, n=name, k=topic.kind: self.heard[n].append(decode(data, k)),
                    profile(50, latched=topic.latched),
                    raw=True,
                )
            assert heard is self.heard[name]
        self.until(lambda: all(self.ears[name].get_publisher_count() for name in outputs))

    def deafen(self):
        for ear in self.ears.values():
            self.node.destroy_subscription(ear)
        self.ears, self.heard = {}, {}

    def spin(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.02)

    def until(self, happened, doing=lambda: None, every=0.2):
        """Spin until something happens, doing something now and then."""
        end, next_time = time.monotonic() + PATIENCE, 0.0
        while not (result := happened()):
            assert time.monotonic() < end, f'waited in vain; heard {self.heard.keys()}'
            if time.monotonic() > next_time:
                doing()
                next_time = time.monotonic() + every
            self.executor.spin_once(timeout_sec=0.02)
        return result

    def ask(self, kind, name, **fields):
        service = self.node.create_client(kind, name)
        self.until(service.service_is_ready)
        request = kind.Request(**fields)
        future = service.call_async(request)
        result = self.until(lambda: future.done() and future.result())
        self.node.destroy_client(service)
        return result

    def change_state(self, transition):
        from lifecycle_msgs.msg import Transition
        from lifecycle_msgs.srv import ChangeState

        wanted = Transition(id=getattr(Transition, f'TRANSITION_{transition}'))
        return self.ask(ChangeState, 'mesh_pose/change_state', transition=wanted).success

    def set(self, atomically=False, **changes):
        """Set parameters ('__' for '.'); the results, or the one of all together."""
        from rcl_interfaces.srv import SetParameters, SetParametersAtomically
        from rclpy.parameter import Parameter

        parameters = [
            Parameter(name.replace('__', '.'), value=value).to_parameter_msg()
            for name, value in changes.items()
        ]
        kind = SetParametersAtomically if atomically else SetParameters
        name = 'set_parameters_atomically' if atomically else 'set_parameters'
        answer = self.ask(kind, f'mesh_pose/{name}', parameters=parameters)
        return answer.result if atomically else answer.results

    def tell_camera(self, camera=CAMERA, **changes):
        info = camera_info(camera, self.stamp, 'eye_optical_frame')
        for name, value in changes.items():
            object.__setattr__(info, name, value)
        self.infos.publish(encode(info))

    def show(self, light=200, after=0.1, stamped=True, **changes):
        """Publish an image; a bright one has a person in it. Some drivers do not stamp."""
        self.stamp += round(after * 1e9)
        picture = np.full((SIZE[1], SIZE[0], 3), light, np.uint8)
        msg = image_message(picture, self.stamp if stamped else 0, 'eye_optical_frame')
        for name, value in changes.items():
            object.__setattr__(msg, name, value)
        self.images.publish(encode(msg))
        return self.stamp

    def show_until(self, name, enough=1, camera=True, **how):
        """Go on showing images until a topic has brought enough messages."""
        before = len(self.heard[name])

        def show():
            if camera:
                self.tell_camera()
            self.show(**how)

        self.until(lambda: len(self.heard[name]) >= before + enough, show, every=0.1)
        return self.heard[name][before:]

    def settle(self):
        """Wait until the last image shown, a good one, has been answered by persons."""

        def answered():
            stamps = (array.header.stamp for array in self.heard['persons'])
            return self.stamp in {stamp.sec * 10**9 + stamp.nanosec for stamp in stamps}

        self.until(answered)

    def diagnosis(self, fits=lambda status: True, doing=lambda: None):
        """The next status of the node that fits, as (level, message, values)."""
        self.listen('diagnostics')

        def found():
            for array in self.heard['diagnostics']:
                for status in array.status:
                    values = {v.key: v.value for v in status.values}
                    if fits((status.level, status.message, values)):
                        return status.level, status.message, values
            self.heard['diagnostics'].clear()
            return None

        return self.until(found, doing)


def restart(client, **parameters):
    client.change_state('DEACTIVATE')
    client.change_state('CLEANUP')
    defaults = {
        'image__transport': 'raw', 'publish__tf': 'joints', 'publish__lazy': True,
        'camera__fallback_hfov_deg': 0.0, 'tracking__max_age_s': 1.0,
    }  # fmt: skip
    for result in client.set(**defaults | parameters):
        assert result.successful, result.reason
    assert client.change_state('CONFIGURE')
    assert client.change_state('ACTIVATE')
