"""
What a network says beside joints and surfaces, for whoever knows its body model.

A card tells each output's space; outputs in one of `SPACES` are passed on under their names,
as the network says them: a root's axis-angle, for example, is in the axes of a camera that looks
at the crop. Only places in the crop become places in the image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.runtime.card import ModelCard

Array = NDArray[np.floating]

CORNERS = 'crop_px_corners'  # x1, y1, x2, y2 in the last axis
SPACES = ('axis_angle_rad', 'coefficients', 'virtual_camera_m', CORNERS)


def parameters_of(
    card: ModelCard, outputs: Mapping[str, Array], in_image: Callable[[Array], Array]
) -> dict[str, Array]:
    """
    Choose what is passed on of one crop's outputs.

    :param in_image: from pixels (..., 2) of the crop to those of the image
    """
    found = {}
    for name, space in card.outputs.items():
        if space in SPACES:
            values = outputs[name]
            found[name] = _corners(values, in_image) if space == CORNERS else values
    return found


def _corners(boxes: Array, in_image: Callable[[Array], Array]) -> Array:
    return in_image(boxes.reshape(-1, 2)).reshape(boxes.shape)
