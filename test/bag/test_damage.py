"""A torn bag is read as far as it goes; a full disk is told, and what was written stays."""

import os
import resource
import shutil
import subprocess
import sys

import pytest

from mesh_pose_ros.bag import BagJob, process_bag
from mesh_pose_ros.bag.reading import open_bag
from mesh_pose_ros.bag.writing import McapFile
from mesh_pose_ros.errors import BagError


def cut(path, share):
    """Keep the first part of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def only_file(folder, ending):
    (path,) = folder.glob(f'*{ending}')
    return path


@pytest.fixture
def messages(bags):
    return bags.frames(count=20) + bags.infos(count=20)


def test_a_truncated_mcap_gives_its_readable_part_and_says_so(bags, messages, toy_pipeline):
    source = cut(bags.chunks(messages), 0.5)
    report = process_bag(BagJob(source, bags.folder / 'out.mcap'), toy_pipeline)
    assert 0 < report.frames < 20
    assert not report.complete
    assert 'in.mcap: damaged at byte' in report.damage[0]


def test_an_mcap_that_lost_only_its_index_gives_everything(bags, messages, toy_pipeline):
    source = bags.chunks(messages)
    source.write_bytes(source.read_bytes()[:-100])
    report = process_bag(BagJob(source, bags.folder / 'out.mcap'), toy_pipeline)
    assert report.frames == 20
    assert not report.complete


def test_a_chunk_with_a_flipped_bit_costs_no_more_than_itself(bags, messages, toy_pipeline):
    source = bags.chunks(messages)
    data = bytearray(source.read_bytes())
    data[len(data) // 2] ^= 0xFF
    source.write_bytes(data[:-100])
    report = process_bag(BagJob(source, bags.folder / 'out.mcap'), toy_pipeline)
    assert report.frames >= 18
    assert not report.complete


def test_a_rosbag2_folder_whose_recorder_died_before_the_metadata(bags, messages, toy_pipeline):
    source = bags.mcap(messages)
    (source / 'metadata.yaml').unlink()
    report = process_bag(BagJob(source, bags.folder / 'out.mcap'), toy_pipeline)
    assert (report.frames, report.complete) == (20, True)


def test_a_truncated_sqlite_bag_gives_its_readable_part(bags, messages, toy_pipeline):
    source = bags.sqlite(messages)
    cut(only_file(source, '.db3'), 0.6)
    report = process_bag(BagJob(source, bags.folder / 'out.mcap'), toy_pipeline)
    assert 0 < report.frames < 20
    assert 'damaged' in report.damage[0]


def test_a_truncated_ros1_bag_gives_its_readable_part(bags, messages, toy_pipeline):
    source = cut(bags.ros1(messages, chunk=60_000), 0.6)
    report = process_bag(BagJob(source, bags.folder / 'out.mcap'), toy_pipeline)
    assert 0 < report.frames < 20
    assert 'damaged at byte' in report.damage[0]


@pytest.mark.parametrize('share', [0.0, 0.0005])
@pytest.mark.parametrize('kind', ['chunks', 'ros1'])
def test_a_bag_with_nothing_left_is_refused_by_name(bags, messages, toy_pipeline, kind, share):
    source = cut(getattr(bags, kind)(messages), share)
    with pytest.raises(BagError, match=source.name):
        process_bag(BagJob(source, bags.folder / 'out.mcap'), toy_pipeline)
    assert not (bags.folder / 'out.mcap').exists()


@pytest.mark.parametrize('content', ['', 'just text'])
def test_what_is_no_bag_is_refused_with_what_would_be_one(tmp_path, content):
    (tmp_path / 'notes.txt').write_text(content)
    with pytest.raises(BagError, match=r'notes\.txt: is not a bag; give a rosbag2 folder'):
        open_bag(tmp_path / 'notes.txt')


def test_a_missing_bag_is_named(tmp_path):
    with pytest.raises(BagError, match=r'nowhere\.mcap: there is no such bag'):
        open_bag(tmp_path / 'nowhere.mcap')


def test_a_truncated_file_of_ours_can_be_read_again(bags, messages, toy_pipeline):
    job = BagJob(bags.chunks(messages), bags.folder / 'out.mcap', copy_images=True)
    process_bag(job, toy_pipeline)
    partial = job.target.rename(bags.folder / 'out.mcap.partial')
    again = BagJob(cut(partial, 0.9), bags.folder / 'again.mcap')
    assert process_bag(again, toy_pipeline).frames > 0


FILL = """
import resource, signal, sys
from pathlib import Path
from mesh_pose_ros.bag.writing import McapFile
from mesh_pose_ros.errors import BagError
limit = int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
import random
noise = random.Random(0).randbytes(200_000)
try:
    with McapFile(Path(sys.argv[1])) as file:
        channel = file.channel('/noise', 'std_msgs/String')
        for k in range(100):
            file.write(channel, noise, k)
except BagError as err:
    print(err)
    sys.exit(3)
"""


def fill(target, limit=0):
    return subprocess.run(
        [sys.executable, '-c', FILL, str(target), str(limit)], capture_output=True, text=True
    )


def check_full(done, target, reason):
    assert done.returncode == 3, done.stderr
    assert str(target) in done.stdout
    assert reason in done.stdout
    assert 'MB free' in done.stdout
    assert not target.exists()
    left = open_bag(target.with_name(target.name + '.partial'))
    assert left.topics['/noise'].count >= 5


def test_a_file_that_may_not_grow_is_told_and_its_beginning_stays(tmp_path):
    done = fill(tmp_path / 'out.mcap', limit=3_000_000)
    check_full(done, tmp_path / 'out.mcap', 'File too large')


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / 'disk'
    disk.mkdir()
    mount = ['mount', '-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', str(disk)]
    if os.geteuid() or not shutil.which('mount') or subprocess.run(mount, stderr=-3).returncode:
        pytest.skip('a small file system can only be mounted by root where mounting is allowed')
    yield disk
    subprocess.run(['umount', str(disk)], check=True)


def test_a_full_disk_is_told_and_what_was_written_stays(small_disk):
    done = fill(small_disk / 'out.mcap')
    check_full(done, small_disk / 'out.mcap', 'No space left on device')


def test_a_folder_that_cannot_be_made_is_an_error_with_its_reason(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(BagError, match=r'out\.mcap: cannot be written'):
        McapFile(tmp_path / 'file' / 'out.mcap')


def test_a_run_that_fails_leaves_no_file_under_the_final_name(tmp_path):
    with pytest.raises(RuntimeError), McapFile(tmp_path / 'out.mcap'):
        raise RuntimeError
    assert not (tmp_path / 'out.mcap').exists()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.mark.parametrize('kind', ['folder', 'pipe', 'link to a device', 'loop'])
def test_what_is_no_file_is_not_replaced_by_one(tmp_path, kind):
    target = tmp_path / 'out.mcap'
    make = {
        'folder': target.mkdir,
        'pipe': lambda: os.mkfifo(target),
        'link to a device': lambda: target.symlink_to('/dev/null'),
        'loop': lambda: target.symlink_to(target),
    }
    make[kind]()
    with pytest.raises(BagError, match=r'out\.mcap: (is .*, not a file|cannot be followed)'):
        McapFile(target)
    assert [p.name for p in tmp_path.iterdir()] == ['out.mcap']
    assert not target.is_file()


def test_the_file_behind_a_link_is_written(tmp_path):
    (tmp_path / 'far').mkdir()
    (tmp_path / 'out.mcap').symlink_to('far/real.mcap')
    with McapFile(tmp_path / 'out.mcap'):
        assert (tmp_path / 'far/real.mcap.partial').exists()
    assert (tmp_path / 'out.mcap').is_symlink()
    assert [p.name for p in (tmp_path / 'far').iterdir()] == ['real.mcap']
