"""
Who among the open body's people is a child, and how many are.

A picture tells size badly, so what networks know of it is what they have seen: too many children
among them and adults are taken for smaller and nearer than they are.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

CHILD = 10  # shape coefficient that is 0 for adults and 1 for a child of about nine
GROWN = 0.2  # and what adults have less of
CHILDREN = 0.1  # share of the people in pictures; that of the bodies is larger

Values = TypeVar('Values', Tensor, NDArray[np.floating])


def is_child(betas: Values) -> Values:
    """
    Tell children by their shape, bool.

    :param betas: of the open body, (..., C)
    """
    return betas[..., CHILD] >= GROWN
