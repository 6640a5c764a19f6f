"""
The published evaluations of 3D pose on Human3.6M, MPI-INF-3DHP, MuPoTS-3D and 3DPW.

As in MeTRAbs' evaluation scripts of December 2020, quirks and all, so that numbers can be put
beside published ones. Poses are (N, J, 3) in millimetres, joints in the order that each set's
function names; results are millimetres or percent.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.geometry.alignment import aligned

Array = NDArray[np.floating]

NEAR = 150.0  # of 3DHP and MuPoTS
NEAR_3DPW, FAR_3DPW = 50.0, 199.0
STEPS, STEPS_3DPW = 30, 50
NEAR_PIXELS = 40.0  # of a joint that speaks for two poses being the same person's
SMPL_LIMBS = (1, 2, 4, 5, 7, 8, 16, 17, 18, 19, 20, 21)  # what 3DPW's challenge counts
ACTIVITIES_H36M = (
    'Directions', 'Discussion', 'Eating', 'Greeting', 'Phoning', 'Posing', 'Purchases',
    'Sitting', 'SittingDown', 'Smoking', 'Photo', 'Waiting', 'Walking', 'WalkDog', 'WalkTogether',
)  # fmt: skip
ACTIVITIES_3DHP = (
    'Stand/Walk', 'Exercise', 'Sit on Chair', 'Reach/Crouch', 'On Floor', 'Sports', 'Misc.',
)  # fmt: skip
SCENES_3DHP = ('green-screen', 'no-green-screen', 'outdoor')


def share_near(distances: ArrayLike, reach: float = NEAR) -> float:
    """Joints nearer than ``reach``, percent (PCK)."""
    return float(np.mean(np.asarray(distances) < reach) * 100)


def area_of_shares(distances: ArrayLike, reach: float = NEAR) -> float:
    """Mean of `share_near` over 31 reaches from 0 to ``reach``, percent (AUC)."""
    return float(np.mean(joint_worth(np.asarray(distances), reach)) * 100)


def joint_worth(distances: Array, reach: float) -> Array:
    """Share of 31 reaches that a distance is within, in the steps of 3DHP's Matlab code."""
    steps = np.floor(distances / reach * STEPS + 1)
    return np.maximum(0, 1 - steps / (STEPS + 1))


def evaluate_h36m(
    found: ArrayLike, truth: ArrayLike, activities: ArrayLike, scaled: bool = False
) -> dict[str, float]:
    """
    Mean error for each activity and for ``all`` on Human3.6M.

    :param found, truth: (N, 17, 3); the last joint is the root and counts, with an error of zero
    :param activities: names, (N,)
    :param scaled: after the best similarity of each pose (PA), not at the root
    """
    distances = _rooted_distances(found, truth, -1, scaled)
    names = np.asarray(activities)
    errors = {name: float(distances[names == name].mean()) for name in ACTIVITIES_H36M}
    return errors | {'all': float(distances.mean())}


def evaluate_3dhp(
    found: ArrayLike,
    truth: ArrayLike,
    activities: ArrayLike,
    scenes: ArrayLike,
    scaled: bool = False,
    root: int = -1,
) -> dict[str, float]:
    """
    PCK by activity and scene; PCK, AUC and mean error of ``all`` on MPI-INF-3DHP.

    :param found, truth: (N, J, 3); the script of 2020 has 13 joints from the neck down, and the
        head
    :param root: joint at which poses meet. The script takes the last one, which is the head and
        was meant to be the pelvis; numbers of our own should be rooted at the pelvis.
    """
    distances = _rooted_distances(found, truth, root, scaled)
    groups = {name: distances[np.asarray(activities) == name] for name in ACTIVITIES_3DHP}
    groups |= {name: distances[np.asarray(scenes) == name] for name in SCENES_3DHP}
    return {name: share_near(group) for name, group in groups.items()} | {
        'pck': share_near(distances),
        'auc': area_of_shares(distances),
        'mpjpe': float(distances.mean()),
    }


def evaluate_3dpw(found: ArrayLike, truth: ArrayLike) -> dict[str, float]:
    """Mean error, the same after the best similarity, PCK and AUC on 3DPW, SMPL's 24 joints."""
    distances = _rooted_distances(found, truth, 0, scaled=False)
    limbs = distances[:, SMPL_LIMBS]
    steps = np.floor(limbs / FAR_3DPW * STEPS_3DPW) + 0.5
    return {
        'mpjpe': float(distances.mean()),
        'pa_mpjpe': float(_rooted_distances(found, truth, 0, scaled=True).mean()),
        'pck': float(np.mean(limbs <= NEAR_3DPW) * 100),
        'auc': float(np.mean(np.maximum(0, 1 - steps / STEPS_3DPW)) * 100),
    }


def smoothed(tracks: ArrayLike, causal: bool) -> Array:
    """
    Smooth poses over time as MeTRAbs' entry to the 3DPW challenge.

    :param tracks: (..., T, J, 3); ends are mirrored
    :param causal: from the past alone
    """
    kernel = np.array([1.0, 2, 6, 0, 0] if causal else [1.0, 2, 6, 2, 1])
    tracks = np.moveaxis(np.asarray(tracks, dtype=float), -3, 0)
    margin = [(2, 2), *[(0, 0)] * (tracks.ndim - 1)]
    longer = np.pad(tracks, margin, mode='symmetric')
    shifts = (longer[k : k + len(tracks)] for k in range(5))
    total = sum(weight * shift for weight, shift in zip(kernel, shifts, strict=True))
    return np.moveaxis(np.asarray(total) / kernel.sum(), 0, -3)


def _rooted_distances(found: ArrayLike, truth: ArrayLike, root: int, scaled: bool) -> Array:
    """How far joints are from where they should be when poses meet at a root, (N, J)."""
    found, truth = np.asarray(found, dtype=float), np.asarray(truth, dtype=float)
    found, truth = found - found[:, root, None], truth - truth[:, root, None]
    return np.linalg.norm((aligned(found, truth) if scaled else found) - truth, axis=-1)
