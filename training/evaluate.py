"""
Measure a model file: ``python -m training.evaluate lifter --poses posebank.npz``.

Runs the written graph in ONNX Runtime on clips and bodies that training never saw. Whole chains
of models are measured on pictures: ``python -m training.evaluate images``, see
`training.evaluate_images`, and detectors alone by ``python -m training.evaluate detector``.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from mesh_pose_ros.skeletons import COCO17
from training.data.lifter_samples import LifterBatch, LifterSamples
from training.metrics import aligned_error, angle_error, mean_error
from training.recipes import RECIPES
from training.recipes.lifter import LifterRecipe
from training.synthetic.corruption import IN_VIEW
from training.synthetic.pose_bank import PoseBank
from training.synthetic.poses import PoseSampler

SEED = 20_26
PEOPLE = 2000
KINDS = {'true': None, 'noisy': IN_VIEW}


@dataclass(frozen=True, eq=False)
class LifterTruth:
    """Input of N people and their true bodies relative to the input's root, numpy arrays."""

    joints: np.ndarray
    confidence: np.ndarray
    vertices: np.ndarray
    body_joints: np.ndarray
    rotations: np.ndarray


def lifter_truth(samples: LifterSamples, batch: LifterBatch) -> LifterTruth:
    """Work out the true surfaces of a batch."""
    vertices, joints = samples.layer(batch.rotations, batch.betas)
    origin = batch.origin[:, None]
    parts = (vertices - origin, joints - origin, batch.rotations)
    return LifterTruth(batch.joints.numpy(), batch.confidence.numpy(), *(p.numpy() for p in parts))


def measure_lifter(
    graph: Path, recipe: LifterRecipe, poses: Path | None, people: int = PEOPLE
) -> dict[str, float]:
    """
    Mean vertex errors of a written lifter in millimetres, by kind of input.

    ``clips`` are held-out recordings as they are, there if a bank is given; ``mixed`` are poses
    as in training, held out; ``authored`` are poses without any bank.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(graph), providers=['CPUExecutionProvider'])
    found: dict[str, float] = {}
    for name, samples, batch in _cases(recipe, poses, people):
        truth = lifter_truth(samples, batch)
        feed = {'joints3d': truth.joints, 'confidence': truth.confidence}
        vertices, joints, rotations, _ = session.run(None, feed)
        found[f'{name}_vertices_mm'] = _rounded(mean_error(vertices, truth.vertices))
        if name.endswith('true_joints'):
            found[f'{name}_vertices_pa_mm'] = _rounded(aligned_error(vertices, truth.vertices))
            found[f'{name}_body_joints_mm'] = _rounded(mean_error(joints, truth.body_joints))
            found[f'{name}_rotations_deg'] = _rounded(angle_error(rotations, truth.rotations))
    return found


def _rounded(errors: np.ndarray) -> float:
    return round(float(errors.mean()), 1)


def _cases(recipe: LifterRecipe, poses: Path | None, people: int):
    """Yield name, samples and batch of every kind of input."""
    bank = PoseBank.load(poses) if poses else None
    draws = {'authored': PoseSampler(None, True, recipe.poses)}
    if bank:
        draws['mixed'] = PoseSampler(bank, True, recipe.poses)
    for draw, sampler in draws.items():
        for kind, corruption in KINDS.items():
            samples = LifterSamples(recipe.body, sampler, corruption, held_out=True)
            batch = samples.batch(people, torch.Generator().manual_seed(SEED))
            yield f'{draw}_{kind}_joints', samples, batch
    if bank:
        sampler = draws['mixed']
        for kind, corruption in KINDS.items():
            samples = LifterSamples(recipe.body, sampler, corruption, held_out=True)
            generator = torch.Generator().manual_seed(SEED)
            batch = samples.seen(sampler.recorded(people, generator), generator)
            yield f'clips_{kind}_joints', samples, batch
            if kind == 'true':
                yield 'clips_coco17_only', samples, only_coco(batch)


def only_coco(batch: LifterBatch) -> LifterBatch:
    """Hide the points of hands and feet."""
    confidence = batch.confidence.clone()
    confidence[:, len(COCO17) :] = 0
    return replace(batch, confidence=confidence)


def main() -> None:
    """Command line."""
    if sys.argv[1:2] in (['images'], ['detector']):
        from training import evaluate_images
        from training.evaluation import detector

        others = {'images': evaluate_images.main, 'detector': detector.main}
        return others[sys.argv[1]](sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('recipe', choices=['lifter'], help="or 'images', or 'detector'")
    parser.add_argument('--model', type=Path, help='default models/<name>.onnx')
    parser.add_argument('--poses', type=Path, help='pose bank; without it, authored poses alone')
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe = RECIPES[options.recipe]
    model = options.model or Path('models') / f'{recipe.name}.onnx'
    for name, value in measure_lifter(model, recipe, options.poses).items():
        print(f'{name:40s} {value:8.1f}')


if __name__ == '__main__':
    main()
