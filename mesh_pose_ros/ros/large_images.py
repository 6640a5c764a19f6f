"""
Make room for images in Fast DDS before ROS starts.

With Fast DDS's built-in settings a best-effort image between two processes of one machine is
lost: the sender's shared memory is smaller than the image. docs/dds.md has the measurements.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

from mesh_pose_ros.messages.types import shared_folder

PROFILE = 'config/fastdds_large_images.xml'
VARIABLE = 'FASTDDS_DEFAULT_PROFILES_FILE'
OLD_VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE'  # of Fast DDS 2; version 3 warns about it
OLD_DISTROS = ('humble', 'iron', 'jazzy')
USER_CHOICES = (VARIABLE, OLD_VARIABLE, 'FASTDDS_BUILTIN_TRANSPORTS')


def make_room_for_images(environment: MutableMapping[str, str] = os.environ) -> bool:
    """
    Choose the package's Fast DDS profile unless the user has chosen a set-up.

    Call it before ``rclpy.init``; child processes inherit it. Other middleware ignores it.

    :return: True if the profile is now in force
    """
    if any(environment.get(name) for name in USER_CHOICES):
        return False
    profile = shared_folder() / PROFILE
    if not profile.is_file():
        return False
    environment[profile_variable(environment)] = str(profile)
    return True


def profile_variable(environment: MutableMapping[str, str] = os.environ) -> str:
    """Name the variable that the Fast DDS of this ROS distribution reads."""
    return OLD_VARIABLE if environment.get('ROS_DISTRO') in OLD_DISTROS else VARIABLE
