"""
What the node looks like from outside, and the files that tell users so.

The node makes its topics from `OUTPUTS` and its parameters from `PARAMETERS`; this module writes
``config/mesh_pose.yaml``, ``docs/interface.md`` and the table in ``README.md`` from them::

    python -m mesh_pose_ros.ros.interface          write them
    python -m mesh_pose_ros.ros.interface --check  fail if they are not up to date
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from mesh_pose_ros.marked import Marked
from mesh_pose_ros.messages.types import shared_folder
from mesh_pose_ros.ros.parameters import PARAMETERS, Parameter

NODE = 'mesh_pose'
TOPICS = Marked('<!-- topics, by python -m mesh_pose_ros.ros.interface -->', '<!-- topics end -->')


@dataclass(frozen=True)
class Topic:
    """
    A topic of the node.

    :param kind: message type, 'package/Name'
    :param depth: messages kept for a slow reader
    :param latched: newcomers get the last message (transient local)
    """

    name: str
    kind: str
    description: str
    depth: int = 5
    latched: bool = False


INPUTS = (
    Topic('image', 'sensor_msgs/Image', 'Pictures; with `image.transport: compressed` '
          '`image/compressed`, a sensor_msgs/CompressedImage (JPEG or PNG).', depth=1),
    Topic('camera_info', 'sensor_msgs/CameraInfo', 'Calibration; the newest one counts, binning, '
          'region of interest and lens distortion included.', depth=1),
)  # fmt: skip

OUTPUTS = {
    'persons': Topic(
        '~/persons', 'mesh_pose_ros/PersonArray', 'Everybody in an image; empty if nobody.'
    ),
    'meshes': Topic('~/meshes', 'mesh_pose_ros/HumanMeshArray', 'Body surfaces, flat arrays.'),
    'skeleton_model': Topic(
        '~/skeleton_model', 'mesh_pose_ros/SkeletonModel',
        'Joint names, bones and triangles, which all other messages follow.', 1, latched=True,
    ),
    'markers': Topic(
        '~/markers', 'visualization_msgs/MarkerArray', 'Skeletons for RViz and Foxglove.'
    ),
    'mesh_markers': Topic(
        '~/mesh_markers', 'visualization_msgs/MarkerArray',
        'Meshes for RViz and Foxglove: a megabyte each, see `publish.mesh_level`.', 1,
    ),
    'overlay': Topic('~/overlay', 'sensor_msgs/Image', 'The people drawn over their image.', 1),
    'latency': Topic(
        '~/debug/latency_ms', 'diagnostic_msgs/DiagnosticArray',
        'Milliseconds of each stage of each image.', 10,
    ),
    'tf': Topic(
        '/tf', 'tf2_msgs/TFMessage',
        '`body_<id>` (x forward, y left, z up, between the hips) on the frame of the image; with '
        '`publish.tf: joints` also `<joint>_<id>` of the body model.', 100,
    ),
    'diagnostics': Topic(
        '/diagnostics', 'diagnostic_msgs/DiagnosticArray',
        'Once a second: rate, latency, what was dropped and why, state of camera and model, '
        'what runs it.', 1,
    ),
}  # fmt: skip
BODIES_TRACKED = Topic(
    '/humans/bodies/tracked', 'hri_msgs/IdsList',
    'Ids of all who are there, at each change and every second.', 1,
)  # fmt: skip
BODY = {  # topics of one person
    name: Topic(f'/humans/bodies/<id>/{name}', *rest)
    for name, *rest in (
        ('roi', 'hri_msgs/NormalizedRegionOfInterest2D', 'Where in the image, 0 to 1.'),
        ('cropped', 'sensor_msgs/Image', 'That part of the image.'),
        ('skeleton2d', 'hri_msgs/Skeleton2D', '18 points in the image, 0 to 1; c: 0 if not seen.'),
        ('position', 'geometry_msgs/PointStamped', 'The origin of `body_<id>`.'),
        ('velocity', 'geometry_msgs/TwistStamped', 'In the frame `body_<id>`, where known.'),
        ('joint_states', 'sensor_msgs/JointState', '20 angles; only of people with a mesh.'),
        ('urdf', 'std_msgs/String', 'The person with measured sizes, for a '
         'robot_state_publisher; only of people with a mesh.', 1, True),
    )
}  # fmt: skip
NO_WORK = ('diagnostics', 'skeleton_model')  # listeners of these alone ask for no inference

SERVICES = (
    ('~/reset_tracker', 'std_srvs/Trigger', 'Forget everybody; ids go on and are not used again.'),
    ('~/set_enabled', 'std_srvs/SetBool', 'Rest and go on; a resting node only counts images.'),
)


def config_yaml() -> str:
    """The parameter file with every default and what it means."""
    lines = [
        '# Parameters of the node, at their defaults. Written by',
        '# python -m mesh_pose_ros.ros.interface; [dynamic] ones change while the node runs.',
        '/**:',
        '  ros__parameters:',
    ]
    group = ''
    for parameter in PARAMETERS:
        *groups, name = parameter.name.split('.')
        if groups and groups[0] != group:
            group = groups[0]
            lines.append(f'    {group}:')
        lines += _yaml_lines(parameter, name, '      ' if groups else '    ')
    return '\n'.join(lines) + '\n'


def _yaml_lines(parameter: Parameter, name: str, indent: str) -> list[str]:
    notes = [parameter.description]
    notes += [f'[{parameter.domain}]'] if parameter.domain else []
    notes += ['[dynamic]'] if parameter.dynamic else []
    value = yaml.safe_dump(parameter.default, default_flow_style=True).split('\n')[0]
    comment = textwrap.wrap(' '.join(notes), 95 - len(indent))
    return [*(f'{indent}# {line}' for line in comment), f'{indent}{name}: {value}']


def interface_markdown() -> str:
    """Topics, services and parameters as tables."""
    return '\n'.join(
        [
            '# Interface of the node',
            '',
            'Written by `python -m mesh_pose_ros.ros.interface` from the code; do not edit.',
            '',
            f'The node is called `{NODE}`; it is a lifecycle node that starts by itself unless',
            '`autostart` is false. Names without a leading slash are relative, so namespaces and',
            'remapping work.',
            'Lengths are metres in the optical frame of the camera (x right, y down, z forward),',
            'stamps and frames are those of the image.',
            '',
            '## Subscribed topics',
            '',
            *_table(('Topic', 'Type', 'Meaning'), _topic_rows(INPUTS)),
            '',
            '## Published topics',
            '',
            'All are reliable, and none costs anything while nobody listens.',
            '',
            *_table(('Topic', 'Type', 'Meaning'), _topic_rows(OUTPUTS.values())),
            '',
            '## Bodies by REP-155',
            '',
            'With `publish.rep155`, for the tools of ROS4HRI. Topics of a person come and go with',
            'the person. A body is told by the 20 joints of `human_description`: head and limbs',
            'point as the mesh does, but a trunk that twists, curves or leans aside and raised',
            'shoulders cannot be told, and then the arms are off as a whole.',
            '',
            *_table(('Topic', 'Type', 'Meaning'), _topic_rows((BODIES_TRACKED, *BODY.values()))),
            '',
            '## Services',
            '',
            *_table(('Service', 'Type', 'Meaning'), [_coded(*row) for row in SERVICES]),
            '',
            '## Parameters',
            '',
            'Dynamic parameters change while the node runs (`ros2 param set`); the others are',
            'read when the node configures. A value that cannot be is refused with the reason.',
            '',
            *_table(
                ('Parameter', 'Type', 'Default', 'Values', 'Dynamic', 'Meaning'),
                [_parameter_row(parameter) for parameter in PARAMETERS],
            ),
            '',
        ]
    )


def _topic_rows(topics: Iterable[Topic]) -> list[Sequence[str]]:
    notes = {True: ' Latched.', False: ''}
    return [_coded(t.name, t.kind, t.description + notes[t.latched]) for t in topics]


def _coded(name: str, kind: str, description: str) -> Sequence[str]:
    return f'`{name}`', f'`{kind}`', description


def _parameter_row(parameter: Parameter) -> Sequence[str]:
    default = yaml.safe_dump(parameter.default, default_flow_style=True).split('\n')[0]
    return (
        f'`{parameter.name}`',
        parameter.kind,
        f'`{default}`',
        parameter.domain.replace('|', '\\|'),
        'yes' if parameter.dynamic else '',
        parameter.description.replace('|', '\\|'),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ['---'] * len(head), *rows]
    return ['| ' + ' | '.join(cells) + ' |' for cells in lines]


def readme() -> str:
    """The checkout's README with its table of topics made anew."""
    rows = [('in', *row) for row in _topic_rows(INPUTS)]
    rows += [('out', *row) for row in _topic_rows(OUTPUTS.values())]
    table = '\n'.join(_table(('', 'Topic', 'Type', 'Meaning'), rows))
    return TOPICS.with_part(shared_folder() / 'README.md', table)


def generated_files() -> dict[Path, str]:
    """Each file made from the tables, relative to the checkout, with its text."""
    return {
        Path('config/mesh_pose.yaml'): config_yaml(),
        Path('docs/interface.md'): interface_markdown(),
        Path('README.md'): readme(),
    }


def main() -> int:
    """Write the files, or with ``--check`` only compare them."""
    stale = 0
    for name, text in generated_files().items():
        path = shared_folder() / name
        if '--check' not in sys.argv:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        elif not path.is_file() or path.read_text() != text:
            print(f'{name} is not up to date: run python -m mesh_pose_ros.ros.interface')
            stale = 1
    return stale


if __name__ == '__main__':
    sys.exit(main())
