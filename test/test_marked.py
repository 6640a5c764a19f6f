"""A command replaces its own part of a file and nothing else."""

import pytest

from mesh_pose_ros.marked import Marked

PLACE = Marked('<!-- begin -->', '<!-- end -->')


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'page.md'
    path.write_text('before\n<!-- begin -->\nold\n<!-- end -->\nafter\n')
    return path


def test_only_the_part_changes(file):
    PLACE.put(file, 'new\n')
    assert file.read_text() == 'before\n<!-- begin -->\n\nnew\n\n<!-- end -->\nafter\n'
    assert PLACE.parts(file) == ('before\n', '\n\nnew\n\n', '\nafter\n')


def test_to_put_the_same_again_changes_nothing(file):
    PLACE.put(file, 'new')
    once = file.read_text()
    assert PLACE.with_part(file, 'new') == once


@pytest.mark.parametrize(
    'text', ['plain', 'a <!-- end --> b', '<!-- begin --> only', '<!-- end --><!-- begin -->']
)
def test_a_file_without_marks_is_left_alone(tmp_path, text):
    path = tmp_path / 'plain.md'
    path.write_text(text)
    with pytest.raises(
        ValueError, match=r'plain.md: put the lines <!-- begin --> and <!-- end -->'
    ):
        PLACE.put(path, 'new')
    assert path.read_text() == text
