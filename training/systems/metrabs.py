"""MeTRAbs: metric joints from maps and volumes, seen in many views (Sárándi et al. 2020, 2023)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mesh_pose_ros.geometry.reconstruction import view_limits
from mesh_pose_ros.pipeline.lift_stage import HIPS, has_all
from mesh_pose_ros.pipeline.many_views import ROLL
from mesh_pose_ros.runtime.card import ImageInput
from mesh_pose_ros.skeletons import Skeleton
from training.networks.metrabs import EFFICIENT, Metrabs
from training.networks.metrabs_graph import MetrabsGraph
from training.systems.metrabs_joints import LISTS, skeleton_of
from training.systems.metrabs_published import (
    ALL,
    FOLDER,
    TRUNKS_2020,
    Published,
    chosen_set,
    count,
    lightened,
    network_of,
    not_negative,
    published,
    yes,
)
from training.systems.pictures import example_pictures
from training.systems.system import Draft, Filled, Order, System, unfinished_card

LICENCE = (
    "the weights are the authors' (MIT code; trained on data sets most of which are for "
    'non-commercial research only)'
)
SOURCE = 'github.com/isarandi/metrabs; mesh_pose export --system metrabs'
VIEWS = 5
WHITE = 255.0


def filled(order: Order) -> Filled:
    """Fill the network from the folder, the PyTorch file or the TensorFlow checkpoint."""
    network, report = network_of(order)
    return Filled({'metrabs': network}, {order.checkpoint.name: report})


def drafts(order: Order, found: Filled) -> list[Draft]:
    """Describe the one model."""
    network = found.networks['metrabs']
    assert isinstance(network, Metrabs)
    told = published(order, network.settings)
    name = chosen_set(order, told.joints)
    if order.chosen('place_by', ('all', 'skeleton')) == 'skeleton':
        network, joints = lightened(network, told.joints, name)
        told = replace(told, settings=network.settings, joints=joints)
    chosen = told.joints.sets[name]
    skeleton = skeleton_of(name or _list_name(order), chosen)
    side = told.settings.side
    card = unfinished_card(
        order.name,
        'crop',
        licence=LICENCE,
        source=SOURCE,
        description=f'MeTRAbs, {told.settings.trunk}, {side} px: {name or "all joints"} of the '
        f"network's {told.settings.joints}.",
        image=ImageInput(side, side, dtype='float32', scale=1 / WHITE),
        outputs={'joints2d': 'crop_px', 'joints3d': 'root_relative_m'},
        skeleton=skeleton,
        options=card_options(order, told, name),
        partners=_partners(order, skeleton),
    )
    pictures = example_pictures(side, side).float() / WHITE
    beside = {'joints': told.joints.arrays()}
    return [Draft(MetrabsGraph(network), {'image': pictures}, card, beside=beside)]


def card_options(order: Order, told: Published, name: str) -> dict[str, Any]:
    """How the runtime makes crops and places people, as `pipeline.views_stage` reads it."""
    settings, rule = told.settings, told.rule
    limits = view_limits(settings.side, settings.training_stride, settings.centred, told.margin)
    return {
        'views': count(order, 'views', VIEWS),
        'antialias': count(order, 'antialias', 1),
        'roll': not_negative(order, 'roll', ROLL),
        'undistort_steps': count(order, 'undistort_steps', 0, least=0),
        'joints': f'{order.name}_joints.npz',
        'set': name,
        'in_view': list(limits),
        'perspective': 'weak' if rule.weak else 'full',
        'ray_share': rule.ray_share,
        'ridge': rule.ridge,
        'together': rule.together,
        'plausible': yes(order, 'plausible', True),
        'max_batch': count(order, 'max_batch', 16),
    }


def _list_name(order: Order) -> str:
    told = order.settings.get('names', ALL)
    return told if told in LISTS else ALL


def _partners(order: Order, skeleton: Skeleton) -> dict[str, str]:
    usual = {'detector': 'own_detector'}
    if has_all(skeleton, HIPS):
        usual['lift'] = 'open_body_lift'  # which hangs bodies on them
    told = {kind: order.settings[kind] for kind in ('detector', 'lift') if kind in order.settings}
    return {kind: name for kind, name in (usual | told).items() if name != 'none'}


SYSTEM = System(
    title='MeTRAbs (Sárándi et al. 2020, 2023): metric-scale absolute 3D joints',
    checkpoint='the folder metrabs_eff2*_pytorch (config.yaml, ckpt.pt, joint_info.npz, '
    'skeleton_infos.pkl, joint_transform_matrix.npy); or its ckpt.pt alone; or a TensorFlow '
    'checkpoint of 2020 (.index, its prefix, SavedModel folder, or .npz of its variables)',
    variants={
        FOLDER: 'the published folder of 2023, which says everything itself',
        **{
            name: 'weights of 2023 alone; give names, and settings that differ'
            for name in EFFICIENT
        },
        **dict.fromkeys(TRUNKS_2020, 'TensorFlow, December 2020, ResNet-V2; give names'),
    },
    fill=filled,
    draft=drafts,
    settings={
        'skeleton': 'joints of the model: smpl_24 where the folder has it, another of its sets '
        '(h36m_17, coco_19, smpl+head_30, bml_movi_87 ...), or all; all for weights alone',
        'names': f'joints of weights alone, in order: {", ".join(LISTS)}; a joint_info.npz; or '
        'name,name:parent,... with l and r for the sides',
        'place_by': 'all or skeleton: by which joints the distance is found. all is as published; '
        'skeleton leaves the others out of the network, which is faster and moves people a little',
        'views': 'rolled, zoomed and mirrored crops per person whose mean is taken (num_aug), 5 '
        'as published; 1 is five times as fast',
        'antialias': 'pixels of the crop are means of this many by this many, 1',
        'roll': 'furthest roll of views to both sides, radians, 0.436 as published',
        'undistort_steps': '0: lens distortion is undone exactly; 5: as far as published',
        'perspective': 'full (2023) or weak (2020): how the distance is found',
        'ray_share': 'how far joints in view are moved to their rays, 0 to 1: one less '
        'mix_3d_inside_fov; 0.5 (2023), 1 (2020)',
        'ridge': 'pull of the least squares to the origin, 0.01 as published',
        'together': 'no or yes: let people of a batch move each other a little, as published with '
        'max_batch=64',
        'margin': 'cells along the border of the crop that tell no distance, 0.75; 1 of 2020',
        'side': 'of the crop, pixels, 256 (weights alone)',
        'stride': '32; 4, 8, 16 or 32 for ResNet-V2 (weights alone)',
        'training_stride': 'stride in training, 32 (weights alone)',
        'centred': 'yes or no: centred striding (weights alone)',
        'legacy_shift': 'no or yes: the 256 px weights of 2023, with centred=no (weights alone)',
        'depth_bins': 'layers of the volume, 8 (weights alone)',
        'span': 'side of the volume, metres, 2.2 (weights alone)',
        'plausible': 'yes or no: leave out detected people who cannot be any',
        'bones': 'usual lengths for that: smpl_24, none, or a file with lines joint joint metres',
        'detector': 'name or path of the model that finds people, own_detector; none',
        'lift': 'name or path of the model that makes meshes of joints, open_body_lift where '
        'there are hips; none',
        'max_batch': 'most crops that the network gets at once, 16',
    },
)
