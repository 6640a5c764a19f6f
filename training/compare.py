"""
Compare designs of the crop network at equal samples: ``python -m training.compare --layers ...``.

Every design sees the very same crops in the same order, for as many steps, and is then measured
on people that none has seen. What one run cannot tell, luck of the first weights, ``--seeds`` can.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.data.crop_batch import CropBatch
from training.loop import Trainer
from training.metrics import aligned_error, mean_error
from training.networks.blaze import FREEZABLE, BlazeSettings
from training.networks.crop_net import DESIGNS, Sight
from training.recipes.crop import CropRecipe, CropSource, CropTask
from training.recipes.crop_losses import depth_of
from training.recipes.sources import Sources

NEAR = 0.05  # of the crop's side; about a fifth of a torso
SEED = 20_26


def measure(network: nn.Module, source: CropSource, count: int, batch: int = 64) -> dict:
    """
    Errors on the people in ``count`` crops of a source that training did not use.

    :return: ``near2d`` share of joints in the crop that are read within `NEAR`; ``mpjpe`` and
        ``pa_mpjpe`` millimetres, ``cut_mpjpe`` of joints outside the crop; ``depth`` median
        error of the distance, percent
    """
    generator = torch.Generator().manual_seed(SEED)
    device = next(network.parameters()).device
    parts = []
    for _ in range(-(-count // batch)):
        crops = source.batch(batch, generator).to(device)
        crops = crops[crops.root[:, 2] > 0]  # without those that show nobody
        with torch.no_grad():
            parts.append(_errors(network(crops.image.float()), crops))
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    shown, outside = found.pop('shown'), found.pop('outside')
    return {
        'near2d': float((found['away'][shown] < NEAR).mean()),
        'mpjpe': float(found['mpjpe'].mean()),
        'pa_mpjpe': float(found['pa_mpjpe'].mean()),
        'cut_mpjpe': float(found['each'][outside].mean()) if outside.any() else float('nan'),
        'depth': float(np.median(found['depth'])),
    }


def _errors(sight: Sight, crops: CropBatch) -> dict[str, np.ndarray]:
    """Errors of synthetic crops, by person or by joint."""
    side, shown = crops.side, crops.inside
    depth = depth_of(sight, crops.intrinsics, side)
    found, truth = sight.joints3d.cpu().numpy(), crops.joints3d.cpu().numpy()
    return {
        'shown': (shown & (crops.seen2d > 0)).cpu().numpy(),
        'outside': (~shown).cpu().numpy(),
        'away': ((sight.joints2d - crops.joints2d).norm(dim=-1) / side).cpu().numpy(),
        'each': 1000 * np.linalg.norm(found - truth, axis=-1),
        'mpjpe': mean_error(found, truth),
        'pa_mpjpe': aligned_error(found, truth),
        'depth': 100 * (depth / crops.root[:, 2] - 1).abs().cpu().numpy(),
    }


@dataclass(frozen=True)
class Comparison:
    """
    What all designs have in common.

    :param recipe: but for its design
    :param learned: crops to learn from
    :param held_out: crops to be measured on
    :param count: how many of them
    :param folder: for the runs
    """

    recipe: CropRecipe
    learned: CropSource
    held_out: CropSource
    count: int
    folder: Path
    device: str = 'cpu'

    def row(self, design: str, seed: int) -> dict:
        """
        Train one design, or go on with it, and measure it.

        :raises SystemExit: told to stop before its end
        """
        schedule = replace(self.recipe.schedule, seed=seed)
        recipe = replace(self.recipe.of_design(design), schedule=schedule)
        task = CropTask(recipe, self.learned)
        trainer = Trainer(task, self._run(recipe), self.device)
        trainer.run()
        if trainer.step < schedule.steps:
            raise SystemExit(f'{design} has steps left; the same command goes on with it')
        row = {'design': design, 'seed': seed, 'samples': schedule.steps * schedule.batch}
        return row | measure(trainer.average.eval(), self.held_out, self.count)

    def _run(self, recipe: CropRecipe) -> Path:
        """Folder of a design; what a run does not know of its network is in the name."""
        network = recipe.network
        frozen = network.trunk.frozen if isinstance(network.trunk, BlazeSettings) else 0
        return self.folder / f'{network.design}_frozen{frozen}_{recipe.schedule.seed}'


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--layers', type=Path, required=True, help='synthetic people to learn')
    parser.add_argument('--held-out', type=Path, required=True, help='layers made for tests')
    parser.add_argument('--photos', type=Path)
    parser.add_argument('--steps', type=int, default=3000)
    parser.add_argument('--batch', type=int, default=32)
    parser.add_argument('--seeds', type=int, default=1)
    parser.add_argument('--count', type=int, default=1024, help='crops to measure on')
    parser.add_argument('--device', default='cpu')
    parser.add_argument(
        '--frozen', type=int, default=BlazeSettings().frozen, choices=FREEZABLE,
        help='stride down to which the trunk rests',
    )  # fmt: skip
    parser.add_argument('--designs', nargs='+', default=list(DESIGNS), choices=DESIGNS)
    parser.add_argument('--out', type=Path, default=Path('runs/compare'))
    options = parser.parse_args()
    torch.set_num_threads(1)
    comparison = _comparison(options)
    rows = []
    for seed in range(options.seeds):
        for design in options.designs:
            rows.append(comparison.row(design, seed))
            print(' '.join(f'{name} {_short(value)}' for name, value in rows[-1].items()))
    with (options.out / 'designs.csv').open('w', newline='') as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _comparison(options: argparse.Namespace) -> Comparison:
    recipe = CropRecipe()
    schedule = replace(recipe.schedule, steps=options.steps, batch=options.batch)
    # what corrects any design's guess would only blur what tells them apart
    network = replace(recipe.network, trunk=BlazeSettings(frozen=options.frozen), correction=0)
    recipe = replace(recipe, schedule=schedule, network=network)
    learned = Sources(options.layers, options.photos, None, options.device)
    held_out = Sources(options.held_out, None, None, options.device)
    return Comparison(
        recipe,
        learned.crops(network.side, recipe.photographs, recipe.line),
        held_out.crops(network.side, 0.0, recipe.line),
        options.count,
        options.out,
        options.device,
    )


def _short(value: object) -> str:
    return f'{value:.3g}' if isinstance(value, float) else str(value)


if __name__ == '__main__':
    main()
