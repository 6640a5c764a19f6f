"""A training run learns, and goes on after a break as if there had been none."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training import curves
from training.loop import OtherRunError, Schedule, Trainer
from training.networks.lifter import LifterSettings
from training.recipes.lifter import LifterRecipe


def recipe_of(body):
    return LifterRecipe(
        body=body,
        network=LifterSettings(hidden=48, frame_hidden=32, corrections=2),
        schedule=Schedule(steps=60, batch=32, warm_up=5, rate=3e-3),
        vertices=60,
    )


@pytest.fixture
def recipe(body_path):
    return recipe_of(body_path)


@torch.no_grad()
def loss_of(trainer):
    parts = trainer.task.losses(0, torch.Generator().manual_seed(9))
    return sum(part.item() for part in parts.values())


def test_a_short_run_lowers_the_loss(recipe, tmp_path):
    trainer = Trainer(recipe.task(), tmp_path)
    first = trainer.run(until=1, quiet=True)
    before = loss_of(trainer)
    trainer.run(quiet=True)
    assert set(first) >= {'vertices', 'joints', 'turn', 'shape'}
    assert loss_of(trainer) < 0.6 * before


def test_a_broken_run_ends_where_a_whole_one_does(recipe, tmp_path):
    whole = Trainer(recipe.task(), tmp_path / 'whole')
    whole.run(until=12, quiet=True)
    Trainer(recipe.task(), tmp_path / 'broken').run(until=7, quiet=True)
    resumed = Trainer(recipe.task(), tmp_path / 'broken')
    assert resumed.step == 7
    resumed.run(until=12, quiet=True)
    for name, value in whole.task.network.state_dict().items():
        torch.testing.assert_close(resumed.task.network.state_dict()[name], value)
    for name, value in whole.average.state_dict().items():
        torch.testing.assert_close(resumed.average.state_dict()[name], value)


def test_others_go_on_from_the_weights_of_a_run(recipe, tmp_path):
    trainer = Trainer(recipe.task(), tmp_path / 'first')
    trainer.run(until=40, quiet=True)
    trainer.save_weights(tmp_path / 'weights.pt')
    assert (tmp_path / 'weights.pt').stat().st_size < (
        (tmp_path / 'first' / 'last.pt').stat().st_size / 4
    )
    further = Trainer(recipe.task(), tmp_path / 'second', start=tmp_path / 'weights.pt')
    fresh = Trainer(recipe.task(), tmp_path / 'third')
    assert further.step == 40
    assert loss_of(further) < 0.8 * loss_of(fresh)
    further.run(until=41, quiet=True)
    again = Trainer(recipe.task(), tmp_path / 'second', start=tmp_path / 'weights.pt')
    assert again.step == 41, 'a run that has begun goes on, whatever it began with'
    anew = Trainer(recipe.task(), tmp_path / 'fourth', start=tmp_path / 'weights.pt', anew=True)
    assert anew.step == 0
    assert loss_of(anew) < 0.8 * loss_of(fresh)


def test_a_log_of_other_parts_is_put_aside(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr('training.loop.LOG_EVERY', 1)
    (tmp_path / 'losses.csv').write_text('step,heat\n100,0.5\n')
    Trainer(recipe.task(), tmp_path).run(until=3, quiet=True)
    steps, columns = curves.read(tmp_path / 'losses.csv')
    assert steps.tolist() == [1, 2, 3]
    assert 'vertices' in columns
    assert (tmp_path / 'losses_until_1.csv').read_text().endswith('100,0.5\n')
    Trainer(recipe.task(), tmp_path).run(until=4, quiet=True)
    assert curves.read(tmp_path / 'losses.csv')[0].tolist() == [1, 2, 3, 4]


INTERRUPTED = """
import signal, sys
from pathlib import Path
from test_loop import recipe_of
from training.loop import Trainer

trainer = Trainer(recipe_of(Path(sys.argv[2])).task(), Path(sys.argv[3]))
losses = trainer.task.losses


def interrupted(step, generator):
    if step == 3:
        signal.raise_signal(int(sys.argv[1]))
    return losses(step, generator)


trainer.task.losses = interrupted
trainer.run(quiet=True)
"""


def test_weights_of_another_version_are_refused_by_name(recipe, tmp_path):
    file = tmp_path / 'weights.pt'
    Trainer(recipe.task(), tmp_path / 'first').save_weights(file)
    kept = torch.load(file, weights_only=True)
    kept['weights']['once'] = kept['weights'].pop('frame.first.weight')
    torch.save(kept, file)
    refused = r'weights\.pt .*another version.*frame\.first\.weight'
    with pytest.raises(OtherRunError, match=refused):
        Trainer(recipe.task(), tmp_path / 'second', start=file)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_a_run_between_steps_with_a_checkpoint(
    recipe, body_path, tmp_path, number
):
    # a process of its own: other libraries of this one have handlers for signals, too
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, '-c', INTERRUPTED, str(int(number)), str(body_path), str(tmp_path)],
        env=os.environ | {'PYTHONPATH': os.pathsep.join([str(here), str(here.parents[1])])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert Trainer(recipe.task(), tmp_path).step == 4


def test_minutes_end_a_run(recipe, tmp_path):
    trainer = Trainer(recipe.task(), tmp_path)
    trainer.run(quiet=True, minutes=1e-9)
    assert trainer.step == 1


def test_the_average_lags_behind(recipe, tmp_path):
    trainer = Trainer(recipe.task(), tmp_path)
    trainer.run(until=10, quiet=True)
    now, mean = trainer.task.network.first.last.weight, trainer.average.first.last.weight
    assert 0 < (now - mean).abs().max() < now.abs().max()


def test_the_rate_rises_and_falls(recipe):
    schedule = replace(recipe.schedule, steps=100, warm_up=10)
    rates = [schedule.rate_at(step) for step in range(100)]
    assert max(rates) == pytest.approx(schedule.rate)
    assert rates.index(max(rates)) in (9, 10)
    assert rates[0] < rates[5]
    assert rates[-1] < 0.02 * schedule.rate
