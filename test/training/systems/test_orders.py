"""What is asked for is understood, or refused with what could be asked for."""

import argparse
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mesh_pose_ros.runtime.models import find_card
from training.systems import SYSTEMS
from training.systems.orders import add_arguments, described, read_order
from training.systems.system import Order, OrderError

MISTAKES = [
    (['--variant', 'foot'], "no variant 'foot', only body"),
    (['--set', 'colour=red'], 'settings of i2l_meshnet are mesh, root'),
    (['--set', 'mesh'], 'settings of i2l_meshnet are mesh, root'),
    (['--body-model', 'nowhere/SMPL_NEUTRAL.pkl'], 'https://smpl.is.tue.mpg.de'),
    ([], 'not a checkpoint of this I2lMeshNet'),
]

SOURCES = Path(__file__).parents[3]
MODELS = SOURCES / 'models'
PAGE = (SOURCES / 'docs' / 'published_systems.md').read_text()
PAGE_TEXT = PAGE.replace('\\\n', ' ')  # a command in a line
EXPORTS = re.findall(r'^mesh_pose export (--system .*)', PAGE_TEXT, re.MULTILINE)


def run(module, *arguments):
    return subprocess.run(
        [sys.executable, '-m', module, *map(str, arguments)], capture_output=True, text=True
    )


@pytest.fixture(scope='module')
def strange(tmp_path_factory):
    """A checkpoint of something else."""
    path = tmp_path_factory.mktemp('strange') / 'snapshot.pth.tar'
    torch.save({'network': {'module.first.weight': torch.zeros(3, 3)}}, path)
    return path


@pytest.mark.parametrize(('more', 'message'), MISTAKES)
def test_mistakes_are_told_in_one_sentence(strange, tmp_path, more, message):
    asked = ['--system', 'i2l_meshnet', '--checkpoint', strange, '--out', tmp_path / 'out', *more]
    done = run('mesh_pose_ros.cli', 'export', *asked)
    assert done.returncode == 3
    assert message in done.stdout
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'out').exists()


def test_a_checkpoint_of_another_network_names_the_keys_that_do_not_fit(strange):
    done = run('training.checkpoints', '--system', 'rootnet', '--checkpoint', strange)
    assert done.returncode == 3
    assert 'first.weight' in done.stdout


def test_help_says_all_that_every_system_takes():
    told = run('mesh_pose_ros.cli', 'export', '--help').stdout
    for name, system in SYSTEMS.items():
        assert name in told
        assert all(line in told for line in described(system).splitlines())
        for word in (*system.variants, *system.settings):
            assert word in told


def test_a_setting_is_one_of_its_choices(tmp_path):
    order = Order(tmp_path, 'x', 'body', settings={'mesh': 'wool'})
    with pytest.raises(OrderError, match='lixel, param'):
        order.chosen('mesh', ('lixel', 'param'))
    assert Order(tmp_path, 'x', 'body').chosen('mesh', ('lixel', 'param')) == 'lixel'


@pytest.mark.parametrize('command', EXPORTS)
def test_documented_exports_are_understood(command):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    parser.add_argument('--out', required=True)
    told = parser.parse_args(shlex.split(command))
    told.body_model = None
    system, order = read_order(told)
    assert order.variant in system.variants


def test_documented_models_are_found_where_exports_put_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in set(re.findall(r'--out (\S+)', PAGE_TEXT)):
        Path(folder).mkdir()
        for file in MODELS.glob('own_pose.*'):
            (tmp_path / folder / file.name).symlink_to(file)
    in_commands = re.findall(r'--model (\S+)', PAGE_TEXT)
    in_python = re.findall(r"PoseEstimator\.open\('(\S+)'\)", PAGE_TEXT)
    assert len(in_commands) > 5
    for name in in_commands + in_python:
        assert find_card(name).name == 'own_pose'
