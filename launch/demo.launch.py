"""
Show the node at work on the clip that comes with it; needs no camera.

    ros2 launch mesh_pose_ros demo.launch.py
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

SHARE = Path(get_package_share_directory('mesh_pose_ros'))

ARGUMENTS = [
    ('source', str(SHARE / 'demo' / 'people.mp4'), 'Video, folder, bag or webcam number.', None),
    ('speed', '1.0', 'Speed; less than 1 if the machine is slow.', None),
    ('rviz', 'true', 'Open RViz.', ['true', 'false']),
    ('tf', 'joints', 'What goes to /tf.', ['none', 'body', 'joints']),
    ('reliability', 'reliable', 'QoS of the images.', ['best_effort', 'reliable']),
    ('namespace', '', 'Namespace of all nodes.', None),
]


def generate_launch_description() -> LaunchDescription:
    """Play the clip for ever; the other arguments of live.launch.py can be given too."""
    arguments = [
        DeclareLaunchArgument(
            name, default_value=default, description=description, choices=choices
        )
        for name, default, description, choices in ARGUMENTS
    ]
    replay = Node(
        package='mesh_pose_ros',
        executable='replay',
        namespace=LaunchConfiguration('namespace'),
        arguments=[
            LaunchConfiguration('source'), '--loop', '--quiet', '--wait', '1',
            '--speed', LaunchConfiguration('speed'), '--qos', LaunchConfiguration('reliability'),
        ],
        remappings=[
            (name, LaunchConfiguration(name, default=name)) for name in ('image', 'camera_info')
        ],
    )  # fmt: skip
    live = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(SHARE / 'launch' / 'live.launch.py')),
        launch_arguments={
            name: LaunchConfiguration(name) for name in ('rviz', 'tf', 'reliability', 'namespace')
        }.items(),
    )
    return LaunchDescription([*arguments, replay, live])
