"""
Play a bag and run the node on it.

For every frame of a bag, however slow the machine, use `mesh_pose bag` instead.

    ros2 launch mesh_pose_ros bag.launch.py bag:=walk.mcap image:=/camera/image_raw \
        camera_info:=/camera/camera_info rviz:=true
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    Shutdown,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource

SHARE = Path(get_package_share_directory('mesh_pose_ros'))

ARGUMENTS = [
    ('bag', None, 'The bag to play.', None),
    ('rate', '1.0', 'Speed; less than 1 if the machine is slow.', None),
    ('loop', 'false', 'Start again at the end.', ['true', 'false']),
]


def play(context) -> list[ExecuteProcess]:
    """Play the bag with its clock; all ends with it."""
    values = context.launch_configurations
    loop = ['--loop'] if values['loop'] == 'true' else []
    command = ['ros2', 'bag', 'play', values['bag'], '--clock', '--rate', values['rate'], *loop]
    return [ExecuteProcess(cmd=command, output='screen', on_exit=Shutdown())]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments; those of live.launch.py can be given too."""
    arguments = [
        DeclareLaunchArgument(
            name, default_value=default, description=description, choices=choices
        )
        for name, default, description, choices in ARGUMENTS
    ]
    live = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(SHARE / 'launch' / 'live.launch.py')),
        launch_arguments={'use_sim_time': 'true'}.items(),
    )
    return LaunchDescription([*arguments, live, OpaqueFunction(function=play)])
