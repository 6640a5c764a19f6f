"""What is behind people: photographs without people, and rendered rooms and streets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_pose_ros.geometry.camera import Camera
from training.data.draws import Draws
from training.data.warping import mapped, read_at, similarity
from training.synthetic.scenes import View, photograph
from training.synthetic.stages import random_stage
from training.synthetic.textures import cloth_page

HEIGHT, WIDTH = 256, 320
SCENERY = 96  # rendered pictures


@dataclass(frozen=True, eq=False)
class Backgrounds:
    """
    Pictures in which nobody is.

    :param images: (B, 3, HEIGHT, WIDTH) uint8
    """

    images: Tensor

    @classmethod
    def of(cls, pictures: Sequence[NDArray[np.uint8]]) -> Backgrounds:
        """Take RGB pictures of any size (H, W, 3)."""
        fitted = np.stack([fitting(picture) for picture in pictures])
        return cls(torch.from_numpy(fitted.transpose(0, 3, 1, 2).copy()))

    @classmethod
    def rendered(cls, count: int = SCENERY, seed: int = 0) -> Backgrounds:
        """Draw rooms, open places and plain cloth: free of anybody's rights."""
        rng = np.random.default_rng(seed)
        return cls.of([_scenery(rng) for _ in range(count)])

    def and_more(self, others: Backgrounds) -> Backgrounds:
        """Both together."""
        return Backgrounds(torch.cat([self.images, others.images]))

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device | str) -> Backgrounds:
        """The same on another device."""
        return Backgrounds(self.images.to(device))

    def behind(self, draws: Draws, side: int, angle: Tensor) -> Tensor:
        """Cut pieces out, rolled by ``angle`` (N,) as the crops are; (N, 3, side, side) float."""
        images = self.images[draws.rows(len(self)).to(self.images.device)]
        size = draws.uniform(0.35, 1.15) * HEIGHT
        low, high = draws.uniform(0.2, 0.8), draws.uniform(0.2, 0.8)
        at = torch.stack([low * WIDTH, high * HEIGHT], 1)
        middle = torch.full_like(at, (side - 1) / 2)
        found = mapped(similarity(at, middle, size / side, angle), side, side)
        return read_at(images, found, border='reflection')


def fitting(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink or stretch to cover WIDTH x HEIGHT, and cut off what is over."""
    height, width = picture.shape[:2]
    scale = max(HEIGHT / height, WIDTH / width)
    size = (max(WIDTH, round(width * scale)), max(HEIGHT, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(picture, size, interpolation=how)
    x, y = (size[0] - WIDTH) // 2, (size[1] - HEIGHT) // 2
    return np.asarray(resized[y : y + HEIGHT, x : x + WIDTH], np.uint8)


def _scenery(rng: np.random.Generator) -> NDArray[np.uint8]:
    if rng.random() < 0.1:
        return np.asarray(cloth_page(rng), np.uint8)
    camera = Camera.from_fov(rng.uniform(35, 100), (WIDTH, HEIGHT))
    view = View.standing(camera, rng.uniform(0.4, 3.0), rng.normal(0.1, 0.15))
    return photograph(view, random_stage(rng), [], samples=1).image
