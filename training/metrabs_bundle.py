"""
The folder in which MeTRAbs is published: weights, settings, joints and their many skeletons.

``config.yaml``, ``ckpt.pt``, ``joint_info.npz``, ``skeleton_infos.pkl`` and
``joint_transform_matrix.npy`` (download of August 2023). The pickle may make lists, text and
arrays; whatever else it asks for is refused.
"""

from __future__ import annotations

import codecs
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from mesh_pose_ros.geometry.reconstruction import Rule, placed_in_crops, view_limits
from mesh_pose_ros.pipeline.joint_sets import JointSet
from mesh_pose_ros.pipeline.pose_estimator import PoseEstimator
from training.checkpoints import CheckpointError, Report, fill, read_arrays
from training.networks.metrabs import NAMING, Metrabs, MetrabsSettings

Array = NDArray[np.floating]

MILLIMETRES = 1000.0  # per metre
CONFIG, WEIGHTS, JOINTS = 'config.yaml', 'ckpt.pt', 'joint_info.npz'
SKELETONS, MIXING = 'skeleton_infos.pkl', 'joint_transform_matrix.npy'
OTHER_SIDE = {'l': 'r', 'r': 'l'}  # first letters of names; no joint in the middle has them


@dataclass(frozen=True, eq=False)
class MetrabsBundle:
    """
    What a folder holds.

    :param folder: where it is
    :param settings: of the network
    :param rule: how poses are placed; each by itself, unlike in the authors' code
    :param names: of the network's joints
    :param mixing: all joints as weighted sums of the network's, (J, K)
    :param skeletons: sets of the K joints, by name
    """

    folder: Path
    settings: MetrabsSettings
    rule: Rule
    names: tuple[str, ...]
    mixing: Array
    skeletons: Mapping[str, JointSet]

    @classmethod
    def load(cls, folder: Path) -> MetrabsBundle:
        """
        Read all but the weights.

        :raises CheckpointError: a file is missing, or does not fit the others
        """
        joints = _read(folder / JOINTS, _joint_names)
        settings, rule = _read(folder / CONFIG, lambda path: _settings(path, len(joints)))
        mixing = _read(folder / MIXING, lambda path: np.load(path, allow_pickle=False))
        skeletons = _read(folder / SKELETONS, read_skeletons)
        if mixing.ndim != 2 or len(mixing) != len(joints):
            raise CheckpointError(
                f'{folder / MIXING}: {mixing.shape}, but there are {len(joints)} joints'
            )
        for name, skeleton in skeletons.items():
            if not all(0 <= place < mixing.shape[1] for place in skeleton.places):
                raise CheckpointError(
                    f'{folder / SKELETONS}: {name} has joints that {MIXING} does not make'
                )
        return cls(folder, settings, rule, joints, mixing.astype(float), skeletons)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """Each joint's fellow on the other side, by its name."""
        return mirror_of(self.names)

    def network(self) -> tuple[Metrabs, Report]:
        """
        Make the network from the weights.

        :raises CheckpointError: the file is missing or one of another network
        """
        path = self.folder / WEIGHTS
        network = Metrabs(self.settings).eval()
        return network, fill(network, read_arrays(path), NAMING, str(path))

    def estimator(self, network: Metrabs, rule: Rule | None = None) -> PoseEstimator:
        """
        Estimate poses in images by a network in PyTorch, metres.

        :param rule: how poses are placed, if not as the folder says
        """
        return PoseEstimator(
            _CropNetwork(network, rule or self.rule),
            self.settings.side,
            self.mirror,
            self.mixing,
            {name: skeleton.places for name, skeleton in self.skeletons.items()},
        )


@dataclass(frozen=True, eq=False)
class _CropNetwork:
    """See `mesh_pose_ros.pipeline.pose_estimator.CropNetwork`."""

    network: Metrabs
    rule: Rule

    def __call__(self, crops: NDArray[np.float32], intrinsics: Array) -> Array:
        settings = self.network.settings
        image = torch.from_numpy(crops).permute(0, 3, 1, 2)
        with torch.inference_mode():
            joints = self.network(image.to(next(self.network.parameters()).device))
        limits = view_limits(settings.side, settings.training_stride, settings.centred)
        told = (joints.joints2d.cpu().numpy(), joints.joints3d.cpu().numpy())
        return placed_in_crops(*told, intrinsics, limits, self.rule)


def mirror_of(names: tuple[str, ...]) -> tuple[int, ...]:
    """Place of each joint's fellow on the other side; its own for those in the middle."""
    places = {name: place for place, name in enumerate(names)}
    fellows = (OTHER_SIDE.get(name[:1], name[:1]) + name[1:] for name in names)
    return tuple(places.get(fellow, own) for own, fellow in enumerate(fellows))


def read_skeletons(path: Path) -> dict[str, JointSet]:
    """Read sets of joints without running what the pickle may ask for."""
    with path.open('rb') as file:
        told = _PlainUnpickler(file).load()
    return {
        _text(name): JointSet(
            tuple(int(place) for place in info['indices']),
            tuple(_text(joint) for joint in info['names']),
            tuple((int(start), int(end)) for start, end in info['edges']),
        )
        for name, info in told.items()
    }


def _read(path: Path, reader: Callable[[Path], Any]) -> Any:
    try:
        return reader(path)
    except FileNotFoundError:
        raise CheckpointError(f'{path}: there is no such file') from None
    except CheckpointError as err:
        raise CheckpointError(f'{path}: {err}') from None
    except Exception as err:  # each kind of file breaks in ways of its own
        raise CheckpointError(f'{path}: cannot be read ({type(err).__name__} {err})') from err


def _joint_names(path: Path) -> tuple[str, ...]:
    with np.load(path, allow_pickle=False) as file:
        return tuple(_text(name) for name in file['joint_names'])


def _settings(path: Path, joints: int) -> tuple[MetrabsSettings, Rule]:
    told = yaml.safe_load(path.read_text())
    size = told.get('efficientnet_size') or told['backbone'].rpartition('-')[2]
    for option in ('affine_weights', 'transform_coords', 'predict_all_and_latents'):
        if told.get(option):
            raise CheckpointError(f'{option} is set: networks with latent points are not read')
    settings = MetrabsSettings(
        joints,
        side=told['proc_side'],
        trunk=f'efficientnet_v2_{size}',
        stride=told['stride_test'],
        training_stride=told['stride_train'],
        centred=told['centered_stride'],
        legacy_shift=told.get('legacy_centered_stride_bug', False),
        depth_bins=told['depth'],
        span=told['box_size_mm'] / MILLIMETRES,
    )
    mix = told.get('mix_3d_inside_fov')
    share = 1.0 if mix is None else 1 - mix
    return settings, Rule(weak=told.get('weak_perspective', False), ray_share=share)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _maker(value: Any) -> Callable[..., Any]:
    """Numpy's own function that a pickle of the value asks for; its place moves by version."""
    return value.__reduce__()[0]


PLAIN: dict[tuple[str, str], Callable[..., Any]] = {
    ('numpy', '_reconstruct'): _maker(np.zeros(1)),
    ('numpy', 'scalar'): _maker(np.float64(0)),
    ('numpy', 'ndarray'): np.ndarray,
    ('numpy', 'dtype'): np.dtype,
    ('_codecs', 'encode'): codecs.encode,
}


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        """Give only what arrays are made of."""
        key = module.partition('.')[0], name
        if key not in PLAIN:
            raise CheckpointError(
                f'asks for {module}.{name}; only arrays and text are read from it'
            )
        return PLAIN[key]
