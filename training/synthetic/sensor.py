"""What a camera does to a perfect picture: blur, grain, compression."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Sensor:
    """
    One camera's weaknesses.

    :param blur: standard deviation of the lens's blur, pixels
    :param grain: standard deviation of the noise, grey levels
    :param gain: factor on brightness
    :param jpeg: quality of the compression, 0 for none
    """

    blur: float = 0.45
    grain: float = 2.2
    gain: float = 1.0
    jpeg: int = 0

    @classmethod
    def random(cls, rng: np.random.Generator) -> Sensor:
        """Draw a camera: mostly a fair one."""
        return cls(
            blur=float(rng.gamma(2.0, 0.3)),
            grain=float(rng.gamma(2.0, 1.5)),
            gain=float(np.exp(rng.normal(0, 0.18))),
            jpeg=int(rng.integers(45, 96)) if rng.random() < 0.8 else 0,
        )

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """Take an image (H, W, 3) RGB as this camera would."""
        soft = cv2.GaussianBlur(image, (0, 0), self.blur) if self.blur > 0.2 else image
        sharp = rng.normal(0, self.grain, image.shape).astype(np.float32)
        # neighbouring pixels share some noise, as after a Bayer pattern
        noise = cv2.GaussianBlur(sharp, (0, 0), 0.7)
        taken = np.clip(soft * np.float32(self.gain) + noise + 0.5, 0, 255).astype(np.uint8)
        return _compressed(taken, self.jpeg) if self.jpeg else taken


def _compressed(image: Image, quality: int) -> Image:
    _, data = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    back = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(back[..., ::-1])
