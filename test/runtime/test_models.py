"""A name or a path finds a model; what is wrong with one is said."""

import os
from pathlib import Path

import pytest
from toy_models import export_blob_detector, export_echo_lift, export_statue

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.runtime.models import (
    DEFAULT,
    available_cards,
    cache_folder,
    find_card,
    find_partner,
    model_folders,
)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two folders of the user's, and an empty cache."""
    first, second = tmp_path / 'first', tmp_path / 'second'
    for folder in (first, second):
        folder.mkdir()
    monkeypatch.setenv('MESH_POSE_MODELS', f'{first}{os.pathsep}{second}')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return first, second


def test_a_path_to_card_graph_or_folder_will_do(tmp_path, monkeypatch):
    export_statue(tmp_path)
    export_blob_detector(tmp_path)
    monkeypatch.chdir(tmp_path)
    for path in ('statue.yaml', 'statue.onnx', '.', str(tmp_path), tmp_path / 'statue.onnx'):
        assert find_card(path).name == 'statue'


def test_a_folder_may_be_named_as_its_model(tmp_path):
    folder = tmp_path / 'second'
    folder.mkdir()
    export_statue(folder, name='first')
    export_statue(folder, name='second')
    assert find_card(folder).name == 'second'


def test_a_folders_name_will_do_where_no_model_has_it(folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('mine', 'statue'):
        (tmp_path / name).mkdir()
        export_statue(tmp_path / name, description='of a folder')
    assert find_card('mine').description == 'of a folder'
    export_statue(tmp_path / 'first', description='by name')
    assert find_card('statue').description == 'by name'
    with pytest.raises(ModelError, match="''"):
        find_card('')


def test_a_folder_of_many_models_is_asked_about(tmp_path):
    export_statue(tmp_path, name='first')
    export_statue(tmp_path, name='second')
    with pytest.raises(ModelError, match='2 cards, cannot tell'):
        find_card(tmp_path)


def test_a_name_is_looked_up_in_the_users_folders_first(folders):
    for folder, words in zip(folders, ('mine', 'theirs'), strict=True):
        export_statue(folder, description=words)
    assert find_card('statue').description == 'mine'
    assert available_cards()['statue'] == folders[0] / 'statue.yaml'


def test_then_in_the_cache(folders):
    cache_folder().mkdir(parents=True)
    export_statue(cache_folder(), name=DEFAULT)
    assert find_card('default').path == (cache_folder() / f'{DEFAULT}.onnx').resolve()


def test_models_of_the_checkout_are_found():
    assert Path(__file__).parents[2] / 'models' in model_folders()


def test_a_name_unknown_tells_where_it_was_looked_for_and_what_to_do(folders):
    with pytest.raises(ModelError, match=rf"'nobody'.*{folders[0]}.*mesh_pose models import"):
        find_card('nobody')


def test_a_graph_without_a_card_is_told(tmp_path):
    (export_statue(tmp_path).path.with_suffix('.yaml')).unlink()
    with pytest.raises(ModelError, match=r'statue\.yaml: cannot read the model card'):
        find_card(tmp_path / 'statue.onnx')


def test_a_partner_beside_a_model_wins_over_the_users(folders, tmp_path):
    export_blob_detector(folders[0])
    together = tmp_path / 'together'
    together.mkdir()
    export_blob_detector(together)
    card = export_statue(together, partners={'detector': 'blobs'})
    assert find_partner(card, 'detector').path.parent == together


def test_no_partner_is_none(tmp_path):
    card = export_statue(tmp_path, partners={'detector': 'blobs'})
    assert find_partner(card, 'lift') is None
    assert find_partner(card, 'detector', wanted='none') is None


def test_a_partner_of_another_kind_is_refused(tmp_path):
    export_echo_lift(tmp_path)
    card = export_statue(tmp_path, partners={'detector': 'echo'})
    with pytest.raises(ModelError, match='a detector is wanted, this is a lift model'):
        find_partner(card, 'detector')


def test_a_missing_partner_is_named(tmp_path, folders):
    card = export_statue(tmp_path, partners={'detector': 'eyes'})
    with pytest.raises(ModelError, match="'eyes'"):
        find_partner(card, 'detector')


def test_our_own_networks_have_a_short_name_and_their_partners_with_them():
    card = find_card('own')
    assert card.name == 'own_pose'
    for kind in ('detector', 'lift'):
        assert find_partner(card, kind).kind == kind
