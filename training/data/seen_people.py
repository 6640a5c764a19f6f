"""People as an image network saw them, made by `training.data.onlooker`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mesh_pose_ros.errors import ModelError
from training.data.rows import TensorRows


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
    def load(cls, path: Path) -> SeenPeople:
        """
        Read what `save` wrote.

        :raises ModelError: the file is something else
        """
        with np.load(path) as file:
            missing = [f.name for f in fields(cls) if f.name not in file.files]
            if missing:
                raise ModelError(
                    f'{path} has no {", ".join(missing)}: make it by '
                    'python -m training.data.onlooker'
                )
            return cls(*(torch.from_numpy(file[f.name]) for f in fields(cls)))

    def save(self, path: Path) -> None:
        """Write an npz."""
        np.savez(path, **{f.name: getattr(self, f.name).numpy() for f in fields(self)})
