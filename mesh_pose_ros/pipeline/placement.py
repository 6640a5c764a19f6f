"""
From what a network says about a crop to joints in front of the real camera.

The network gives each joint twice: as a pixel of the crop and in metres relative to a root. The
rays of the pixels and the metres together tell the root's place (`geometry.absolute`). All of
it happens in the axes of the crop's own camera, where the person is near the optical axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.absolute import (
    UnobservableRootError,
    placed,
    root_position,
    root_position_weak,
)
from mesh_pose_ros.geometry.camera import Camera

Array = NDArray[np.floating]

# Worth of a joint that the crop does not show: what a network says about it is a guess, which
# still beats nothing when hardly any joint is in view.
OUT_OF_VIEW = 1e-4
RAY_SHARE = 0.5  # Sárándi et al. 2020, section 4: joints in view move half way to their rays

# People differ in size by about a twentieth, and one image does not tell a near small person
# from a far tall one. No residual shows this error, so it is added to what residuals show.
SIZE_STDDEV = 0.05


@dataclass(frozen=True, eq=False)
class Placement:
    """
    Where a person stands.

    :param root: of the network's offsets, axes of the crop's camera, (3,), metres
    :param joints: axes of the crop's camera, (J, 3), metres
    :param depth_stddev: metres
    :param firm: full perspective worked; else the place is a rough guess by size
    :param told_depth: what joints given in depths are relative to, metres; else of no use
    """

    root: Array
    joints: Array
    depth_stddev: float
    firm: bool
    told_depth: float = float('nan')


def place(
    own: Camera,
    joints2d: Array,
    offsets: Array,
    confidence: Array,
    ray_share: float = RAY_SHARE,
    edge: float = 0.0,
) -> Placement | None:
    """
    Place one person.

    :param own: the crop's camera
    :param joints2d: (J, 2) pixels of the crop
    :param offsets: (J, 3) metres relative to any root, axes of ``own``
    :param confidence: (J,) 0 to 1
    :param ray_share: see `geometry.absolute.absolute_pose`
    :param edge: a joint nearer to the crop's border counts as out of view, pixels
    :return: None if the joints fit no place in front of the camera
    """
    rays = own.rays(joints2d)
    inside = _inside(joints2d, own.size, edge)
    weights = np.maximum(confidence, 0) * np.where(inside, 1.0, OUT_OF_VIEW)
    found = _root(rays, offsets, weights)
    if found is None:
        return None
    root, firm = found
    joints = placed(root, rays, offsets, ray_share, inside)
    return Placement(root, joints, _depth_stddev(rays, offsets, root, weights), firm)


def _root(rays: Array, offsets: Array, weights: Array) -> tuple[Array, bool] | None:
    for solve, firm in ((root_position, True), (root_position_weak, False)):
        try:
            root = solve(rays, offsets, weights)
        except UnobservableRootError:
            continue
        if np.isfinite(root).all():
            return root, firm
    return None


def _inside(pixels: Array, size: tuple[int, int], edge: float) -> NDArray[np.bool_]:
    inside = (pixels >= edge) & (pixels <= np.array(size) - 1 - edge)
    return np.asarray(inside.all(axis=-1))


def _depth_stddev(rays: Array, offsets: Array, root: Array, weights: Array) -> float:
    """
    Standard deviation of the root's depth, metres.

    The weighted residuals of the least squares tell how well rays and offsets agree, and the
    spread of the rays how much a disagreement moves the depth; the unknown size comes on top.
    """
    shares = weights / weights.sum()
    count = 1 / np.sum(shares**2)  # how many equal joints would weigh the same
    at = offsets + root
    residuals = at[:, :2] - rays * at[:, 2:]
    freedom = max(2 * count - 3, 1.0)
    variance = count * np.sum(shares * (residuals**2).sum(axis=-1)) / freedom
    left = rays - shares @ rays
    spread = count * np.sum(shares * (left**2).sum(axis=-1))
    return float(np.sqrt(variance / spread + (SIZE_STDDEV * root[2]) ** 2))
