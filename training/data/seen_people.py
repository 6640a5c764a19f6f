"""People as an image network saw them, made by `training.data.onlooker`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mesh_pose_ros.errors import ModelError
from training.data.rows import TensorRows, names_of

LICENCE = 'licence'  # name of the array that holds it
FREE = 'Apache-2.0'


@dataclass(frozen=True, eq=False)
class SeenPeople(TensorRows):
    """
    N people.

    :param joints: as the network sees them, `LIFT27` from the middle of the hips, axes of a camera
        that looks there, (N, 27, 3), metres
    :param confidence: (N, 27), 0 where it has no such joint
    :param rotations: truth, rest axes to the same camera's, (N, 24, 3, 3)
    :param betas: truth, (N, C)
    """

    joints: Tensor
    confidence: Tensor
    rotations: Tensor
    betas: Tensor

    @classmethod
    def load(cls, path: Path, line: str = 'research') -> SeenPeople:
        """
        Read what `save` wrote.

        :param line: 'research' for anybody, 'permissive' for those whom a network under
            Apache-2.0 saw: the card of what learns from them will say that licence
        :raises ModelError: the file is something else, or not for that line
        """
        with np.load(path) as file:
            missing = [name for name in (*names_of(cls), LICENCE) if name not in file.files]
            if missing:
                raise ModelError(
                    f'{path} has no {", ".join(missing)}: make it by '
                    'python -m training.data.onlooker'
                )
            licence = str(file[LICENCE])
            if line == 'permissive' and not licence.startswith(FREE):
                raise ModelError(
                    f'{path} was seen by a network that is not {FREE} ({licence}): train with '
                    '--line research, or have another look by python -m training.data.onlooker'
                )
            return cls(*(torch.from_numpy(file[name]) for name in names_of(cls)))

    def save(self, path: Path, licence: str) -> None:
        """
        Write an npz.

        :param licence: of the network that saw them, as its card says it
        """
        parts = {name: getattr(self, name).numpy() for name in names_of(self)}
        np.savez(path, **parts, **{LICENCE: np.array(licence)})
