"""
A graph that says joints in pixels and in metres, as poses in front of its crops' cameras.

Crops here are numbers from 0 to 1 and keep their fractions: networks that average several views
of a person are sensitive enough to notice whole grey values.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.geometry.reconstruction import DEFAULT, Rule, placed_in_crops
from mesh_pose_ros.pipeline.tensors import cameras_for, image_tensor
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.session import Session

Array = NDArray[np.floating]

WHITE = 255.0
PERSPECTIVES = ('full', 'weak')


class MetricCrops:
    """
    A session as what `pose_estimator.CropNetwork` says.

    :param joints: how many the graph gives
    :raises ModelError: the card cannot be followed
    """

    def __init__(self, session: Session, card: ModelCard, joints: int) -> None:
        if card.image is None or not {'joints2d', 'joints3d'} <= set(card.outputs):
            raise ModelError(
                f'{card.path}: a card with views must name an image, joints2d and joints3d'
            )
        self._session, self._card = session, card
        self._image, self._joints = card.image, joints
        self._rule = rule_of(card)
        low, high = card.options.get('in_view', (0.0, card.image.width - 1.0))
        self._limits = (float(low), float(high))

    def __call__(self, crops: NDArray[np.float32], intrinsics: Array) -> Array:
        """
        See people.

        :param crops: (N, S, S, 3), RGB, 0 to 1
        :param intrinsics: of the crops' cameras, (N, 3, 3)
        :return: joints in the axes of the crops' cameras, (N, J, 3), metres
        """
        told = cameras_for(self._session, intrinsics)
        found = self._session(**{self._image.name: self._tensor(crops)}, **told)
        joints2d, joints3d = found['joints2d'], found['joints3d']
        if joints2d.shape[1] != self._joints:
            raise ModelError(
                f'{self._card.path}: the graph gives {joints2d.shape[1]} joints, the file of its '
                f'joint sets has {self._joints}'
            )
        return placed_in_crops(
            joints2d.astype(float), joints3d.astype(float), intrinsics, self._limits, self._rule
        )

    def _tensor(self, crops: NDArray[np.float32]) -> NDArray[np.generic]:
        pixels: NDArray[Any] = crops * np.float32(WHITE)
        if self._image.dtype == 'uint8':
            pixels = np.rint(pixels).astype(np.uint8)
        return image_tensor(pixels, self._image)


def rule_of(card: ModelCard) -> Rule:
    """
    How the card wants poses to be placed.

    :raises ModelError: an option is none of its choices
    """
    options = card.options
    perspective = options.get('perspective', PERSPECTIVES[0])
    if perspective not in PERSPECTIVES:
        raise ModelError(
            f'{card.path}: option perspective must be one of {", ".join(PERSPECTIVES)}'
        )
    return Rule(
        weak=perspective == 'weak',
        ray_share=float(options.get('ray_share', DEFAULT.ray_share)),
        together=bool(options.get('together', DEFAULT.together)),
        ridge=float(options.get('ridge', DEFAULT.ridge)),
    )
