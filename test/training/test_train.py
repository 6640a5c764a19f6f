"""The command line of training: what it changes in a recipe, and what it draws."""

from dataclasses import replace

import pytest
import torch

from training import curves
from training.recipes.lifter import LifterSources
from training.train import chosen, main, parser, sources


def recipe_for(*words):
    return chosen(parser().parse_args(words))


def test_other_batches_see_as_many_samples():
    usual = recipe_for('crop').schedule
    larger = recipe_for('crop', '--batch', str(8 * usual.batch)).schedule
    assert larger.steps * larger.batch == usual.steps * usual.batch
    assert recipe_for('crop', '--batch', '64', '--steps', '7').schedule.steps == 7


def test_a_correction_alone_has_a_schedule_of_its_own():
    whole, correcting = recipe_for('crop'), recipe_for('crop', '--only', 'metres')
    assert correcting.schedule.batch > whole.schedule.batch
    assert recipe_for('crop', '--only', 'metres', '--steps', '7').schedule.steps == 7


def test_another_seed_draws_other_samples():
    usual, other = (recipe_for('crop', *more).schedule for more in ((), ('--seed', '3')))
    first, second = (torch.rand(4, generator=s.randomness(7)) for s in (usual, other))
    assert not torch.equal(first, second)
    assert torch.equal(first, torch.rand(4, generator=recipe_for('crop').schedule.randomness(7)))


def test_workers_are_refused_where_they_cannot_work(monkeypatch):
    monkeypatch.setattr('sys.argv', ['train', 'crop', '--workers', '2', '--device', 'cuda'])
    with pytest.raises(SystemExit, match='--workers needs --device cpu'):
        main()


def test_a_design_and_a_line_can_be_chosen():
    recipe = recipe_for('crop', '--design', 'volume', '--line', 'permissive')
    assert recipe.network.design == 'volume'
    assert recipe.line == 'permissive'
    usual = recipe_for('crop').network
    assert usual.design != 'volume'
    assert usual.learning == 'all'
    assert recipe_for('crop', '--only', 'metres').network == replace(usual, learning='metres')
    assert recipe_for('lifter').line == 'permissive'
    assert recipe_for('lifter', '--line', 'research').line == 'research'


def test_image_recipes_get_pictures_and_the_lifter_poses(tmp_path):
    poses, seen = tmp_path / 'bank.npz', tmp_path / 'seen.npz'
    given = ['lifter', '--poses', str(poses), '--seen', str(seen)]
    assert sources(parser().parse_args(given)) == LifterSources(poses, seen)
    found = sources(parser().parse_args(['crop', '--layers', str(tmp_path)]))
    assert found.layers == tmp_path
    with pytest.raises(SystemExit, match='layers'):
        sources(parser().parse_args(['crop'])).crops(64, 0.5, 'research')


@pytest.mark.parametrize('name', ['crop', 'detector'])
def test_photographs_take_the_share_that_is_asked_for(name):
    usual = recipe_for(name)
    assert recipe_for(name, '--photo-share', '.25') == replace(usual, photographs=0.25)
    assert recipe_for(name, '--photo-share', '0').photographs == 0


@pytest.mark.parametrize(
    ('words', 'told'),
    [
        (('lifter', '--photo-share', '.5'), '--photo-share is for crop and detector, not for lif'),
        (('crop', '--photo-share', '1'), 'must be from 0 to 0.9'),
        (('detector', '--design', 'mixed'), '--design is for crop, not for detector'),
        (('lifter', '--only', 'metres'), '--only is for crop, not for lifter'),
    ],
)
def test_what_a_recipe_does_not_have_cannot_be_asked_for(words, told):
    with pytest.raises(SystemExit, match=told):
        recipe_for(*words)


def test_a_run_that_has_ended_says_so(monkeypatch, tmp_path, capsys):
    words = ['train', 'lifter', '--run', str(tmp_path), '--steps', '1', '--batch', '2']
    monkeypatch.setattr('sys.argv', words)
    main()
    assert 'are done' not in capsys.readouterr().out
    main()
    assert 'all 1 steps are done; --steps gives it more' in capsys.readouterr().out


def test_curves_are_drawn_and_repeated_steps_count_once(tmp_path):
    log = tmp_path / 'losses.csv'
    assert curves.draw(log) is None
    log.write_text('step,heat,joints\n100,3.0,1.0\n200,2.0,0.5\n200,1.0,0.0\n300,0.5,0.1\n')
    steps, columns = curves.read(log)
    assert steps.tolist() == [100, 200, 300]
    assert columns['heat'].tolist() == [3.0, 1.0, 0.5]
    assert curves.draw(log).read_bytes().startswith(b'\x89PNG')
