"""`python -m mesh_pose_ros.cli` is `mesh_pose`."""

from mesh_pose_ros.cli import main

main()
