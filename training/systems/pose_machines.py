"""3D Human Pose Machines with self-supervised correction (Wang, Lin, Jiang, Qian, Wei 2019)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from mesh_pose_ros.pipeline.correction import AS_PUBLISHED, CorrectionOptions
from mesh_pose_ros.runtime.card import ImageInput
from mesh_pose_ros.skeletons import H36M16
from training.caffe_arrays import read_caffe_arrays
from training.checkpoints import Report, fill
from training.networks.pose_machine import PoseMachine, PoseMachineSettings
from training.networks.pose_machine_graphs import (
    NewestGraph,
    PictureGraph,
    correction_arrays,
)
from training.networks.pose_machine_names import NAMING, PROJECTOR_NAMING, projector_arrays
from training.pickled_arrays import read_pickled_arrays
from training.systems.pictures import example_pictures
from training.systems.system import Draft, Filled, Order, OrderError, System, unfinished_card

LICENCE = "the weights are the authors' (academic research only; trained on Human3.6M and MPII)"
SOURCE = 'github.com/chanyn/3Dpose_ssl; mesh_pose export --system pose_machines'
CORRECTIONS = {
    'corrected': CorrectionOptions(),
    'published': AS_PUBLISHED,
    'off': None,
}
CORRECTION = 'correction'  # ending of the file with its arrays
MARGIN = 1.25
SETTINGS = PoseMachineSettings()


def filled(order: Order) -> Filled:
    """Fill the network from the Caffe model, and its refining part from the pickle if given."""
    network = PoseMachine(SETTINGS).eval()
    arrays = read_caffe_arrays(order.checkpoint)
    reports = {order.checkpoint.name: fill(network, arrays, NAMING, str(order.checkpoint))}
    if 'refinement' in order.settings:
        path = Path(order.settings['refinement'])
        reports[path.name] = refill(network, path)
    return Filled({'pose_machine': network}, reports)


def refill(network: PoseMachine, path: Path) -> Report:
    """Take the refining part from the authors' pickle of twelve arrays."""
    arrays = projector_arrays(read_pickled_arrays(path), str(path))
    return fill(network.projector, arrays, PROJECTOR_NAMING, str(path))


def drafts(order: Order, found: Filled) -> list[Draft]:
    """Describe the one model, with the layers that a correction bends beside it."""
    network = found.networks['pose_machine']
    assert isinstance(network, PoseMachine)
    graph = graph_of(order, network)
    side, memory = network.settings.side, (graph.rows, network.settings.hidden)
    correction = CORRECTIONS[order.chosen('correction', tuple(CORRECTIONS))]
    card = unfinished_card(
        order.name,
        'refine',
        licence=LICENCE,
        source=SOURCE,
        description='3D Human Pose Machines, picture by picture; limbs have the mean lengths of '
        'the training data.',
        image=ImageInput(side, side),
        outputs={
            'joints3d': 'root_relative_m',
            'joints2d': 'crop_px',
            'coarse': 'shares_of_ranges',
            'new_memory': 'network_state',
        },
        skeleton=H36M16,
        options={'memory': list(memory), **options_of(order, correction)},
        partners={'crop': order.settings.get('crop', 'default')},
    )
    generator = torch.Generator().manual_seed(0)
    inputs = {
        'image': example_pictures(side, side),
        'memory': 0.1 * torch.randn(3, *memory, generator=generator),
    }
    beside = {CORRECTION: correction_arrays(network.projector)} if correction else {}
    return [Draft(graph, inputs, card, beside=beside)]


def graph_of(order: Order, network: PoseMachine) -> PictureGraph | NewestGraph:
    """
    How much the network remembers.

    :raises OrderError: the settings contradict each other
    """
    carries_back = order.chosen('carries_back', ('no', 'yes')) == 'yes'
    if order.settings.get('clip', 'all') == 'all':
        return PictureGraph(network, carries_back)
    length = order.number('clip', 1)
    if length < 2 or length % 1:
        raise OrderError(f'clip is {length:g}, must be all or a whole number of at least 2')
    if carries_back:
        raise OrderError('carries_back=yes goes with clip=all: a clip begins with nothing')
    return NewestGraph(network, int(length))


def options_of(order: Order, correction: CorrectionOptions | None) -> dict[str, Any]:
    """How the runtime cuts crops and corrects."""
    found: dict[str, Any] = {'margin': order.number('margin', MARGIN)}
    if correction is None:
        return found
    told = asdict(correction)
    told['steps'] = round(order.number('steps', told['steps']))
    told['rate'] = order.number('rate', told['rate'])
    try:
        CorrectionOptions(**told)
    except ValueError as err:
        raise OrderError(str(err)) from None
    return found | {'correction': f'{order.name}_{CORRECTION}.npz', 'correct': told}


SYSTEM = System(
    title='3D Human Pose Machines with self-supervised learning (Wang et al. 2019)',
    checkpoint='mask3d_iter_400000.caffemodel (or another of 3Dpose_ssl with all its layers)',
    variants={'picture': 'one picture at a time of a followed person, with a memory'},
    fill=filled,
    draft=drafts,
    settings={
        'refinement': 'mask3d-400000.pkl, the refining part that the correction was published '
        "with; without it the Caffe model's own is taken",
        'correction': 'corrected: 5 steps, fresh Adam in each picture, the pose after the last; '
        "published: 2 steps, Adam's means carried on from picture to picture, the pose before "
        'the last step, bones as lengths along x and y; off: the network alone',
        'steps': 'of the correction per picture',
        'rate': 'of the correction, 1.5e-4',
        'clip': 'all or a number: how many pictures, this one included, a pose is made of; all '
        'since the track began, or the newest so many, 5 as in the training',
        'carries_back': 'no or yes: whether the layer back in time goes on from the picture '
        'before, as the published program does with clips of one picture',
        'margin': 'side of the crop per longer side of the box, 1.25',
        'crop': 'name or path of the model that finds joints in pictures first, default',
    },
)
