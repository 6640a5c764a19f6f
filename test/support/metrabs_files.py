"""MeTRAbs' published files, with weights by the rule, of any size; and pictures seen by them."""

import pickle
from pathlib import Path

import numpy as np
import torch
import yaml
from parity import official_state
from torch import nn

from training.networks.efficientnet_v2 import LAYOUTS, Stage

TINY = (  # EfficientNetV2's stages for tests
    Stage(True, 1, 1, 4, 4, 1),
    Stage(True, 2, 2, 4, 4, 1),
    Stage(True, 2, 2, 4, 8, 1),
    Stage(False, 2, 2, 8, 8, 1),
    Stage(False, 2, 2, 8, 8, 1),
)
SMPL = (
    'pelv', 'lhip', 'rhip', 'bell', 'lkne', 'rkne', 'spin', 'lank', 'rank', 'thor', 'ltoe', 'rtoe',
    'neck', 'lcla', 'rcla', 'head', 'lsho', 'rsho', 'lelb', 'relb', 'lwri', 'rwri', 'lhan', 'rhan',
)  # fmt: skip
ELSEWHERE = ('nose_coco', 'leye_coco', 'reye_coco')
FEW, MANY = 2.0, 1.45  # gains of few layers and of EfficientNetV2-S's
NAMES = (*(f'{name}_smpl' for name in SMPL), *ELSEWHERE)
COUNT = len(NAMES)
MIXED = ('mid_shoulders', 'mid_hips')  # sums of the network's joints
CONFIG = {
    'proc_side': 128,
    'stride_train': 32,
    'stride_test': 32,
    'centered_stride': True,
    'legacy_centered_stride_bug': False,
    'efficientnet_size': 's',
    'backbone': 'efficientnetv2-s',
    'depth': 8,
    'box_size_mm': 2200,
    'weak_perspective': False,
    'mix_3d_inside_fov': 0.5,
}
SKELETONS = {
    '': {'indices': list(range(COUNT + 2)), 'names': [*NAMES, *MIXED], 'edges': []},
    'smpl_24': {
        'indices': list(range(24)),
        'names': list(SMPL),
        'edges': [(0, 1), (1, 4), (0, 2), (2, 5)],
    },
    'face_4': {
        'indices': [25, 26, 24, COUNT],
        'names': ['leye_coco', 'reye_coco', 'nose_coco', 'mid_shoulders'],
        'edges': [(2, 0), (2, 1), (3, 2)],
    },
}


def mixing() -> np.ndarray:
    """The network's joints, and the middles of shoulders and of hips."""
    made = np.zeros((COUNT, 2))
    made[[16, 17], 0] = made[[1, 2], 1] = 0.5
    return np.concatenate([np.eye(COUNT), made], axis=1)


def write_folder(folder: Path, network: nn.Module, **config) -> Path:
    """
    Write the folder of August 2023.

    :param network: ours, of the wanted size; its weights are not looked at
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'config.yaml').write_text(yaml.safe_dump(CONFIG | config))
    np.savez(folder / 'joint_info.npz', joint_names=NAMES, joint_edges=[[0, 1], [0, 2]])
    np.save(folder / 'joint_transform_matrix.npy', mixing())
    (folder / 'skeleton_infos.pkl').write_bytes(pickle.dumps(SKELETONS))
    shapes = {_official(k): tuple(v.shape) for k, v in network.state_dict().items()}
    state = _agreeing(official_state(shapes, 'metrabs', salt=''))
    torch.save(_lively(state, FEW if LAYOUTS['s'] is TINY else MANY), folder / 'ckpt.pt')
    return folder


def _official(ours: str) -> str:
    return ours.replace('trunk.', 'backbone.1.').replace('heads.maps', 'heatmap_heads.conv_final')


def _lively(state: dict, gain: float) -> dict:
    """Let every layer pass on what tells pictures apart: by the rule alone hardly anything is."""
    return {k: gain * v if v.ndim == 1 and k.endswith('.weight') else v for k, v in state.items()}


def _agreeing(state: dict) -> dict:
    """
    Let volumes say about what maps say.

    Weights by the rule know nothing of each other: such people stand behind the camera as often
    as in front of it.
    """
    weight = state['heatmap_heads.conv_final.weight']
    joints = len(weight) // 9
    flat, deep = weight[:joints].clone(), weight[joints:].unflatten(0, (8, joints))
    weight[joints:] = (flat[None] + 0.1 * deep).flatten(0, 1)
    return state
