"""ROS' own classes of messages, imported when they are wanted."""

from __future__ import annotations

import importlib
from typing import Any


def message_class(kind: str) -> Any:
    """
    ROS' own class of a message type 'package/Name'.

    :raises ImportError: the package is not installed
    """
    package, name = kind.split('/')
    return getattr(importlib.import_module(f'{package}.msg'), name)
