"""
How far away people are, said by a network that sees their crops.

The graph gives ``gamma`` (N, 1): the distance as a share of the one that a person would have who
is a square of ``span`` metres (option of the card) and fills the crop. Options of the card:
``margin`` of the crop, ``span``, ``max_batch``. Crops are upright rectangles of the image.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BadCameraError, ModelError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box, Region
from mesh_pose_ros.pipeline.crops import MARGIN, cut_as_seen, rectangle_in, rectangle_of
from mesh_pose_ros.pipeline.depths import SPAN, usual_depth
from mesh_pose_ros.pipeline.tensors import image_tensor
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.session import Session

Array = NDArray[np.floating]

MAX_BATCH = 16


class RootStage:
    """
    A network that sees crops and says distances.

    :raises ModelError: the card cannot be followed
    """

    def __init__(self, session: Session, card: ModelCard) -> None:
        if card.image is None or 'gamma' not in card.outputs:
            raise ModelError(f'{card.path}: a root card must name an image and the output gamma')
        self._session = session
        self._options = card.options
        self._image = card.image

    def __call__(
        self, image: NDArray[np.uint8], camera: Camera, boxes: Sequence[Box]
    ) -> list[float]:
        """
        Say how far away the root of each person is.

        :param image: (H, W, 3) RGB, taken by ``camera``
        :return: metres along the optical axis, NaN for a box the camera cannot look at
        """
        looks = [self._look(camera, box) for box in boxes]
        able = [i for i, look in enumerate(looks) if look is not None]
        depths = np.full(len(boxes), np.nan)
        if able:
            seen = [look for look in looks if look is not None]
            crops = cut_as_seen(image, camera, *map(list, zip(*seen, strict=True)))
            span = float(self._options.get('span', SPAN))
            usual = [usual_depth(own, span) for _, own in seen]
            depths[able] = self._gamma(crops) * usual
        return depths.tolist()

    def _look(self, camera: Camera, box: Box) -> tuple[Region, Camera] | None:
        size = (self._image.width, self._image.height)
        region = rectangle_of(box, camera.size, size, self._options.get('margin', MARGIN))
        if region is None:
            return None
        try:
            return region, rectangle_in(camera.flat_part(region, max(size)), size)
        except BadCameraError:
            return None

    def _gamma(self, crops: NDArray[np.uint8]) -> Array:
        tensor = image_tensor(crops, self._image)
        most = int(self._options.get('max_batch', MAX_BATCH))
        parts = [
            self._session(**{self._image.name: tensor[start : start + most]})['gamma']
            for start in range(0, len(tensor), most)
        ]
        return np.concatenate(parts)[:, 0].astype(float)
