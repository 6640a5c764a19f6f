"""
Steps down a gradient: Adam (Kingma and Ba, ICLR 2015).

In the order of operations that ends the paper's section 2: the small number that keeps from
dividing by zero is added before the bias of the means is undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Arrays = TypeVar('Arrays', bound=tuple[Array, ...])

MEAN_DECAY, SQUARE_DECAY, EPSILON = np.float32(0.9), np.float32(0.999), np.float32(1e-8)


@dataclass(frozen=True, eq=False)
class Moments:
    """
    What was learned from gradients so far.

    :param steps: how many were taken
    :param mean: of the gradients of each array; none before the first step
    :param square: of the squared gradients
    """

    steps: int = 0
    mean: tuple[Array, ...] = ()
    square: tuple[Array, ...] = ()

    def after(self, gradient: tuple[Array, ...]) -> Moments:
        """Take in a gradient."""
        nothing = (np.float32(0),) * len(gradient)
        means = zip(self.mean or nothing, gradient, strict=True)
        squares = zip(self.square or nothing, gradient, strict=True)
        return Moments(
            self.steps + 1,
            tuple(MEAN_DECAY * m + (1 - MEAN_DECAY) * g for m, g in means),
            tuple(SQUARE_DECAY * s + (1 - SQUARE_DECAY) * g * g for s, g in squares),
        )

    def direction(self) -> tuple[Array, ...]:
        """How far to go for a rate of 1."""
        unbiased = np.sqrt(1 - SQUARE_DECAY**self.steps) / (1 - MEAN_DECAY**self.steps)
        moments = zip(self.mean, self.square, strict=True)
        return tuple(unbiased * m / (np.sqrt(s) + EPSILON) for m, s in moments)


NO_MOMENTS = Moments()


def step(
    arrays: Arrays, gradient: Arrays, moments: Moments, rate: float
) -> tuple[Arrays, Moments]:
    """Go down a gradient; arrays may lack leading axes that the gradient has."""
    moments = moments.after(gradient)
    ways = zip(arrays, moments.direction(), strict=True)
    return type(arrays)(a - np.float32(rate) * way for a, way in ways), moments
