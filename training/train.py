"""
Train a recipe: ``python -m training.train lifter --poses posebank.npz``.

The run's folder keeps the checkpoint and the settings; the same command goes on where it
stopped. ``python -m training.export`` makes a model file of it.
"""

from __future__ import annotations

import argparse
import subprocess
from dataclasses import replace
from pathlib import Path

import torch

from training.loop import Trainer
from training.recipes import RECIPES


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('recipe', choices=RECIPES)
    parser.add_argument('--poses', type=Path, help='pose bank; without it, authored poses alone')
    parser.add_argument('--run', type=Path, help='folder of the run, default runs/<recipe>')
    parser.add_argument('--steps', type=int, help="instead of the recipe's")
    parser.add_argument('--batch', type=int, help="instead of the recipe's")
    parser.add_argument('--threads', type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    folder = options.run or Path('runs') / options.recipe
    recipe = RECIPES[options.recipe]
    changes = {k: v for k in ('steps', 'batch') if (v := getattr(options, k))}
    recipe = replace(recipe, schedule=replace(recipe.schedule, **changes))
    trainer = Trainer(recipe.task(options.poses), folder)
    (folder / 'recipe.txt').write_text(f'{commit()}\n{options.poses}\n{recipe}\n')
    trainer.run()


def commit() -> str:
    """Name the version of the code, for the record."""
    command = ['git', 'describe', '--always', '--dirty']
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or 'no git'


if __name__ == '__main__':
    main()
