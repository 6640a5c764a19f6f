"""
How far away a person of known bone lengths is (Pavlakos et al., CVPR 2017, as in MeTRAbs).

For networks that say where joints are in the image, and their depths relative to one of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.optimize
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

START = 2.0  # metres
MILLIMETRES = 1000.0  # per metre: the search is in these, as the authors'; it ends earlier


def root_depth(
    rays: ArrayLike,
    depths: ArrayLike,
    lengths: ArrayLike,
    bones: Sequence[tuple[int, int]],
    published: bool = False,
) -> float:
    """
    Find the depth at which bones come closest to their lengths.

    :param rays: joints on the plane z = 1, (J, 2)
    :param depths: relative to the root, (J,), metres
    :param lengths: of bones, (B,), metres
    :param bones: joints at their ends
    :param published: search with the slope of the authors' code, which counts a term twice and
        ends up to some tenths of a millimetre beside the best depth
    :return: metres
    """
    rays, depths = np.asarray(rays, dtype=float), np.asarray(depths, dtype=float) * MILLIMETRES
    wanted = np.asarray(lengths, dtype=float) * MILLIMETRES
    ahead = np.concatenate([rays, np.ones_like(rays[:, :1])], axis=1)
    first, second = np.asarray(bones).T
    shifted = ahead * depths[:, None]
    across, shifts = ahead[first] - ahead[second], shifted[first] - shifted[second]
    # squared length at depth z: square z^2 + middle z + fixed
    square, middle, fixed = (
        (across**2).sum(-1), 2 * (across * shifts).sum(-1), (shifts**2).sum(-1),
    )  # fmt: skip
    share = 1.0 if published else 0.5

    def length(z: Array) -> Array:
        return np.sqrt(z**2 * square + z * middle + fixed)

    def slope(z: Array) -> Array:
        return ((z * square + share * middle) / length(z))[:, None]

    found = scipy.optimize.least_squares(
        lambda z: length(z) - wanted, [START * MILLIMETRES], slope, method='lm'
    )
    return float(found.x[0]) / MILLIMETRES
