"""How far a lens polynomial holds, and how hard to try to turn it around."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import NDArray

Array = NDArray[np.floating]

NEWTON_STEPS = 20  # five are enough but where the image is about to fold
NEWTON_DONE = 1e-13  # on the plane z = 1
UNDISTORTED = 1e-8  # a residual above this is no solution; 1e-5 px at a focal length of 1000
TABLE_SIZE = 256  # radii from which the first guess is interpolated
NEVER = 1e3  # radius on z = 1; 0.06 degrees from the image plane


def first_root(coefficients: Array) -> float:
    """
    The smallest positive real root of a polynomial, lowest power first and equal to 1.

    Roots above `NEVER` count as none: inf. It is solved for the root's inverse, since the first
    coefficient is 1 and the last may be as good as zero.
    """
    roots = polynomial.polyroots(coefficients[::-1])
    real = roots.real[np.abs(roots.imag) < 1e-9 * np.abs(roots)]
    largest = real.max(initial=0.0)
    return float(1 / largest) if largest > 1 / NEVER else float('inf')
