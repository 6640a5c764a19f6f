"""Quality of service: what fits cameras, viewers and latched topics."""

from __future__ import annotations

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
