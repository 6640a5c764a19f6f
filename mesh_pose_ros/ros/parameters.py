"""
Every parameter of the node, said once.

Declaration, checks, ``config/mesh_pose.yaml`` and the table in ``docs/interface.md`` all come
from `PARAMETERS`. Names of the groups are those of the pipeline's `Options`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from mesh_pose_ros.messages.transforms import CONTENTS
from mesh_pose_ros.pipeline.mesh_pose import Options
from mesh_pose_ros.runtime.session import BACKENDS, PRECISIONS

Value = bool | int | float | str


@dataclass(frozen=True)
class Parameter:
    """
    One parameter.

    :param name: with its group, e.g. 'tracking.max_age_s'
    :param low, high: least and greatest value of a number
    :param choices: the values a text may have
    :param dynamic: may change while the node runs; the others are read when it configures
    """

    name: str
    default: Value
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    dynamic: bool = False

    @property
    def kind(self) -> str:
        """The type's name as ROS users know it."""
        names = {bool: 'bool', int: 'integer', float: 'double', str: 'string'}
        return names[type(self.default)]

    @property
    def domain(self) -> str:
        """The values allowed, in words; empty if any."""
        if self.choices:
            return ' | '.join(self.choices)
        return f'{self.low:g} to {self.high:g}' if self.low is not None else ''

    def complaint(self, value: object) -> str:
        """Why a value cannot be used, or nothing."""
        if type(value) is not type(self.default):
            return f'{self.name}: {self.kind} is wanted, not {value!r}'
        if self.choices and value not in self.choices:
            return f'{self.name} must be one of {", ".join(self.choices)}, not {value!r}'
        if self.low is not None and not self.low <= value <= self.high:  # type: ignore[operator]
            return f'{self.name} must lie in {self.domain}, {value!r} does not'
        return ''


def _setting(
    name: str, description: str, low: float | None = None, high: float | None = None
) -> Parameter:
    """Make a dynamic parameter that is a field of the pipeline's options, default and all."""
    value: object = Options()
    for part in name.split('.'):
        value = getattr(value, part)
    return Parameter(name, value, description, low, high, dynamic=True)  # type: ignore[arg-type]


PARAMETERS = (
    Parameter('autostart', True, 'Configure and activate at start, without a lifecycle manager.'),
    Parameter('model.name', 'default', 'Network that sees people: a name, or a path to its card.'),
    Parameter('model.detector', '', "Detector; empty for the model's own partner."),
    Parameter('model.lift', '', "Network from joints to mesh; empty for the model's own partner."),
    Parameter('model.mesh', True, 'Estimate body meshes; false for skeletons alone.'),
    Parameter('model.backend', 'auto', 'What runs the networks.', choices=('auto', *BACKENDS)),
    Parameter('model.precision', 'fp32', 'Of networks; fp16 for TensorRT.', choices=PRECISIONS),
    Parameter(
        'model.build_only', False,
        'Load the networks, building engines that are not in the cache, and end.',
    ),
    Parameter('model.threads', 0, 'CPU threads of a network; 0 for all.', 0, 256),
    Parameter('image.transport', 'raw', 'How images come.', choices=('raw', 'compressed')),
    Parameter(
        'image.reliability', 'auto',
        'QoS of the image subscription; auto: reliable where all publishers are, so that no large '
        'image is lost, else best_effort. reliable hears no best-effort publisher.',
        choices=('auto', 'best_effort', 'reliable'),
    ),
    Parameter(
        'image.max_rate_hz', 0.0, 'Use at most so many images a second; 0 for all.', 0, 1000,
        dynamic=True,
    ),
    Parameter('image.frame_override', '', "Frame to use instead of the image header's."),
    Parameter(
        'camera.fallback_hfov_deg', 0.0,
        'Horizontal field of view, degrees, to assume if CameraInfo is missing or cannot be '
        'used; 0 to refuse.', 0, 179, dynamic=True,
    ),
    Parameter('camera.rectified', False, 'Images are rectified: use P of CameraInfo, not K, D.'),
    _setting('detection.score', "Least score of a detection; 0 for the detector's own.", 0, 1),
    _setting(
        'detection.nms',
        "Overlap (IoU) that makes two detections one person; 0 for the detector's own.", 0, 1,
    ),
    _setting('detection.max_persons', 'Most persons in an image; the best are kept.', 1, 100),
    _setting('detection.min_box_px', 'Least width or height of a person, pixels.', 0, 10000),
    _setting('tracking.enabled', 'Keep identities from image to image.'),
    _setting('tracking.max_age_s', 'Forget a person not seen for so long, seconds.', 0, 60),
    _setting('tracking.min_hits', 'Images that must show a person before it counts.', 1, 100),
    _setting('tracking.iou', 'Least overlap of boxes of one person in two images.', 0, 1),
    _setting(
        'tracking.first_id',
        'Number of the first person, p<number>. Where several nodes share /tf, each needs numbers '
        'of its own, e.g. 1 and 100001; numbers in use are not taken back.', 1, 1_000_000_000,
    ),
    _setting('smoothing.enabled', 'Smooth joints over time (One-Euro filter).'),
    _setting('smoothing.min_cutoff', 'Cutoff at rest, Hz; less is smoother.', 0.001, 100),
    _setting('smoothing.beta', 'How fast the cutoff rises with speed, Hz s/m.', 0, 1000),
    _setting('smoothing.d_cutoff', 'Cutoff of the speed, Hz.', 0.001, 100),
    Parameter(
        'publish.lazy', True, 'Rest while nobody listens to any output.',
        dynamic=True,
    ),
    Parameter('publish.tf', 'body', 'What goes to /tf.', choices=CONTENTS, dynamic=True),
    Parameter('publish.normals', False, 'Normals in ~/meshes.', dynamic=True),
    Parameter(
        'publish.mesh_level', 0,
        'Detail of ~/mesh_markers: 0 for all triangles, each step leaves about a quarter.', 0, 4,
        dynamic=True,
    ),
    Parameter(
        'publish.rep155', False,
        'Bodies on /humans/bodies, for ROS4HRI; needs the package hri_msgs. Links of a body come '
        'from a robot_state_publisher for it; do not let publish.tf: joints claim head_<id> too.',
        dynamic=True,
    ),
    Parameter(
        'publish.marker_lifetime_s', 0.5, 'How long markers stay if no more come, seconds.',
        0.01, 60, dynamic=True,
    ),
    Parameter(
        'publish.min_confidence', 0.3, 'Joints below are not drawn.', 0, 1, dynamic=True
    ),
)  # fmt: skip

BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}
DEFAULTS: dict[str, Value] = {parameter.name: parameter.default for parameter in PARAMETERS}
PASSED_ON = ('detector', 'lift', 'backend', 'precision', 'threads')  # of 'model', as they are


def options_from(values: Mapping[str, Value]) -> Options:
    """The pipeline's options from the node's parameters."""
    top = {name: values[f'model.{name}'] for name in PASSED_ON}
    groups = {
        group: _group(getattr(Options(), group), group, values)
        for group in ('detection', 'tracking', 'smoothing')
    }
    return Options(model=values['model.name'], mesh=values['model.mesh'], **top, **groups)  # type: ignore[arg-type]


def _group(defaults: object, group: str, values: Mapping[str, Value]) -> object:
    """A group's dataclass with the values of the parameters that are fields of it."""
    names = [f.name for f in dataclasses.fields(defaults)]  # type: ignore[arg-type]
    known = {name: values[f'{group}.{name}'] for name in names if f'{group}.{name}' in values}
    return dataclasses.replace(defaults, **known)  # type: ignore[type-var]
