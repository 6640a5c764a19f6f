"""Quality of service: what fits cameras, viewers and latched topics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

RELIABILITY = {
    'best_effort': ReliabilityPolicy.BEST_EFFORT,
    'reliable': ReliabilityPolicy.RELIABLE,
}


def profile(depth: int, reliability: str = 'reliable', *, latched: bool = False) -> QoSProfile:
    """Keep the last messages; `latched` gives them to newcomers too."""
    durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
    return QoSProfile(
        depth=depth,
        history=HistoryPolicy.KEEP_LAST,
        reliability=RELIABILITY[reliability],
        durability=durability,
    )


def best_for(publishers: Sequence[Any]) -> str:
    """
    Reliability that hears every publisher, and loses nothing where all of them allow it.

    :param publishers: endpoint infos of a topic, as `Node.get_publishers_info_by_topic` gives
    """
    offered = {publisher.qos_profile.reliability for publisher in publishers}
    return 'reliable' if offered == {ReliabilityPolicy.RELIABLE} else 'best_effort'
