"""
The authors' names of a Pose Machine's arrays.

The network is in a Caffe model (`training.caffe_arrays`), the refining part alone also in a
pickle of twelve arrays (`training.pickled_arrays`). Both bring the names of Caffe's layers here,
with the number of the layer's array: ``conv1_1.0`` is a weight, ``conv1_1.1`` its bias.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.checkpoints import CheckpointError, Naming
from training.networks.pose_machine import PoseMachineSettings

# of the pickle, each with a weight (inputs, outputs) and a bias
PICKLED = ('change_tmp', 'change', 'project_1', 'project_2', 'project_3', 'project_2d')
# the second round of an older model, which a template of the authors still has
UNUSED = ('project_media.*', 'project_[45].*', 'project_2d_2.*')

_PROJECTOR = {
    'change_tmp': 'refine.0',
    'change': 'refine.2',
    'project_1': 'first',
    'project_2': 'pair.0',
    'project_3': 'pair.2',
    'project_2d': 'last',
}
_TRANSFORMER = {
    'special_conv_1': 'look.0.0',
    'special_conv_2': 'look.1.0',
    'fa_conv_1': 'look.2.0',
    'fa_conv_2': 'look.3.0',
    'fc': 'look.5',
    'fc-final_16': 'last',
}
_TRUNK = {
    # from the third convolution of its fourth stage on, names end with _CPM
    f'conv{stage + 1}_{place + 1}' + ('_CPM' if (stage, place) > (3, 1) else ''): (
        f'stages.{stage}.{place}.0'
    )
    for stage, places in enumerate(PoseMachineSettings().stages)
    for place in range(len(places))
}
_RECURRENT = (  # input weight and its bias, then the weight of what is remembered
    (r'^lstm1\.2$', 'transformer.along.remembered.weight'),
    (r'^lstm2\.2$', 'transformer.back.remembered.weight'),
    (r'^lstm1\.', 'transformer.along.told.'),
    (r'^lstm2\.', 'transformer.back.told.'),
)
_PARAMETERS = ((r'\.0$', '.weight'), (r'\.1$', '.bias'))


def _within(part: str, layers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((rf'^{theirs}\.(?=\d$)', f'{part}{ours}.') for theirs, ours in layers.items())


NAMING = Naming(
    renames=(
        *_within('trunk.', _TRUNK),
        *_within('transformer.', _TRANSFORMER),
        *_within('projector.', _PROJECTOR),
        *_RECURRENT,
        *_PARAMETERS,
    ),
    unused=UNUSED,
)
PROJECTOR_NAMING = Naming(renames=(*_within('', _PROJECTOR), *_PARAMETERS))


def projector_arrays(values: Sequence[NDArray[np.generic]], source: str = '') -> dict[str, Tensor]:
    """
    Name the arrays of the authors' pickle as Caffe does, for `PROJECTOR_NAMING`.

    :param values: weight (inputs, outputs) and bias of each of `PICKLED`
    :param source: what messages call them, a file's name
    :raises CheckpointError: there are more or fewer, or one is no weight or bias
    """
    wanted = [2, 1] * len(PICKLED)
    if [value.ndim for value in values] != wanted:
        raise CheckpointError(
            f'{source}: holds arrays {[value.shape for value in values]}, not a weight and a bias '
            f'of each of {", ".join(PICKLED)}'
        )
    names = [f'{layer}.{number}' for layer in PICKLED for number in (0, 1)]
    floats = (torch.from_numpy(np.array(value.T, dtype=np.float32)) for value in values)
    return dict(zip(names, floats, strict=True))
