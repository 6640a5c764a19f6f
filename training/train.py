"""
Train a recipe: ``python -m training.train lifter --poses posebank.npz``.

The run's folder keeps the checkpoint, the settings and the curves; the same command goes on
where it stopped, on the same device or another. ``python -m training.export`` makes a model
file of it.
"""

from __future__ import annotations

import argparse
import subprocess
from dataclasses import replace
from pathlib import Path

import torch

from mesh_pose_ros.errors import ModelError
from training.loop import OtherRunError, Trainer
from training.networks.crop_net import DESIGNS, LEARNING
from training.recipes import RECIPES
from training.recipes.lifter import LifterRecipe, LifterSources
from training.recipes.sources import Sources


def main() -> None:
    """Command line."""
    options = parser().parse_args()
    if options.workers and options.device != 'cpu':
        raise SystemExit('--workers needs --device cpu: a GPU cannot be used by forked processes')
    torch.set_num_threads(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    folder = options.run or Path('runs') / options.recipe
    recipe = chosen(options)
    if options.start or (folder / 'last.pt').exists():
        recipe = recipe.going_on()
    try:
        task = recipe.task(sources(options))
        trainer = Trainer(task, folder, options.device, options.start, options.anew)
    except (OtherRunError, ModelError) as err:
        raise SystemExit(str(err)) from None
    if trainer.step >= recipe.schedule.steps:
        print(f'{folder}: all {recipe.schedule.steps} steps are done; --steps gives it more')
        return
    (folder / 'recipe.txt').write_text(f'{commit()}\n{sources(options)}\n{recipe}\n')
    trainer.run(minutes=options.minutes)


def parser() -> argparse.ArgumentParser:
    """Say what can be asked for."""
    found = argparse.ArgumentParser(description=(__doc__ or '').split('\n\n')[0])
    found.add_argument('recipe', choices=RECIPES)
    found.add_argument('--run', type=Path, help='folder of the run, default runs/<recipe>')
    found.add_argument('--start', type=Path, help='weights (.pt) a new run begins with')
    found.add_argument('--anew', action='store_true', help='with --start: the schedule, too')
    found.add_argument('--steps', type=int, help="instead of the recipe's")
    found.add_argument('--rate', type=float, help="learning rate, instead of the recipe's")
    found.add_argument('--batch', type=int, help="instead of the recipe's; as many samples in all")
    found.add_argument(
        '--seed', type=int, default=0,
        help='of all that is drawn; another for --anew, or the same samples come again',
    )  # fmt: skip
    found.add_argument('--minutes', type=float, help='stop then; the next start goes on')
    found.add_argument('--device', default='cpu', help="'cpu' or 'cuda'")
    found.add_argument('--threads', type=int, default=1)
    found.add_argument(
        '--workers', type=int, default=0,
        help='crop, detector: processes that make batches ahead, on a CPU',
    )  # fmt: skip
    found.add_argument('--design', choices=DESIGNS, help='crop: how joints in metres are found')
    found.add_argument(
        '--only', choices=LEARNING[1:], help='crop: all rests but what corrects this'
    )
    found.add_argument('--line', choices=('research', 'permissive'), help='what may teach it')
    found.add_argument('--poses', type=Path, help='pose bank (lifter); else authored poses alone')
    found.add_argument('--seen', type=Path, help='people as a network saw them (lifter)')
    found.add_argument('--layers', type=Path, help='synthetic people (crop, detector)')
    found.add_argument('--photos', type=Path, help='photographs (crop, detector)')
    found.add_argument(
        '--photo-share', type=float,
        help="crop, detector: of photographs in a batch, 0 to 0.9, instead of the recipe's",
    )  # fmt: skip
    found.add_argument('--pack', type=Path, help='photographs and lessons in few files')
    found.add_argument('--lessons', type=Path, help='what a teacher saw in photographs (crop)')
    return found


def chosen(options: argparse.Namespace):
    """Take the recipe with what the command line changes."""
    recipe = RECIPES[options.recipe]
    for option, method in (('design', 'of_design'), ('only', 'learning')):
        if getattr(options, option) and not hasattr(recipe, method):
            raise SystemExit(f'--{option} is for crop, not for {options.recipe}')
    if options.only:
        recipe = recipe.learning(options.only)
    if options.photo_share is not None:
        if not hasattr(recipe, 'photographs'):
            raise SystemExit(f'--photo-share is for crop and detector, not for {options.recipe}')
        if not 0 <= options.photo_share <= 0.9:
            raise SystemExit('--photo-share must be from 0 to 0.9: 3D is learned from the rest')
        recipe = replace(recipe, photographs=options.photo_share)
    schedule = replace(recipe.schedule, seed=options.seed)
    if options.batch:
        steps = round(schedule.steps * schedule.batch / options.batch)
        schedule = replace(schedule, batch=options.batch, steps=steps)
    if options.steps:
        schedule = replace(schedule, steps=options.steps)
    if options.rate:
        schedule = replace(schedule, rate=options.rate)
    recipe = replace(recipe, schedule=schedule)
    if options.design:
        recipe = recipe.of_design(options.design)
    return replace(recipe, line=options.line) if options.line else recipe


def sources(options: argparse.Namespace) -> LifterSources | Sources:
    """Where the recipe finds what it learns from."""
    if isinstance(RECIPES[options.recipe], LifterRecipe):
        return LifterSources(options.poses, options.seen)
    return Sources(
        options.layers,
        options.photos,
        options.pack,
        options.device,
        options.lessons,
        options.workers,
    )


def commit() -> str:
    """Name the version of the code, for the record."""
    command = ['git', 'describe', '--always', '--dirty']
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or 'no git'


if __name__ == '__main__':
    main()
