"""
Find people: an image goes in, boxes in its own pixels come out.

The card's options tell how the image is fitted into the network's input (``resize``), how
outputs are read (``decoder``), the least score (``score``), how guesses about one person are
merged (``nms``) and when they overlap enough for it (``iou``), how far a crop reaches beyond the
circle round the body (``region_factor``) and whether the box is to be taken from that circle
(``box: region``), for detectors whose own box shows only part of a person.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.people import Box, Region
from mesh_pose_ros.pipeline.candidates import MERGERS, Candidates, suppress
from mesh_pose_ros.pipeline.decoders import DECODERS
from mesh_pose_ros.pipeline.pyramid import Pyramid
from mesh_pose_ros.pipeline.tensors import image_tensor
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.session import Session

Array = NDArray[np.floating]

SCORE, IOU, REGION_FACTOR = 0.5, 0.45, 1.25  # where a card says nothing
FITS = ('letterbox', 'corner', 'stretch')


@dataclass(frozen=True)
class DetectionOptions:
    """
    What counts as a person.

    :param score: least score, 0 to 1; 0 for the detector's own
    :param nms: boxes overlapping more are one person, 0 to 1; 0 for the detector's own
    :param max_persons: most people per image, the best ones
    :param min_box_px: smallest width or height of a box, pixels of the image
    """

    score: float = 0.0
    nms: float = 0.0
    max_persons: int = 10
    min_box_px: float = 16.0


@dataclass(frozen=True)
class Fit:
    """
    How an image was put into a network's input: ``input = (image + 0.5) * scale - 0.5 + shift``.

    :param scale, shift: per axis (x, y), pixels
    :param size: width and height of the resized image, pixels of the input
    """

    scale: tuple[float, float]
    shift: tuple[int, int]
    size: tuple[int, int]

    def to_image(self, points: Array) -> Array:
        """Points (..., 2) of the input, in pixels of the image."""
        return (points + 0.5 - np.array(self.shift)) / np.array(self.scale) - 0.5


def fit_to(image_size: tuple[int, int], input_size: tuple[int, int], how: str) -> Fit:
    """
    Fit an image into an input, sizes as (width, height).

    :param how: ``letterbox`` keeps the aspect and pads evenly, ``corner`` pads at the right and
        the bottom only, ``stretch`` does not keep the aspect
    """
    ratios = np.array(input_size) / np.array(image_size)
    if how != 'stretch':
        ratios = np.full(2, ratios.min())
    size = np.maximum(1, np.round(np.array(image_size) * ratios)).astype(int)
    spare = np.array(input_size) - size
    shift = spare // 2 if how == 'letterbox' else spare * 0
    scale = size / np.array(image_size)
    return Fit(*(tuple(values.tolist()) for values in (scale, shift, size)))


class Detector:
    """
    A network that finds people.

    :raises ModelError: the card asks for an unknown decoder, resize or nms
    """

    def __init__(self, session: Session, card: ModelCard) -> None:
        self._session = session
        self._card = card
        _check(card)

    def __call__(
        self, image: NDArray[np.uint8], options: DetectionOptions = DetectionOptions()
    ) -> list[Box]:
        """
        Find people, best first.

        :param image: (H, W, 3) RGB, as the camera gave it
        """
        assert self._card.image
        size = (image.shape[1], image.shape[0])
        fit = fit_to(size, (self._card.image.width, self._card.image.height), self._how)
        tensor = image_tensor(self._fitted(image, fit)[None], self._card.image)
        outputs = self._session(**{self._card.image.name: tensor})
        return self._boxes(DECODERS[self._option('decoder', 'plain')](outputs, self._card), fit,
                           size, options)  # fmt: skip

    @property
    def _how(self) -> str:
        return self._option('resize', 'letterbox')

    def _option(self, name: str, default: str) -> str:
        return str(self._card.options.get(name, default))

    def _fitted(self, image: NDArray[np.uint8], fit: Fit) -> NDArray[np.uint8]:
        wanted = self._card.image
        assert wanted
        fill = int(self._card.options.get('pad', 0))
        canvas = np.full((wanted.height, wanted.width, 3), fill, np.uint8)
        (left, top), (width, height) = fit.shift, fit.size
        source = Pyramid(image).for_scale(1 / max(fit.scale))
        target = canvas[top : top + height, left : left + width]
        target[:] = cv2.resize(source, fit.size, interpolation=cv2.INTER_LINEAR)
        return canvas

    def _boxes(
        self, found: Candidates, fit: Fit, size: tuple[int, int], options: DetectionOptions
    ) -> list[Box]:
        card = self._card.options
        found = found.best(options.score or card.get('score', SCORE))
        found = suppress(found, options.nms or card.get('iou', IOU), card.get('nms', 'hard'))
        boxes = [self._box(found, i, fit, size) for i in range(len(found))]
        least = options.min_box_px
        return [b for b in boxes if min(b.width, b.height) >= least][: options.max_persons]

    def _box(self, found: Candidates, i: int, fit: Fit, size: tuple[int, int]) -> Box:
        corners = fit.to_image(found.boxes[i].reshape(2, 2))
        region = None
        if found.regions is not None:
            centre, rim = fit.to_image(found.regions[i])
            region = region_round(
                centre, rim, self._card.options.get('region_factor', REGION_FACTOR)
            )
            if self._card.options.get('box') == 'region':
                reach = np.linalg.norm(rim - centre)
                corners = np.stack([centre - reach, centre + reach])
        return clipped_box(corners, size, float(found.scores[i]), region)


def region_round(centre: Array, rim: Array, factor: float) -> Region:
    """
    The square round a circle, turned so that the head is up.

    :param centre: (2,) pixels
    :param rim: (2,) pixels, the point of the circle on the head's side
    :param factor: side of the square per diameter of the circle
    """
    across, down = (rim - centre).tolist()
    side = 2 * float(np.hypot(across, down)) * factor
    return Region(tuple(centre.tolist()), side, float(np.arctan2(across, -down)))


def clipped_box(corners: Array, size: tuple[int, int], score: float, region: Region | None) -> Box:
    """
    The part of a box that is in the image; its outer edges are at -0.5 and W - 0.5.

    :param corners: top left and bottom right, (2, 2), pixels
    """
    low, high = np.clip(corners, -0.5, np.array(size) - 0.5).astype(float)
    (x, y), (width, height) = low.tolist(), (high - low).tolist()
    return Box(x, y, width, height, score, region)


def _check(card: ModelCard) -> None:
    choices = {'decoder': DECODERS, 'resize': FITS, 'nms': MERGERS}
    for name, known in choices.items():
        if card.options.get(name, next(iter(known))) not in known:
            raise ModelError(
                f'{card.path}: option {name} of the card is {card.options[name]!r}, '
                f'must be one of {", ".join(known)}'
            )
