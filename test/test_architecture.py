"""Who may import whom: the layers of the package, as a test."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'mesh_pose_ros'
CORE = {'errors', 'geometry', 'skeletons', 'people'}
DOORS = CORE | {'runtime', 'pipeline', 'render', 'sources', 'importers'}
BELOW = {  # a layer -> the layers it may import
    'errors': set(),
    'marked': set(),
    'geometry': {'errors'},
    'skeletons': set(),
    'people': {'geometry', 'skeletons'},
    'runtime': {'skeletons', 'errors'},
    'pipeline': CORE | {'runtime'},
    'render': CORE,
    'sources': {'errors', 'geometry', 'messages', 'bag'},
    'importers': {'errors', 'skeletons', 'runtime'},
    'messages': CORE,
    'bag': (DOORS - {'sources'}) | {'messages'},
    'ros': DOORS | {'msg', 'messages', 'bag', 'marked'},
    'cli': DOORS | {'bag', 'messages', 'ros'},
}
NEVER = {'torch', 'training'}
ONLY_IN = {
    'rclpy': {'ros'},
    'sensor_msgs': {'ros'},
    'geometry_msgs': {'ros'},
    'visualization_msgs': {'ros'},
    'onnxruntime': {'runtime'},
    'tensorrt': {'runtime'},
    'openvino': {'runtime'},
}
MODULES = sorted(
    path
    for path in PACKAGE.rglob('*.py')
    if path.name != '__init__.py' and path.relative_to(PACKAGE).parts[0] != 'msg'
)
TRAINING = sorted((ROOT / 'training').rglob('*.py'))


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix('').parts[0]


def imported(path: Path) -> list[list[str]]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = [alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names]
    dotted = [n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module]
    return [name.split('.') for name in plain + dotted]


def label(path: Path) -> str:
    return str(path.relative_to(ROOT).with_suffix(''))


@pytest.mark.parametrize('path', MODULES, ids=label)
def test_a_module_imports_only_what_lies_below(path):
    layer = layer_of(path)
    for root, *rest in imported(path):
        if root == 'mesh_pose_ros' and rest:
            assert rest[0] in BELOW[layer] | {layer}
        assert root not in NEVER
        assert layer in ONLY_IN.get(root, {layer})


@pytest.mark.parametrize('path', MODULES, ids=label)
def test_the_runtime_names_no_published_system(path):
    """Cards say what a network is; papers are cited by their authors."""
    words = ('metrabs', 'rootnet', 'i2l', 'hand4whole', 'pose2pose', 'pose2mesh', 'posenet')
    text = path.read_text().lower()
    assert not [word for word in (*words, 'pose machine', 'pose_machine') if word in text]


@pytest.mark.parametrize('path', TRAINING, ids=label)
def test_training_knows_no_ros(path):
    for root, *rest in imported(path):
        assert root != 'rclpy'
        assert (root, *rest[:1]) != ('mesh_pose_ros', 'ros')
