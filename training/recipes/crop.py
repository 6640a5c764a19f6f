"""The crop network: one person's joints in the picture and in metres, from a square crop."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.models import find_card
from mesh_pose_ros.skeletons import joint_mixer
from training.ahead import Ahead
from training.data.crop_batch import CropBatch
from training.data.joint_sets import BODY30
from training.echo import KEPT, Echo
from training.frozen import Eyes, Seen
from training.graph_file import write_graph
from training.loop import Schedule, Trainer, settings_in
from training.networks.blaze import BlazeSettings
from training.networks.crop_net import CropNet, CropNetSettings, told_of, trunk_settings
from training.networks.first_weights import start_from
from training.precision import autocast
from training.recipes.crop_card import CropGraph, crop_card
from training.recipes.crop_losses import CropLosses, CropWeights
from training.recipes.sources import Sources

PARTLY = 6  # times a crop is used where only a part learns
STEPS = {'metres': 11_500, 'size': 5_000}  # of such runs
DISTANCE = CropWeights(heat=0, joints=0, places=0, depth=1, outline=0, trust=0, score=0)
HIPS = (BODY30.index('left_hip'), BODY30.index('right_hip'))


class CropSource(Protocol):
    """Where labelled crops come from; see `training.data.crops`."""

    def batch(self, count: int, generator: torch.Generator) -> CropBatch:
        """Draw crops; the same state of the generator gives the same ones."""
        ...


@dataclass(frozen=True)
class CropRecipe:
    """
    Everything that makes a crop network.

    :param line: which photographs may be used: 'research' for all, or 'permissive'
    :param precision: of the convolutions in training, where the machine is good at it
    :param echo, kept: how often each sample is used, and for how many batches, see `training.echo`
    :param begins_as: the model whose weights BlazePose's trunk has at first; '' for fresh ones
    :param photographs: share of each batch that is photographs, if there are any
    :param margin: side of a crop per longer side of the box, for the card
    """

    name: str = 'own_pose'
    line: str = 'research'
    network: CropNetSettings = field(
        default_factory=lambda: CropNetSettings(
            256, 'mixed', BlazeSettings(), correction=512, size=256
        )
    )
    weights: CropWeights = field(default_factory=CropWeights)
    schedule: Schedule = field(
        default_factory=lambda: Schedule(
            steps=20_000,
            batch=32,
            rate=5e-4,
            warm_up=100,
            weight_decay=0.02,
            average=0.9995,
            save_every=180,
        )
    )
    precision: str = 'float32'
    echo: int = 3
    kept: int = KEPT
    begins_as: str = 'mediapipe_pose'
    photographs: float = 0.5
    margin: float = 1.25

    def build(self) -> CropNet:
        """Make the network with fresh weights."""
        torch.manual_seed(self.schedule.seed)
        network = CropNet(len(BODY30), HIPS, self.network)
        if self.begins_as and isinstance(self.network.trunk, BlazeSettings):
            known = find_card(self.begins_as)
            start_from(network, known.path, joint_mixer(known.skeleton, BODY30.names))
        return network

    def of_design(self, design: str) -> CropRecipe:
        """Find joints in metres in another way."""
        return replace(self, network=replace(self.network, design=design))

    def learning(self, part: str) -> CropRecipe:
        """
        Let only a part learn: steps are cheap, so crops are used more often.

        What corrects pixels is none: alone, it loses a little in photographs of what it learned
        together with the rest. What corrects sizes learns of nothing but distances.

        :param part: 'metres' or 'size'
        """
        return replace(
            self,
            network=replace(self.network, learning=part),
            weights=DISTANCE if part == 'size' else self.weights,
            schedule=replace(self.schedule, steps=STEPS[part], batch=128, rate=1e-3),
            echo=PARTLY,
            kept=8 * KEPT,
        )

    def of_run(self, run: Path) -> CropRecipe:
        """Take over what a run's network was made with."""
        settings = settings_in(run, 'line', 'network')
        network = dict(settings['network'])
        trunk = trunk_settings(network.pop('trunk'))
        network = CropNetSettings(trunk=trunk, **network)
        return replace(self, line=settings['line'], network=network, begins_as='')

    def task(self, sources: Sources) -> CropTask:
        """Make what the training loop runs."""
        source = sources.crops(self.network.side, self.photographs, self.line)
        return CropTask(self, source, sources.workers)

    def going_on(self) -> CropRecipe:
        """The same for a run that has weights: what it would begin with is not looked for."""
        return replace(self, begins_as='')

    def trainer(self, run: Path) -> Trainer:
        """Open a run of this very network to look at it."""
        return Trainer(CropTask(self, None), run)

    def export(self, run: Path, graph: Path) -> ModelCard:
        """Write the graph of a run's network and its weights, and describe it."""
        recipe = self.of_run(run)
        side = recipe.network.side
        inputs = {'image': torch.zeros(2, side, side, 3, dtype=torch.uint8)}
        if recipe.network.size:
            inputs['intrinsics'] = torch.eye(3).repeat(2, 1, 1)
        trainer = recipe.trainer(run)
        write_graph(CropGraph(_average(trainer)), inputs, graph, half_weights=True)
        trainer.save_weights(graph.with_suffix('.pt'))
        return crop_card(graph, recipe.network, recipe.line, recipe.margin)


def _average(trainer: Trainer) -> CropNet:
    assert isinstance(trainer.average, CropNet)
    return trainer.average.eval()


class CropTask:
    """
    A crop network in training; see `training.loop.Task`.

    :param source: None to look at a run only
    :param workers: processes that draw crops and look at them, see `training.ahead`
    """

    def __init__(self, recipe: CropRecipe, source: CropSource | None, workers: int = 0) -> None:
        self.schedule = recipe.schedule
        self.network = recipe.build()
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.settings: dict[str, Any] = {'line': recipe.line, 'network': told_of(recipe.network)}
        less = ({'size': 0}, {'size': 0, 'correction': 0})
        self.ancestors = tuple(
            {**self.settings, 'network': told_of(replace(recipe.network, **without))}
            for without in less
        )
        self._losses = CropLosses(BODY30, recipe.weights, recipe.network.side)
        self._precision = recipe.precision
        self._source = source
        self._eyes = Eyes(self.network)
        self._echo = Echo(recipe.echo, recipe.kept)
        self._drawn = Ahead(self._looked, self._echo.fresh, workers)

    def losses(self, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Compare what the network understands with labels."""
        device = self.network.root.device
        seen, crops = self._echo.batch(step, self._drawn, generator)
        with autocast(device, self._precision):
            sight = self._eyes.understand(seen, crops.intrinsics)
        return self._losses(sight, crops)

    def _looked(self, step: int) -> tuple[Seen, CropBatch]:
        """Draw crops and look at them."""
        assert self._source is not None, 'this task was made to look at a run, not to train'
        device = self.network.root.device
        generator = self.schedule.randomness(step)
        crops = self._source.batch(self.schedule.batch, generator).to(device)
        image = crops.image.float().contiguous(memory_format=torch.channels_last)
        with autocast(device, self._precision):
            return self._eyes.look(image), crops.without_image()
