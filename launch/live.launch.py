"""
Start the node on a live camera, with the camera's driver and RViz if asked for.

    ros2 launch mesh_pose_ros live.launch.py image:=/cam/image_raw camera_info:=/cam/camera_info
    ros2 launch mesh_pose_ros live.launch.py camera:=usb_cam rviz:=true
    ros2 launch mesh_pose_ros live.launch.py backend:=tensorrt precision:=fp16 build_only:=true
"""

import os
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch_ros.actions import Node

from mesh_pose_ros.ros.large_images import make_room_for_images
from mesh_pose_ros.runtime.session import BACKENDS, PRECISIONS

SHARE = Path(get_package_share_directory('mesh_pose_ros'))
DRIVERS = {'usb_cam': 'usb_cam_node_exec', 'v4l2_camera': 'v4l2_camera_node'}
SWITCH = ['true', 'false']

ARGUMENTS = [
    ('model', '', 'Network, name or path of its card; empty for that of params_file.', None),
    ('backend', '', 'What runs the networks; empty for that of params_file.',
     ['', 'auto', *BACKENDS]),
    ('precision', '', 'Of the networks, fp16 for TensorRT; empty for that of params_file.',
     ['', *PRECISIONS]),
    ('build_only', 'false', "Build TensorRT's engines and end; false leaves it to params_file.",
     SWITCH),
    ('params_file', str(SHARE / 'config' / 'mesh_pose.yaml'), 'Parameters of the node.', None),
    ('namespace', '', 'Namespace of the node and its topics.', None),
    ('image', 'image', 'Topic of the images.', None),
    ('camera_info', 'camera_info', 'Topic of the CameraInfo.', None),
    ('image_transport', '', 'raw or compressed; empty for that of params_file.',
     ['', 'raw', 'compressed']),
    ('reliability', '', 'QoS of the image subscription; empty for that of params_file.',
     ['', 'auto', 'best_effort', 'reliable']),
    ('tf', '', 'What goes to /tf; empty for that of params_file.', ['', 'none', 'body', 'joints']),
    ('camera', 'none', 'Camera driver to start; its package must be installed.',
     ['none', *DRIVERS]),
    ('rviz', 'false', 'Open RViz with image, skeletons, meshes and TF.', SWITCH),
    ('use_sim_time', 'false', 'Take time from /clock; false leaves it to params_file.', SWITCH),
    ('log_level', 'info', 'Least severity that is logged.',
     ['debug', 'info', 'warn', 'error', 'fatal']),
]  # fmt: skip

OVERRIDES = {  # argument -> parameter that it sets, if it is given
    'model': 'model.name',
    'backend': 'model.backend',
    'precision': 'model.precision',
    'image_transport': 'image.transport',
    'reliability': 'image.reliability',
    'tf': 'publish.tf',
}


def room_for_images() -> dict[str, str]:
    """What lets a camera's driver send large images; nothing if the user has chosen DDS' way."""
    environment = dict(os.environ)
    make_room_for_images(environment)
    return {k: v for k, v in environment.items() if v != os.environ.get(k)}


def camera(driver: str, values: dict[str, str]) -> Node:
    """Start a camera's driver, with its topics where the node expects them."""
    try:
        get_package_share_directory(driver)
    except PackageNotFoundError as err:
        package = f'ros-{os.environ.get("ROS_DISTRO", "<distro>")}-{driver.replace("_", "-")}'
        raise RuntimeError(f'camera:={driver}: not installed; sudo apt install {package}') from err
    return Node(
        package=driver,
        executable=DRIVERS[driver],
        namespace=values['namespace'],
        parameters=[
            {'frame_id': 'camera_optical_frame', 'camera_frame_id': 'camera_optical_frame'}
        ],
        remappings=[('image_raw', values['image']), ('camera_info', values['camera_info'])],
        additional_env=room_for_images(),
    )


def node(values: dict[str, str]) -> Node:
    """Start the node; what the user leaves empty is left to the parameter file."""
    overrides = {name: values[key] for key, name in OVERRIDES.items() if values[key]}
    switches = {'use_sim_time': 'use_sim_time', 'build_only': 'model.build_only'}
    overrides |= {name: True for key, name in switches.items() if values[key] == 'true'}
    return Node(
        package='mesh_pose_ros',
        executable='mesh_pose_node',
        name='mesh_pose',
        namespace=values['namespace'],
        parameters=[values['params_file'], overrides],
        remappings=[
            ('image', values['image']),
            ('image/compressed', f'{values["image"]}/compressed'),
            ('camera_info', values['camera_info']),
        ],
        arguments=['--ros-args', '--log-level', values['log_level']],
        output='screen',
    )


def rviz(values: dict[str, str]) -> Node:
    """Open RViz; the layout's topics are relative to the namespace."""
    return Node(
        package='rviz2',
        executable='rviz2',
        namespace=values['namespace'],
        arguments=['-d', str(SHARE / 'config' / 'mesh_pose.rviz')],
        remappings=[('image', values['image'])],
        parameters=[{'use_sim_time': values['use_sim_time'] == 'true'}],
    )


def start(context) -> list[Node]:
    """Make the processes when the arguments are known."""
    values = {name: context.launch_configurations[name] for name, *_ in ARGUMENTS}
    started = [node(values)]
    if values['build_only'] == 'true':
        return started
    if values['camera'] != 'none':
        started.append(camera(values['camera'], values))
    if values['rviz'] == 'true':
        started.append(rviz(values))
    return started


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start what they say."""
    arguments = [
        DeclareLaunchArgument(
            name, default_value=default, description=description, choices=choices
        )
        for name, default, description, choices in ARGUMENTS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start)])
