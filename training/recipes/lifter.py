"""The lifter: joints to body, learned from poses and bodies alone, no images."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.data.lifter_samples import LifterBatch, LifterSamples, SeenSamples
from training.data.mixture import Mixture, Source
from training.data.seen_people import SeenPeople
from training.loop import Schedule, settings_in
from training.losses import (
    distances,
    mean_distance,
    mean_turn,
    relative_rotations,
    weighted_mean,
)
from training.networks.body_layer import BodyLayer
from training.networks.lifter import Lifted, Lifter, LifterSettings
from training.synthetic.corruption import HIPS, LIKE_REAL, Corruption
from training.synthetic.pose_bank import PoseBank
from training.synthetic.poses import PoseMix, PoseSampler


@dataclass(frozen=True)
class LifterWeights:
    """
    How much each part of the loss counts; distances are in metres.

    ``held`` is how far the body's points are from what goes in, as the camera sees them: pixels
    know that better than habit does, and who follows them lies on the person in a photograph.
    """

    vertices: float = 1.0
    across: float = 0.5  # vertices as the camera sees them, depth left out
    joints: float = 0.5
    points: float = 0.3
    held: float = 1.0
    global_turn: float = 0.03
    relative_turn: float = 0.03
    betas: float = 0.003


@dataclass(frozen=True)
class LifterSources:
    """
    What a lifter learns from; a path that is None is left out.

    :param poses: pose bank; without one there are authored poses alone
    :param seen: people as an image network saw them, made by ``python -m training.data.onlooker``
    """

    poses: Path | None = None
    seen: Path | None = None


@dataclass(frozen=True)
class LifterRecipe:
    """
    Everything that makes a lifter.

    :param line: whose sight may be used: 'permissive' for that of networks under Apache-2.0, or
        'research' for any network's
    :param vertices: how many vertices, drawn anew for every batch, the loss looks at
    :param early: weight of the last correction's predecessors, each this times the next
    :param seen: share of each batch that an image network saw, if there are such people
    """

    name: str = 'open_body_lift'
    line: str = 'permissive'
    body: Path = Path('models/open_body.npz')
    network: LifterSettings = field(default_factory=LifterSettings)
    poses: PoseMix = field(default_factory=PoseMix)
    corruption: Corruption = LIKE_REAL
    weights: LifterWeights = field(default_factory=LifterWeights)
    schedule: Schedule = field(default_factory=lambda: Schedule(steps=16_000, batch=256))
    vertices: int = 500
    early: float = 0.4
    seen: float = 0.5

    def build(self) -> Lifter:
        """Make the network with fresh weights."""
        torch.manual_seed(self.schedule.seed)
        body = BodyLayer.load(self.body)
        with np.load(self.body) as file:
            regressor = torch.from_numpy(file['regressor_lift27'])
        return Lifter(body, regressor, HIPS, self.network)

    def going_on(self) -> LifterRecipe:
        """The same for a run that has weights."""
        return self

    def of_run(self, run: Path) -> LifterRecipe:
        """Take over what a run has learned from."""
        return replace(self, line=settings_in(run, 'line')['line'])

    def samples(self, sources: LifterSources) -> Source[LifterBatch]:
        """Make people as this recipe wants them."""
        bank = PoseBank.load(sources.poses) if sources.poses else None
        sampler = PoseSampler(bank, mix=self.poses)
        made = LifterSamples(self.body, sampler, self.corruption)
        if not sources.seen:
            return made
        seen = SeenSamples(SeenPeople.load(sources.seen, self.line), made)
        return Mixture([(made, 1 - self.seen), (seen, self.seen)])

    def task(self, sources: LifterSources = LifterSources()) -> LifterTask:
        """Make what the training loop runs."""
        return LifterTask(self, self.build(), self.samples(sources))


class LifterTask:
    """A lifter in training; see `training.loop.Task`."""

    def __init__(
        self, recipe: LifterRecipe, network: Lifter, samples: Source[LifterBatch]
    ) -> None:
        self.schedule = recipe.schedule
        self.network = network
        self.settings = {'line': recipe.line}
        self.ancestors = ({'line': 'permissive'},)  # any line may begin with what is free
        self._recipe = recipe
        self._samples = samples

    def losses(self, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Lift a fresh batch and compare with its truth."""
        batch = self._samples.batch(self.schedule.batch, generator)
        some = torch.randperm(len(self.network.body.template), generator=generator)
        truth = _Truth(self.network, batch, some[: self._recipe.vertices])
        stages = self.network(batch.joints, batch.confidence)
        total: dict[str, Tensor] = {}
        for age, stage in enumerate(reversed(stages)):
            for name, part in truth.parts(stage, self._recipe.weights).items():
                total[name] = total.get(name, 0) + part * self._recipe.early**age
        return total


class _Truth:
    """The true body of a batch, and how far predictions are from it and from what went in."""

    def __init__(self, network: Lifter, batch: LifterBatch, some: Tensor) -> None:
        self._network, self._batch, self._some = network, batch, some
        with torch.no_grad():
            joints, shift = network.body.joints(batch.rotations, batch.betas)
            shift = shift - batch.origin[:, None]
            self.lifted = Lifted(
                batch.rotations,
                batch.betas,
                shift,
                joints - batch.origin[:, None],
                network.points(batch.rotations, shift, batch.betas),
            )
            self.vertices = network.vertices(self.lifted, some)
            self.relative = relative_rotations(batch.rotations, network.body.parents)

    def parts(self, found: Lifted, weights: LifterWeights) -> dict[str, Tensor]:
        """Weighted distances."""
        vertices = self._network.vertices(found, self._some)
        relative = relative_rotations(found.rotations, self._network.body.parents)
        turn = mean_turn(found.rotations, self.lifted.rotations) * weights.global_turn
        bend = mean_turn(relative, self.relative) * weights.relative_turn
        strayed = distances(found.points[..., :2], self._batch.joints[..., :2])
        shape = (found.betas - self.lifted.betas).abs().mean() * weights.betas
        return {
            'vertices': mean_distance(vertices, self.vertices) * weights.vertices,
            'across': mean_distance(vertices[..., :2], self.vertices[..., :2]) * weights.across,
            'joints': mean_distance(found.joints, self.lifted.joints) * weights.joints,
            'points': mean_distance(found.points, self.lifted.points) * weights.points,
            'held': weighted_mean(strayed, self._batch.confidence) * weights.held,
            'turn': turn + bend,
            'shape': shape,
        }
