"""All published systems by name."""

from training.systems import (
    hand4whole,
    i2l_meshnet,
    metrabs,
    pose2mesh,
    pose2pose,
    pose_machines,
    rootnet,
)
from training.systems.system import System

SYSTEMS: dict[str, System] = {
    'hand4whole': hand4whole.SYSTEM,
    'i2l_meshnet': i2l_meshnet.SYSTEM,
    'metrabs': metrabs.SYSTEM,
    'pose2mesh': pose2mesh.SYSTEM,
    'pose2pose': pose2pose.SYSTEM,
    'pose_machines': pose_machines.SYSTEM,
    'rootnet': rootnet.SYSTEM,
}
