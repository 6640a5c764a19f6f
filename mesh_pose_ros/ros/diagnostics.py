"""The state of the node as /diagnostics messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mesh_pose_ros.messages.types import header, message
from mesh_pose_ros.ros.statistics import Statistics

OK, WARN, ERROR = range(3)
Finding = tuple[int, str]  # level and what to know


def status(
    name: str, hardware_id: str, findings: list[Finding], values: Mapping[str, object]
) -> Any:
    """
    A DiagnosticStatus; the worst finding is its level and comes first.

    :param values: shown one a line; floats with three digits
    """
    findings = sorted(findings, key=lambda finding: -finding[0]) or [(OK, 'ok')]
    worst = findings[0][0]
    return message(
        'diagnostic_msgs/DiagnosticStatus',
        level=worst,
        name=name,
        message='; '.join(text for level, text in findings if level == worst),
        hardware_id=hardware_id,
        values=[
            message('diagnostic_msgs/KeyValue', key=key, value=_shown(value))
            for key, value in values.items()
        ],
    )


def _shown(value: object) -> str:
    return f'{value:.3f}' if isinstance(value, float) else str(value)


def array(stamp_ns: int, statuses: list[Any], frame_id: str = '') -> Any:
    """A DiagnosticArray."""
    return message(
        'diagnostic_msgs/DiagnosticArray', header=header(stamp_ns, frame_id), status=statuses
    )


def stage_times(stamp_ns: int, frame_id: str, seconds: Mapping[str, float]) -> Any:
    """How long each stage of one image took, milliseconds, with the stamp of the image."""
    values = {stage: spent * 1e3 for stage, spent in seconds.items()}
    return array(stamp_ns, [status('mesh_pose: latency_ms', '', [], values)], frame_id)


def figures(statistics: Statistics) -> dict[str, object]:
    """What `Statistics` knows, by name."""
    p50, p95 = statistics.latency()
    return {
        **{f'images {name}': count for name, count in statistics.counts.items()},
        # copies: another thread counts meanwhile
        **{f'bad: {kind}': count for kind, count in dict(statistics.bad_kinds).items()},
        'rate (Hz)': statistics.rate,
        'latency p50 (ms)': p50 * 1e3,
        'latency p95 (ms)': p95 * 1e3,
        'persons': statistics.persons,
        **{
            f'boxes left out: {reason}': count
            for reason, count in dict(statistics.left_out).items()
        },
    }
