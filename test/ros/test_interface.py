"""One table each for parameters and topics; the files made from them are up to date."""

from pathlib import Path

import pytest
import yaml

from mesh_pose_ros.messages.types import CLASSES
from mesh_pose_ros.pipeline.mesh_pose import Options
from mesh_pose_ros.ros.interface import BODIES_TRACKED, BODY, INPUTS, OUTPUTS, generated_files
from mesh_pose_ros.ros.parameters import BY_NAME, DEFAULTS, PARAMETERS, options_from

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize('name', generated_files(), ids=str)
def test_generated_files_are_up_to_date(name):
    text = (ROOT / name).read_text()
    assert text == generated_files()[name], 'run python -m mesh_pose_ros.ros.interface'


def flattened(tree, prefix=''):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flattened(value, f'{prefix}{name}.')
        else:
            yield prefix + name, value


def test_the_parameter_file_holds_every_default_with_its_type():
    tree = yaml.safe_load((ROOT / 'config/mesh_pose.yaml').read_text())
    found = dict(flattened(tree['/**']['ros__parameters']))
    assert found == DEFAULTS
    assert all(type(found[name]) is type(value) for name, value in DEFAULTS.items())


def test_defaults_are_those_of_the_pipeline_and_allowed():
    assert options_from(DEFAULTS) == Options()
    assert not any(p.complaint(p.default) for p in PARAMETERS)
    assert all(p.description.endswith('.') for p in PARAMETERS)
    numbers = [p for p in PARAMETERS if p.kind in ('integer', 'double')]
    assert all(p.low is not None and p.high is not None for p in numbers)


def test_every_value_reaches_the_pipeline():
    given = DEFAULTS | {
        'model.name': 'toy', 'model.lift': 'none', 'model.mesh': False, 'model.threads': 2,
        'detection.score': 0.4, 'tracking.iou': 0.5, 'smoothing.enabled': False,
    }  # fmt: skip
    options = options_from(given)
    assert (options.model, options.lift, options.mesh, options.threads) == (
        'toy',
        'none',
        False,
        2,
    )
    assert (options.detection.score, options.tracking.iou) == (0.4, 0.5)
    assert not options.smoothing.enabled


COMPLAINTS = [  # parameter, value, what is said
    ('model.threads', 2, ''),
    ('model.threads', 2.0, 'integer is wanted'),
    ('model.threads', True, 'integer is wanted'),
    ('model.threads', -1, '0 to 256'),
    ('detection.score', 1.5, '0 to 1'),
    ('detection.score', float('nan'), '0 to 1'),
    ('publish.tf', 'joints', ''),
    ('publish.tf', 'everything', 'none, body, joints'),
]


@pytest.mark.parametrize(('name', 'value', 'words'), COMPLAINTS)
def test_a_value_that_cannot_be_is_refused_with_the_reason(name, value, words):
    complaint = BY_NAME[name].complaint(value)
    assert words in complaint
    assert bool(complaint) == bool(words)


def test_every_topic_has_a_type_that_we_can_write():
    for topic in (*INPUTS, *OUTPUTS.values(), BODIES_TRACKED, *BODY.values()):
        assert topic.kind in CLASSES


def test_the_rviz_layout_shows_our_topics():
    layout = yaml.safe_load((ROOT / 'config/mesh_pose.rviz').read_text())
    displays = layout['Visualization Manager']['Displays']
    kinds = {d['Class'] for d in displays}
    assert {f'rviz_default_plugins/{k}' for k in ('Image', 'MarkerArray', 'TF')} <= kinds
    shown = {d['Topic']['Value'] for d in displays if 'Topic' in d}
    ours = {t.name.replace('~', 'mesh_pose') for t in OUTPUTS.values()} | {'image'}
    assert shown <= ours
    assert {'mesh_pose/markers', 'mesh_pose/mesh_markers', 'image'} <= shown
