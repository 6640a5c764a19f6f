"""What somebody's MeTRAbs files and settings say about their network, joints and placing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from mesh_pose_ros.geometry.reconstruction import MARGIN, PUBLISHED_2020, Rule
from mesh_pose_ros.pipeline.joint_sets import JointSet, JointSets
from training.checkpoints import Report, fill, read_arrays
from training.metrabs_bundle import MetrabsBundle, mirror_of
from training.networks.metrabs import (
    EFFICIENT,
    NAMING,
    RESIDUAL,
    TENSORFLOW_NAMING,
    Metrabs,
    MetrabsSettings,
    only_joints,
)
from training.networks.resnet_v2 import STRIDES
from training.systems.metrabs_joints import LISTS, is_smpl, listed_joints, usual_bones
from training.systems.system import Order, OrderError
from training.tensorflow_arrays import read_tensorflow_arrays

FOLDER, ALL = 'folder', 'all'
MARGIN_2020 = 1.0
TRUNKS_2020 = {f'resnet{depth}v2_2020': name for name, depth in RESIDUAL.items()}
IN_FOLDER = (
    'names', 'side', 'stride', 'training_stride', 'centred', 'legacy_shift', 'depth_bins', 'span',
)  # fmt: skip
ZERO = re.compile(r'0+(\.0*)?')


@dataclass(frozen=True, eq=False)
class Published:
    """
    What somebody's files and settings say about their network.

    :param settings: of the network
    :param rule: how its poses are placed
    :param margin: cells along the border of the crop that tell no place
    :param joints: all of them, and their sets
    """

    settings: MetrabsSettings
    rule: Rule
    margin: float
    joints: JointSets


def network_of(order: Order) -> tuple[Metrabs, Report]:
    """
    Make the network and fill it from the folder, the PyTorch file or the TensorFlow checkpoint.

    :raises CheckpointError: the file is missing, or one of another network
    :raises OrderError: a setting is none of its choices
    """
    if order.variant == FOLDER:
        return _bundle(order).network()
    old = order.variant in TRUNKS_2020
    naming = TENSORFLOW_NAMING if old else NAMING
    arrays = (read_tensorflow_arrays if old else read_arrays)(order.checkpoint)
    ours = {naming.ours(name): array for name, array in arrays.items()}
    network = Metrabs(_settings(order, _joint_count(ours, order))).eval()
    return network, fill(network, arrays, naming, str(order.checkpoint))


def published(order: Order, settings: MetrabsSettings) -> Published:
    """
    Join what the files say with what the order says.

    :raises OrderError: a setting is none of its choices
    """
    if order.variant == FOLDER:
        bundle = _bundle(order)
        rule, margin = bundle.rule, MARGIN
        joints = JointSets(bundle.names, bundle.mirror, bundle.mixing, bundle.skeletons)
        if '' not in joints.sets:
            joints = replace(joints, sets={**joints.sets, '': _every(joints)})
    else:
        old = order.variant in TRUNKS_2020
        rule, margin = (PUBLISHED_2020, MARGIN_2020) if old else (Rule(), MARGIN)
        listed = _listed(order, settings.joints)
        mirror = mirror_of(listed.names)
        joints = JointSets(listed.names, mirror, np.eye(settings.joints), {'': listed})
    margin = not_negative(order, 'margin', margin)
    return Published(settings, _rule(order, rule), margin, _with_bones(order, joints))


def chosen_set(order: Order, joints: JointSets) -> str:
    """
    Name of the set that the model shall show.

    :raises OrderError: there is no such set
    """
    usual = 'smpl_24' if 'smpl_24' in joints.sets else ALL
    name = order.settings.get('skeleton', usual)
    name = '' if name == ALL else name
    if name not in joints.sets:
        known = ', '.join(sorted(known or ALL for known in joints.sets))
        raise OrderError(f'skeleton is {name!r}, must be one of {known}')
    return name


def lightened(network: Metrabs, joints: JointSets, name: str) -> tuple[Metrabs, JointSets]:
    """Leave out all joints but a set's and their mirror images, in network and file."""
    chosen = joints.sets[name]
    needed = np.flatnonzero(joints.mixing[:, chosen.places].any(axis=1)).tolist()
    kept = sorted({*needed, *(joints.mirror[place] for place in needed)})
    places = {place: number for number, place in enumerate(chosen.places)}
    only = replace(chosen, places=tuple(range(len(chosen.places))))
    bones = joints.bone_lengths.items()
    return only_joints(network, kept), JointSets(
        tuple(joints.names[place] for place in kept),
        tuple(kept.index(joints.mirror[place]) for place in kept),
        joints.mixing[np.ix_(kept, chosen.places)],
        {name: only, '': only},
        {(places[a], places[b]): length for (a, b), length in bones if {a, b} <= set(places)},
    )


def _bundle(order: Order) -> MetrabsBundle:
    given = [name for name in IN_FOLDER if name in order.settings]
    if given:
        raise OrderError(
            f'{", ".join(given)}: the published folder says this itself; for a weight file '
            'alone give one of the other variants'
        )
    if not order.checkpoint.is_dir():
        raise OrderError(
            f'{order.checkpoint} is no folder; for a weight file alone give --variant, one of '
            f'{", ".join((*EFFICIENT, *TRUNKS_2020))}, and --set names=...'
        )
    return MetrabsBundle.load(order.checkpoint)


def _joint_count(arrays: Mapping[str, Tensor], order: Order) -> int:
    """How many joints the weights are for; as many as have names where the file does not tell."""
    if 'heads.flat.2.weight' in arrays:
        return len(arrays['heads.flat.2.weight'])
    if 'heads.maps.weight' in arrays:
        return len(arrays['heads.maps.weight']) // (1 + count(order, 'depth_bins', 8))
    return len(listed_joints(order.settings.get('names', next(iter(LISTS)))).names)


def _settings(order: Order, joints: int) -> MetrabsSettings:
    usual = MetrabsSettings(joints)
    stride = count(order, 'stride', usual.stride)
    trunk = TRUNKS_2020.get(order.variant, order.variant)
    possible = STRIDES if trunk in RESIDUAL else (usual.stride,)
    if stride not in possible:
        raise OrderError(f'stride is {stride}, must be one of {", ".join(map(str, possible))}')
    return MetrabsSettings(
        joints,
        side=count(order, 'side', usual.side),
        trunk=trunk,
        stride=stride,
        training_stride=count(order, 'training_stride', usual.training_stride),
        centred=yes(order, 'centred', usual.centred),
        legacy_shift=yes(order, 'legacy_shift', usual.legacy_shift),
        depth_bins=count(order, 'depth_bins', usual.depth_bins),
        span=order.number('span', usual.span),
    )


def _listed(order: Order, joints: int) -> JointSet:
    told = order.settings.get('names')
    if told is None:
        raise OrderError(
            f'names is needed, the file does not say what its {joints} joints are: '
            f'--set names=, one of {", ".join(LISTS)}, a joint_info.npz, or {joints} names'
        )
    listed = listed_joints(told)
    if len(listed.names) != joints:
        raise OrderError(f'names has {len(listed.names)} joints, the network {joints}')
    return listed


def _rule(order: Order, usual: Rule) -> Rule:
    choices = ('weak', 'full') if usual.weak else ('full', 'weak')
    return Rule(
        weak=order.chosen('perspective', choices) == 'weak',
        ray_share=not_negative(order, 'ray_share', usual.ray_share),
        together=yes(order, 'together', False),
        ridge=not_negative(order, 'ridge', usual.ridge),
    )


def _every(joints: JointSets) -> JointSet:
    """All mixed joints, those that are sums under numbers."""
    made = joints.mixing.shape[1]
    more = [f'mixed{place}' for place in range(len(joints.names), made)]
    return JointSet(tuple(range(made)), (*joints.names, *more)[:made])


def _with_bones(order: Order, joints: JointSets) -> JointSets:
    chosen = joints.sets[chosen_set(order, joints)]
    usual = 'smpl_24' if is_smpl(chosen) else 'none'
    return replace(joints, bone_lengths=usual_bones(order.settings.get('bones', usual), chosen))


def yes(order: Order, setting: str, usual: bool) -> bool:
    """Value of a setting that is yes or no."""
    choices = ('yes', 'no') if usual else ('no', 'yes')
    return order.chosen(setting, choices) == 'yes'


def not_negative(order: Order, setting: str, usual: float) -> float:
    """
    Value of a setting that is a number, perhaps zero.

    :raises OrderError: it is none
    """
    told = order.settings.get(setting)
    if told is None:
        return usual
    return 0.0 if ZERO.fullmatch(told) else order.number(setting, usual)


def count(order: Order, setting: str, usual: int, least: int = 1) -> int:
    """
    Value of a setting that is a whole number.

    :raises OrderError: it is none, or too small
    """
    value = not_negative(order, setting, usual)
    if value != int(value) or value < least:
        raise OrderError(
            f'{setting} is {order.settings[setting]!r}, must be a whole number, at least {least}'
        )
    return int(value)
