"""Files of body models are read without running what is in them, and told apart."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
from parity import stand_ins

from training.body_models import (
    MANO,
    SMPL,
    SMPLX,
    BodyModelError,
    kind_of,
    known_as,
    read_body_model,
)


class Evil:
    """Would run a command if somebody read it carelessly."""

    def __reduce__(self):
        return print, ('run',)


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('bodies')
    models = {'SMPL': stand_ins().smpl('neutral'), 'MANO': stand_ins().mano()}
    for name, arrays in models.items():
        (folder / f'{name}.pkl').write_bytes(pickle.dumps(arrays, protocol=2))
    np.savez(folder / 'SMPL-X.npz', **stand_ins().smplx('neutral'), joint2num=np.array({}))
    return folder


@pytest.mark.parametrize(
    ('kind', 'file'), [(SMPL, 'SMPL.pkl'), (MANO, 'MANO.pkl'), (SMPLX, 'SMPL-X.npz')]
)
def test_every_kind_is_read_and_known(files, kind, file):
    arrays = read_body_model(files / file)
    assert kind_of(arrays) == kind
    assert known_as(kind, arrays)['faces'].max() < kind.vertices
    assert kind.page.startswith('https://')


def test_what_is_read_is_what_was_written(files):
    arrays, told = read_body_model(files / 'SMPL.pkl'), stand_ins().smpl('neutral')
    np.testing.assert_array_equal(arrays['shapedirs'], told['shapedirs'])
    difference = arrays['J_regressor'] - told['J_regressor']
    assert scipy.sparse.issparse(difference)
    assert abs(difference).max() == 0


def test_arrays_that_chumpy_wrapped_are_unwrapped(files, tmp_path, monkeypatch):
    told = stand_ins().smpl('neutral')
    module = type(sys)('chumpy.ch')
    module.Ch = type('Ch', (), {'__module__': 'chumpy.ch'})
    monkeypatch.setitem(sys.modules, 'chumpy', type(sys)('chumpy'))
    monkeypatch.setitem(sys.modules, 'chumpy.ch', module)
    directions = module.Ch()
    directions.x = told['shapedirs']
    wrapped = {**told, 'shapedirs': directions}
    (tmp_path / 'SMPL.pkl').write_bytes(pickle.dumps(wrapped, protocol=2))
    arrays = read_body_model(tmp_path / 'SMPL.pkl')
    np.testing.assert_array_equal(arrays['shapedirs'], told['shapedirs'])


def test_a_pickle_that_asks_for_more_than_arrays_is_refused(tmp_path, capsys):
    path = tmp_path / 'SMPL.pkl'
    path.write_bytes(pickle.dumps({'v_template': Evil()}, protocol=2))
    with pytest.raises(BodyModelError, match='only arrays'):
        read_body_model(path)
    assert 'run' not in capsys.readouterr().out


def test_another_body_model_than_wanted_is_refused_by_name(files):
    with pytest.raises(BodyModelError, match=r'wants SMPL .*this is MANO'):
        known_as(SMPL, read_body_model(files / 'MANO.pkl'))


def test_a_missing_file_says_where_it_is_from(tmp_path):
    with pytest.raises(BodyModelError, match=r'SMPLX_NEUTRAL\.npz from https://smpl-x'):
        read_body_model(tmp_path / 'SMPLX_NEUTRAL.npz')


def test_the_checking_command_tells_good_from_bad(files, tmp_path):
    bad = tmp_path / 'bad.npz'
    np.savez(bad, v_template=np.zeros((3, 3)))
    command = [sys.executable, '-m', 'training.body_models']
    good = subprocess.run([*command, files / 'SMPL-X.npz'], capture_output=True, text=True)
    assert good.returncode == 0
    assert '10475 vertices, 55 joints: usable' in good.stdout
    mixed = subprocess.run([*command, bad, files / 'MANO.pkl'], capture_output=True, text=True)
    assert mixed.returncode == 1
    assert 'is missing' in mixed.stdout
    assert 'MANO' in mixed.stdout
