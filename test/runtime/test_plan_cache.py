"""Plans of the real compiler are kept, and built anew when anything they depend on changes."""

import errno
import hashlib
import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from nvidia import need_compiler
from onnx import numpy_helper

from mesh_pose_ros.errors import BackendUnavailableError
from mesh_pose_ros.runtime.plan_cache import PlanCache
from mesh_pose_ros.runtime.tensorrt_library import library_for
from mesh_pose_ros.runtime.tensorrt_plans import PlanMaker

# like everybody but root, who may write anywhere
ORDINARY = (
    'import ctypes, os, sys; CAP_DAC_OVERRIDE = 1; PR_CAPBSET_DROP = 24;'
    'ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0);'
    'os.execv(sys.executable, [sys.executable, *sys.argv[1:]])'
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / 'mesh_pose_ros' / 'engines'


@pytest.fixture
def maker(folder):
    need_compiler()
    return PlanMaker(*library_for(('SM89',)), PlanCache(folder))


@pytest.fixture
def built(caplog):
    """How many builds there were since last asked."""
    caplog.set_level(logging.INFO, 'mesh_pose_ros')

    def count():
        found = sum(message.startswith('building ') for message in caplog.messages)
        caplog.clear()
        return found

    return count


def test_a_plan_is_built_once(maker, card, built, folder):
    first = maker.plan(card)
    assert built() == 1
    assert maker.plan(card) == first
    assert built() == 0
    assert [p.key['model'] for p in PlanCache(folder).plans()] == ['statue']


def test_one_that_must_be_new_is(maker, card, built):
    maker.plan(card)
    maker.plan(card, anew=True)
    assert built() == 2


def test_a_changed_byte_of_the_graph_makes_another(maker, card, built):
    maker.plan(card)
    shipped = card.path.read_bytes()
    model = onnx.load(card.path)
    weights = next(t for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT)
    moved = numpy_helper.to_array(weights) + np.float32(1)
    weights.CopyFrom(numpy_helper.from_array(moved, weights.name))
    card.path.write_bytes(model.SerializeToString())
    maker.plan(card)
    assert built() == 2
    card.path.write_bytes(shipped)
    maker.plan(card)
    assert built() == 0


def test_another_version_makes_another(maker, card, built, monkeypatch):
    maker.plan(card)
    monkeypatch.setattr(maker.library.module, '__version__', '99.1')
    maker.plan(card)
    assert built() == 2


def test_another_precision_makes_another(maker, card, built):
    assert maker.plan(card, 'fp32') != maker.plan(card, 'fp16')
    assert built() == 2
    maker.plan(card, 'fp16')
    assert built() == 0


def test_another_gpu_makes_another(maker, card, built, folder):
    maker.plan(card)
    PlanMaker(*library_for(('SM120',)), PlanCache(folder)).plan(card)
    assert built() == 2


@pytest.mark.parametrize(
    'change',
    [{'options': {'batches': [1, 2]}}, {'outputs': {'joints2d': '', 'joints3d': ''}}],
    ids=lambda change: next(iter(change)),
)
def test_another_card_makes_another(maker, card, built, change):
    maker.plan(card)
    maker.plan(replace(card, **change))
    assert built() == 2


def test_an_unknown_precision_is_refused(maker, card):
    with pytest.raises(BackendUnavailableError, match=r'int3.*fp32, fp16'):
        maker.plan(card, 'int3')


@pytest.mark.parametrize(
    'damage',
    [
        lambda data: data[: len(data) // 2],  # the disk was full
        lambda data: b'',
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: data.replace(b'\n', b' '),
    ],
    ids=['half', 'nothing', 'one_bit', 'no_head'],
)
def test_a_damaged_plan_is_built_anew(maker, card, built, folder, caplog, damage):
    maker.plan(card)
    (path,) = folder.glob('*.plan')
    path.write_bytes(damage(path.read_bytes()))
    maker.plan(card)
    assert f'{path} is damaged' in caplog.text
    assert built() == 2
    maker.plan(card)
    assert built() == 0


def test_a_damaged_float16_graph_is_made_anew(maker, card, folder):
    maker.plan(card, 'fp16')
    (graph,) = folder.glob('*.onnx')
    whole = graph.read_bytes()
    graph.write_bytes(whole[:100])
    maker.plan(card, 'fp16', anew=True)
    assert graph.read_bytes() == whole


def compile_in(cache_home, card, *before):
    """Start the compiler with a cache of its own."""
    support = Path(__file__).parents[1] / 'support' / 'nvidia.py'
    return subprocess.Popen(
        [sys.executable, *before, support, str(card.path.with_suffix('.yaml'))],
        env={**os.environ, 'XDG_CACHE_HOME': str(cache_home)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_folder_that_cannot_be_written_to_only_costs_time(card, tmp_path, folder):
    need_compiler()
    folder.mkdir(parents=True)
    folder.chmod(0o555)
    process = compile_in(tmp_path, card, '-c', ORDINARY)
    said, complained = process.communicate(timeout=300)
    assert said.startswith('built '), complained
    assert f'cannot be kept in {folder} (Permission denied)' in complained
    assert list(folder.iterdir()) == []


def test_of_two_processes_one_builds_and_one_waits(card, tmp_path, folder):
    need_compiler()
    with PlanCache(folder).building():  # until both are there
        both = [compile_in(tmp_path, card) for _ in range(2)]
        waiting = [process.stderr.readline() for process in both]
        assert all('another process builds' in line for line in waiting), waiting
    told = [process.communicate(timeout=300) for process in both]
    assert [said.startswith('built ') for said, _ in told] == [True, True], told
    assert sum('building statue' in log for _, log in told) == 1
    assert len(PlanCache(folder).plans()) == 1


def test_a_plan_appears_whole_or_not_at_all(maker, card, folder):
    maker.plan(card)
    assert not list(folder.glob('*.part'))
    (stored,) = PlanCache(folder).plans()
    plan = maker.cache.read(maker.key(card, 'fp32'))
    assert stored.key['sha256'] == hashlib.sha256(plan).hexdigest()


def test_what_a_full_disk_cuts_short_is_not_left_lying(folder, monkeypatch, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr('os.fchmod', full)
    PlanCache(folder).keep_graph('statue', b'graph')
    assert 'No space left' in caplog.text
    assert list(folder.iterdir()) == []


def test_clearing_leaves_nothing_to_load(maker, card, built, folder):
    maker.plan(card, 'fp16')
    assert PlanCache(folder).clear() > 0
    assert PlanCache(folder).plans() == []
    assert PlanCache(folder).clear() == 0
    maker.plan(card, 'fp16')
    assert built() == 2


def test_a_folder_that_is_not_there_is_an_empty_one(folder):
    cache = PlanCache(folder)
    assert (cache.plans(), cache.clear()) == ([], 0)


def test_a_strange_file_is_listed_without_a_key(folder):
    folder.mkdir(parents=True)
    (folder / 'strange.plan').write_bytes(b'\x00\x01\x02')
    (found,) = PlanCache(folder).plans()
    assert (found.path.name, found.size, found.key) == ('strange.plan', 3, {})
