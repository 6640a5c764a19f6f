"""`mesh_pose engines`: build ahead for another machine, list, clear."""

import pytest
from nvidia import need_compiler


@pytest.fixture
def built(mesh_pose):
    """The toy models' engines for one GPU."""
    need_compiler()
    done = mesh_pose('engines', 'build', '--target', 'SM89', '--precision', 'fp16')
    assert done.exit_code == 0, done.output
    return done


def test_build_takes_the_model_and_its_partners(built):
    lines = built.output.splitlines()
    assert [line.split(':')[0] for line in lines] == ['toy_pose', 'toy_detector']
    assert all('fp16 for SM89' in line and 'tensorrt_rtx' in line for line in lines)


def test_list_says_what_was_built(built, mesh_pose):
    head, *rows, where = mesh_pose('engines', 'list').output.splitlines()
    assert head.split() == ['model', 'precision', 'for', 'by', 'MB', 'file']
    assert [row.split()[:3] for row in rows] == [
        ['toy_detector', 'fp16', 'SM89'],
        ['toy_pose', 'fp16', 'SM89'],
    ]
    assert where.endswith('mesh_pose_ros/engines')


def test_clear_removes_them(built, mesh_pose):
    assert 'MB removed' in mesh_pose('engines', 'clear').output
    assert len(mesh_pose('engines', 'list').output.splitlines()) == 2


def test_a_detector_can_be_built_alone(mesh_pose):
    need_compiler()
    done = mesh_pose('engines', 'build', 'toy_detector', '--target', 'SM86', '--target', 'SM120')
    assert [line.split(',')[0] for line in done.output.splitlines()] == [
        'toy_detector: fp32 for SM86',
        'toy_detector: fp32 for SM120',
    ]


def test_without_a_gpu_a_target_must_be_named(mesh_pose, monkeypatch):
    monkeypatch.setattr('mesh_pose_ros.runtime.cuda.DRIVER', 'libcuda_that_is_not_there.so')
    done = mesh_pose('engines', 'build')
    assert done.exit_code == 3
    assert 'no NVIDIA driver' in done.output


def test_a_target_nobody_builds_for_is_exit_3(mesh_pose):
    need_compiler()
    done = mesh_pose('engines', 'build', '--target', 'SM87')
    assert done.exit_code == 3
    assert 'SM87, only for' in done.output
