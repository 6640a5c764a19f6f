"""A pack holds what the folder holds, smaller."""

import sys

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from training.data import pack  # noqa: E402
from training.data.album import pack_album, read_annotations  # noqa: E402
from training.data.crops import PhotoPeople  # noqa: E402
from training.data.detection import PhotoScenes  # noqa: E402


def test_people_of_a_shrunk_album_have_the_same_marks(photos, tmp_path):
    path = tmp_path / 'photos.npz'
    pack_album(photos, read_annotations(photos)[0], path, quality=90, longest=100)
    people, small = PhotoPeople.read(photos), PhotoPeople.read(path)
    assert small.number.tolist() == people.number.tolist()
    # a person's square is the same however large the photograph was
    np.testing.assert_allclose(small.joints, people.joints, atol=1.0)
    np.testing.assert_allclose(small.box, people.box, atol=1.0)
    difference = small.pictures.picture(0).astype(int) - people.pictures.picture(0)
    assert np.abs(difference).mean() < 4


def test_the_command_packs_the_training_pictures_of_a_line(photos, tmp_path, monkeypatch, capsys):
    poses = tmp_path / 'bank.npz'
    np.savez(poses, quat=np.zeros(1))
    words = f'pack --out {tmp_path}/out --photos {photos} --poses {poses} --line permissive'
    monkeypatch.setattr(sys, 'argv', words.split())
    pack.main()
    assert '2 photographs, 2 people' in capsys.readouterr().out
    found = pack.Pack.load(tmp_path / 'out')
    assert found.lessons is None
    assert set(PhotoScenes.read(found.photos).source) == {'rb_teacher', 'coco128_train'}


def test_a_pack_that_cannot_be_small_enough_says_so(photos, tmp_path):
    with pytest.raises(ValueError, match='allow more'):
        pack.pack_photographs(photos, 'research', tmp_path / 'photos.npz', 100)


def test_a_folder_without_a_pack_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(ValueError, match=r'python -m training\.data\.pack'):
        pack.Pack.load(tmp_path)
