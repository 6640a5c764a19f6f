"""Every frame of a bag, deterministic, to a new MCAP file."""

from mesh_pose_ros.bag.process import BagJob, BagReport, process_bag

__all__ = ['BagJob', 'BagReport', 'process_bag']
