"""The person detector: boxes from whole pictures."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mesh_pose_ros.runtime.card import ImageInput, ModelCard, sha256_of
from training.ahead import Ahead
from training.data.detection import DetectorBatch, Pictures
from training.graph_file import write_graph
from training.loop import Schedule, Trainer, settings_in
from training.networks.detector_net import DetectorGraph, DetectorNet, DetectorSettings
from training.networks.trunk import TrunkSettings, folded
from training.precision import autocast
from training.recipes.crop_card import LICENCES
from training.recipes.detector_losses import DetectorWeights, detector_losses
from training.recipes.sources import Sources

SOURCE = 'python -m training.train detector && python -m training.export detector'
DESCRIPTION = 'People in a picture as boxes. Trained on synthetic people and photographs.'


@dataclass(frozen=True)
class DetectorRecipe:
    """
    Everything that makes a detector.

    :param line: which photographs may be used: 'research' for all, or 'permissive'
    :param precision: of the convolutions in training, where the machine is good at it
    :param photographs: share of each batch that is photographs, if there are any
    :param prior, tall: how scores fall with height, see `DetectorGraph`; pixels of the input
    :param score, iou: what the card tells the runtime to take for a person, and for the same one
    """

    name: str = 'own_detector'
    line: str = 'research'
    network: DetectorSettings = field(default_factory=DetectorSettings)
    weights: DetectorWeights = field(default_factory=DetectorWeights)
    schedule: Schedule = field(
        default_factory=lambda: Schedule(
            steps=60_000, batch=16, rate=1e-3, weight_decay=0.02, average=0.9995, save_every=180
        )
    )
    precision: str = 'bfloat16'
    photographs: float = 0.5
    prior: float = 0.3
    tall: float = 240.0
    score: float = 0.35
    iou: float = 0.5

    def build(self) -> DetectorNet:
        """Make the network with fresh weights."""
        torch.manual_seed(self.schedule.seed)
        return DetectorNet(self.network)

    def of_run(self, run: Path) -> DetectorRecipe:
        """Take over what a run's network was made with."""
        settings = settings_in(run, 'line', 'network')
        network = dict(settings['network'])
        trunk = TrunkSettings(**network.pop('trunk'))
        return replace(
            self, line=settings['line'], network=DetectorSettings(trunk=trunk, **network)
        )

    def task(self, sources: Sources) -> DetectorTask:
        """Make what the training loop runs."""
        source = sources.pictures(self.network.size, self.photographs, self.line)
        return DetectorTask(self, source, sources.workers)

    def going_on(self) -> DetectorRecipe:
        """The same for a run that has weights."""
        return self

    def trainer(self, run: Path) -> Trainer:
        """Open a run of this very network to look at it."""
        return Trainer(DetectorTask(self, None), run)

    def export(self, run: Path, graph: Path) -> ModelCard:
        """Write the graph of a run's network and its weights, and describe it."""
        recipe = self.of_run(run)
        trainer = recipe.trainer(run)
        trainer.save_weights(graph.with_suffix('.pt'))
        return recipe.written(_average(trainer), graph)

    def written(self, network: DetectorNet, graph: Path) -> ModelCard:
        """Write a network's graph and describe it."""
        width, height = self.network.size
        image = torch.zeros(2, height, width, 3, dtype=torch.uint8)
        detector = DetectorGraph(folded(network), self.prior, self.tall)
        write_graph(detector, {'image': image}, graph, half_weights=True)
        return ModelCard(
            name=graph.stem,
            kind='detector',
            path=graph,
            sha256=sha256_of(graph),
            licence=LICENCES[self.line],
            source=SOURCE,
            description=DESCRIPTION,
            image=ImageInput(height, width),
            outputs={'boxes': 'input_px', 'scores': 'probability'},
            options={'score': self.score, 'iou': self.iou, 'resize': 'letterbox'},
        )


def _average(trainer: Trainer) -> DetectorNet:
    assert isinstance(trainer.average, DetectorNet)
    return trainer.average.eval()


class DetectorTask:
    """
    A detector in training; see `training.loop.Task`.

    :param source: None to look at a run only
    :param workers: processes that draw pictures, see `training.ahead`
    """

    def __init__(self, recipe: DetectorRecipe, source: Pictures | None, workers: int = 0) -> None:
        self.schedule = recipe.schedule
        self.network = recipe.build()
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.settings: dict[str, Any] = {'line': recipe.line, 'network': asdict(recipe.network)}
        self._weights = recipe.weights
        self._precision = recipe.precision
        self._source = source
        self._drawn = Ahead(self._pictures, count, workers)

    def losses(self, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """See a fresh batch and compare with its boxes."""
        device = next(self.network.parameters()).device
        batch = self._drawn(step).to(device)
        image = batch.image.float().contiguous(memory_format=torch.channels_last)
        with autocast(device, self._precision):
            maps = self.network(image)
        return detector_losses(maps, batch, self._weights)

    def _pictures(self, step: int) -> DetectorBatch:
        assert self._source is not None, 'this task was made to look at a run, not to train'
        return self._source.batch(self.schedule.batch, self.schedule.randomness(step))
