"""
Inputs and outputs of the authors' own code, and weights that follow a rule.

Official weights cannot be shipped. So the reference cases were made with weights that a random
generator draws, seeded by each array's name: whoever knows names and shapes makes the same
checkpoint. Small cases lie in ``test/data/parity``; the others in ``shared/parity`` beside the
checkout, or below ``MESH_POSE_SHARED``.
"""

import importlib.util
import math
import os
import zlib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / 'test' / 'data' / 'parity'
SHARED = Path(os.environ.get('MESH_POSE_SHARED', ROOT.parent / 'shared'))
SALT = 'public:'
BODY_MODELS = ('human_model_layer.', 'smplx_layer.')  # buffers that no rule fills

# (pattern of the name, gain), the first that matches counts: they keep the soft-argmaxes spread
# over the grid, and boxes and depths plausible
GAINS = {
    'i2l_meshnet': (
        ('*.bn3.weight', 0.25),
        ('*.conv?.weight', 1.7),
        ('*.downsample.0.weight', 1.7),
        ('*.deconv.[036].weight', 1.7),
        ('pose2feat.conv.0.weight', 8.0),
        ('pose_net.conv_[xy].0.weight', 5.0),
        ('pose_net.conv_z_2.0.weight', 3.0),
        ('mesh_net.conv_[xy].0.weight', 10.0),
        ('mesh_net.conv_z_2.0.weight', 6.0),
        ('param_regressor.fc.0.weight', 0.05),
        ('param_regressor.fc.3.weight', 1.7),
    ),
    'hand4whole': (
        ('*.layer?.?.bn3.weight', 0.25),
        ('face_roi_net.backbone.layer?.?.bn2.weight', 0.25),
        ('*.conv?.weight', 1.7),
        ('*.downsample.0.weight', 1.7),
        ('*.deconv.[036].weight', 1.7),
        ('body_position_net.conv.0.weight', 4.0),
        ('hand_position_net.conv.0.weight', 3.0),
        ('box_net.bbox_center.0.weight', 4.0),
        ('box_net.*_size.2.weight', 0.5),
        ('body_rotation_net.shape_out.0.weight', 0.5),
        ('body_rotation_net.cam_out.0.weight', 0.2),
    ),
    'rootnet': (
        ('backbone.conv1.weight', 0.007),
        ('*.bn3.weight', 0.25),
        ('*.conv?.weight', 1.7),
        ('*.downsample.0.weight', 1.7),
        ('root.deconv_layers.[036].weight', 1.7),
        ('root.xy_layer.weight', 2.0),
        ('root.depth_layer.weight', 0.1),
    ),
    'pose2mesh': (
        ('pose_lifter.w2.weight', 300.0),
        ('w2.weight', 300.0),  # its name in the lifter's own checkpoints
        ('pose2mesh.cl.*.weight', 1.4),
        ('pose2mesh.fc.weight', 1.7),
    ),
    'metrabs': (),  # its salt is empty
}
OFFSETS = {  # added to biases
    'hand4whole': {
        'box_net.lhand_size.2.bias': (1.6, 1.5),
        'box_net.rhand_size.2.bias': (1.4, 2.6),
        'box_net.face_size.2.bias': (1.7, 2.1),
        'body_rotation_net.cam_out.0.bias': (0.02, -0.1, 0.4),
    },
    'rootnet': {'root.depth_layer.bias': (0.9,)},
}


AGREEMENTS: list[tuple[str, float, float]] = []  # name, difference, tolerance; of the running test


def agree(found, wanted, tolerance: float, name: str) -> None:
    """Hold numbers against the authors'; benchmarks/systems.py makes a table of what was found."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance, err_msg=name)
    AGREEMENTS.append((name, float(np.abs(found - wanted).max()), tolerance))


def parity_file(name: str) -> Path:
    """
    Find a reference file, e.g. ``rootnet/case.npz``, or skip the test.

    Key lists are ``keys/<name>.txt``.
    """
    places = [SHIPPED / name, SHARED / 'parity' / name, SHARED / 'briefs' / name]
    for place in places:
        if place.is_file():
            return place
    pytest.skip(
        f'no reference {name}: put it below {SHIPPED}, or set MESH_POSE_SHARED to the folder '
        f'that holds parity/{name}'
    )


def parity_case(name: str) -> dict[str, np.ndarray]:
    """All arrays of a reference file, or skip the test."""
    with np.load(parity_file(name)) as file:
        return {key: file[key] for key in file.files}


@lru_cache
def stand_ins():
    """The module that draws random body models in the official files' layout, or skip the test."""
    spec = importlib.util.spec_from_file_location('stand_in', parity_file('stand_in.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shapes_in(keys: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by name from a list of a checkpoint's keys: name, tab, shape, tab, type."""
    lines = [line.split('\t') for line in keys.read_text().splitlines() if line[:1] != '#']
    return {
        name: tuple(int(side) for side in shape.strip('()[]').split(',') if side.strip())
        for name, shape, *_ in lines
    }


def official_state(
    shapes: Path | Mapping[str, tuple[int, ...]], system: str, salt: str = SALT
) -> dict[str, Tensor]:
    """
    Make a checkpoint's arrays by the rule.

    :param shapes: by name, with or without ``module.``; or the file of a key list
    :param system: key of `GAINS`
    :return: under the same names; buffers of body models are zero
    """
    if isinstance(shapes, Path):
        shapes = shapes_in(shapes)
    return {
        name: torch.from_numpy(np.asarray(_drawn(name.removeprefix('module.'), s, system, salt)))
        for name, s in shapes.items()
    }


def _drawn(name: str, shape: tuple[int, ...], system: str, salt: str) -> np.ndarray:
    """One array; factors are computed in float64 and rounded to float32 once."""
    if name.endswith('num_batches_tracked'):
        return np.zeros(shape, np.int64)
    if name.startswith(BODY_MODELS):
        return np.zeros(shape, np.float32)
    generator = np.random.default_rng(zlib.crc32((salt + name).encode()))
    noise = generator.standard_normal(shape).astype(np.float32)
    gain = next((g for pattern, g in GAINS[system] if fnmatchcase(name, pattern)), 1.0)
    tenth = np.float32(0.1)
    if name.endswith('running_var'):
        return 1 + tenth * np.abs(noise)
    if name.endswith(('running_mean', 'bias')):
        return tenth * noise + np.float32(OFFSETS.get(system, {}).get(name, 0.0))
    if noise.ndim == 1:
        return np.float32(gain) * (1 + tenth * noise)
    return noise * np.float32(gain * math.sqrt(0.7 / _fan(name, shape)))


def _fan(name: str, shape: tuple[int, ...]) -> float:
    if len(shape) == 4 and 'deconv' in name:  # stride 2: a quarter of the kernel meets a cell
        return shape[0] * math.prod(shape[2:]) / 4
    return math.prod(shape[1:])


def tensorflow_state(shapes: Path | Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """
    Make the arrays of a TensorFlow checkpoint by the rule, with gain 1 and no salt.

    :param shapes: by variable name, kernels as height, width, inputs, outputs; or a list's file
    """
    if isinstance(shapes, Path):
        shapes = shapes_in(shapes)
    return {name: _drawn_for_tensorflow(name, shape) for name, shape in shapes.items()}


def _drawn_for_tensorflow(name: str, shape: tuple[int, ...]) -> np.ndarray:
    noise = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    noise = noise.astype(np.float32).astype(np.float64)
    if name.endswith('moving_variance'):
        drawn = 1 + 0.1 * np.abs(noise)
    elif name.endswith('gamma'):
        drawn = 1 + 0.1 * noise
    elif noise.ndim == 1:
        drawn = 0.1 * noise
    else:
        drawn = noise * math.sqrt(0.7 / math.prod(shape[:-1]))
    return drawn.astype(np.float32)
