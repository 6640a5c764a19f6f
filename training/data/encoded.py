"""Many pictures of one size in little memory: JPEG bytes, decoded when asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Encoded:
    """
    Pictures as JPEG files, end to end.

    :param data: (bytes,) uint8
    :param start: (pictures + 1,) where each begins
    """

    data: NDArray[np.uint8]
    start: NDArray[np.int64]

    @classmethod
    def of(cls, pictures: Iterable[NDArray[np.uint8]], quality: int = 92) -> Encoded:
        """Encode RGB pictures (H, W, 3)."""
        files = [_encoded(picture, quality) for picture in pictures]
        start = np.cumsum([0, *map(len, files)]).astype(np.int64)
        return cls(np.concatenate([*files, np.zeros(0, np.uint8)]), start)

    def __len__(self) -> int:
        return len(self.start) - 1

    def picture(self, row: int) -> NDArray[np.uint8]:
        """One of them, (H, W, 3) RGB."""
        file = self.data[self.start[row] : self.start[row + 1]]
        return np.asarray(cv2.imdecode(file, FLAGS), np.uint8)

    def pictures(self, rows: Iterable[int]) -> Tensor:
        """Some of them, (N, 3, H, W) uint8."""
        decoded = np.stack([self.picture(row) for row in rows])
        return torch.from_numpy(decoded).permute(0, 3, 1, 2)


FLAGS = cv2.IMREAD_COLOR_RGB


def _encoded(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    _, data = cv2.imencode('.jpg', picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.ravel()
