"""Weights between two networks are those of neither, and a run begins with them."""

import pytest
import torch

from training.average import main
from training.loop import Trainer
from training.networks.lifter import LifterSettings
from training.recipes.lifter import LifterRecipe


def trainer_of(body_path, folder, seed=0, hidden=16, **begun):
    recipe = LifterRecipe(body=body_path, network=LifterSettings(hidden=hidden, frame_hidden=8))
    trainer = Trainer(recipe.task(), folder, **begun)
    if not begun:
        torch.manual_seed(seed)
        for weights in trainer.average.parameters():
            weights.normal_()
    return trainer


@pytest.fixture
def averaged(body_path, tmp_path, monkeypatch):
    def average(share, hidden=16):
        files = [tmp_path / 'a.pt', tmp_path / 'b.pt']
        pair = [
            trainer_of(body_path, tmp_path / 'a'),
            trainer_of(body_path, tmp_path / 'b', 1, hidden),
        ]
        for trainer, file in zip(pair, files):
            trainer.save_weights(file)
        words = [
            'average',
            *map(str, files),
            '--share',
            str(share),
            '--out',
            str(tmp_path / 'c.pt'),
        ]
        monkeypatch.setattr('sys.argv', words)
        main()
        found = trainer_of(body_path, tmp_path / 'c', start=tmp_path / 'c.pt').average
        return (*(trainer.average for trainer in pair), found)

    return average


@pytest.mark.parametrize('share', [0, 0.25, 1])
def test_a_run_begins_between_two(averaged, share):
    here, there, found = (dict(network.named_parameters()) for network in averaged(share))
    assert found
    for name, value in found.items():
        wanted = (1 - share) * here[name] + share * there[name]
        torch.testing.assert_close(value, wanted, atol=4e-3, rtol=2e-3)  # halves on the way


def test_nothing_is_between_networks_of_two_kinds(averaged):
    with pytest.raises(SystemExit, match='weights of different networks'):
        averaged(0.5, hidden=24)


def test_what_lies_beyond_is_refused(averaged):
    with pytest.raises(SystemExit, match='from 0 to 1'):
        averaged(1.2)
