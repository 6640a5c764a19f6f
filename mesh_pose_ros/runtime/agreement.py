"""
A card and its graph must tell the same story; better to learn it at start than at frame 500.

Every backend hands in the names, shapes and types its library reads from the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.runtime.card import INTRINSICS, ImageInput, ModelCard


class TensorInfo(NamedTuple):
    """
    One input or output of a graph.

    :param shape: a number per axis; a name or None where it is symbolic
    :param dtype: as numpy names it
    """

    shape: Sequence[object]
    dtype: str


Tensors = Mapping[str, TensorInfo]

NEEDED = {  # kind -> outputs the stage cannot do without, one set or another
    'crop': (('joints2d', 'joints3d'), ('joints_uvd',)),
    'root': (('gamma',),),
    'lift': (('vertices',), ('joints3d',)),
    'refine': (('joints3d', 'new_memory'),),
}
PER_JOINT = ('joints2d', 'joints3d', 'joints_uvd', 'confidence')
FRAME_INPUTS = ('frame', 'nodes', 'level')
KNOWN_INPUTS = {
    'lift': ('joints3d', 'joints2d', 'confidence'),
    'refine': ('image', 'memory'),
}


def check_agreement(card: ModelCard, inputs: Tensors, outputs: Tensors) -> None:
    """
    Compare a graph with its card.

    :param inputs, outputs: by name
    :raises ModelError: they disagree; the message says in what
    """
    missing = sorted(set(card.outputs) - set(outputs))
    if missing:
        raise ModelError(
            f'{card.path}: the card promises outputs {missing}, the graph has {sorted(outputs)}'
        )
    if not card.outputs:
        raise ModelError(
            f'{card.path}: the card must say what outputs mean; the graph has {sorted(outputs)}'
        )
    needed = NEEDED.get(card.kind, ((),))
    if not any(set(names) <= set(card.outputs) for names in needed):
        told = ' or '.join(str(list(names)) for names in needed)
        raise ModelError(f'{card.path}: a {card.kind} model must give {told}; see its card')
    _check_inputs(card, inputs)
    _check_joints(card, outputs)
    if 'vertices' in card.outputs and card.topology is None:
        raise ModelError(f'{card.path}: the card gives vertices but names no topology for them')


def _check_inputs(card: ModelCard, inputs: Tensors) -> None:
    if 'frame' in card.options:
        _check_frame(card, inputs)
        return
    if card.image:
        _check_image(card, card.image, inputs)
    elif card.kind in ('detector', 'crop'):
        raise ModelError(f'{card.path}: a {card.kind} card must describe its image')
    known = KNOWN_INPUTS.get(card.kind, (card.image.name,) if card.image else ())
    if card.kind == 'crop':
        known = (*known, INTRINSICS)
    strange = sorted(set(inputs) - set(known))
    if known and strange:
        raise ModelError(
            f'{card.path}: nobody fills the input {strange}; a {card.kind} graph may take '
            f'{", ".join(known)}'
        )


def _check_frame(card: ModelCard, inputs: Tensors) -> None:
    """Compare with a graph that cuts crops itself, see `pipeline.frame_graph`."""
    width, height = card.options['frame']
    told = {name: list(info.shape) for name, info in inputs.items()}
    if set(told) - {INTRINSICS} != set(FRAME_INPUTS) or told['frame'] != [1, height, width, 3]:
        raise ModelError(
            f'{card.path}: the card says frames of {width} x {height}, the graph takes {told}'
        )


def _check_image(card: ModelCard, image: ImageInput, inputs: Tensors) -> None:
    if image.name not in inputs:
        raise ModelError(
            f'{card.path}: the card describes an input {image.name!r}, '
            f'the graph takes {sorted(inputs)}'
        )
    shape, dtype = inputs[image.name]
    said = {
        'nhwc': (image.height, image.width, 3),
        'nchw': (3, image.height, image.width),
    }[image.layout]
    if len(shape) != 4 or any(isinstance(g, int) and g != s for g, s in zip(shape[1:], said)):
        raise ModelError(
            f'{card.path}: the card says images of {said}, the graph takes {list(shape)[1:]}'
        )
    if dtype != image.dtype:
        raise ModelError(
            f'{card.path}: the card says images of {image.dtype}, the graph takes {dtype}'
        )


def _check_joints(card: ModelCard, outputs: Tensors) -> None:
    if card.skeleton is None:
        if card.kind in ('crop', 'lift'):
            raise ModelError(f'{card.path}: a {card.kind} card must name its skeleton')
        return
    if 'joints' in card.options:  # the graph has joints of its own, see pipeline.views_stage
        return
    for name in PER_JOINT:
        if name not in card.outputs:
            continue
        found = [*outputs[name].shape, None, None][1]
        if isinstance(found, int) and found != len(card.skeleton):
            raise ModelError(
                f'{card.path}: {name} has {found} joints, the skeleton {card.skeleton.name} '
                f'of the card has {len(card.skeleton)}'
            )
