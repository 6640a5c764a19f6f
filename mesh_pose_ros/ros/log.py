"""What the rooms below say by Python's logging goes where ROS users look."""

from __future__ import annotations

import logging
from typing import Any

PACKAGE = 'mesh_pose_ros'


class RosHandler(logging.Handler):
    """
    Hands records to a ROS logger.

    :param logger: of a node
    """

    def __init__(self, logger: Any) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Say it with the same severity."""
        text = record.getMessage()
        # rclpy wants one line of code for each severity
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        else:
            self._logger.info(text)


def pass_on(logger: Any) -> None:
    """Let a ROS logger say what this package logs."""
    ours = logging.getLogger(PACKAGE)
    ours.handlers[:] = [RosHandler(logger)]  # in place of the command line's
    ours.setLevel(logging.INFO)
