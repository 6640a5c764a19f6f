"""
The protocols by which the published systems were judged, on arrays.

Points come in metres and errors are millimetres, one per sample; a table's figure is their
mean. Where protocols differ, they differ in the point that both bodies are moved to before
they are compared, and in the joints that count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix
from training.metrics import MILLIMETRES, Array, aligned_error, mean_error

H36M14 = (1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16)  # of H36M17: no pelvis, torso, nose

# of SMPL-X
PELVIS, NECK, WRISTS = 0, 12, (20, 21)
# joints of each hand, thumb to little finger, and the vertex at each tip
FINGERS = (
    (37, 38, 39, 25, 26, 27, 28, 29, 30, 34, 35, 36, 31, 32, 33),
    (52, 53, 54, 40, 41, 42, 43, 44, 45, 49, 50, 51, 46, 47, 48),
)
FINGER_TIPS = ((5361, 4933, 5058, 5169, 5286), (8079, 7669, 7794, 7905, 8022))
SCAN_TO_CAMERA = axis_angle_to_matrix([-2.98747896, 0.01172457, -0.05704687])  # of EHF

LIXELS = 64  # cells along each side of I2L-MeshNet's and RootNet's maps
CROP_SIDE = 256  # pixels
LIXEL_DEPTH = 2.0  # metres that the cells of the depth span


@dataclass(frozen=True, eq=False)
class WholeBodyParts:
    """
    What of SMPL-X counts as what.

    :param joints: regressor of its joints, (55, V)
    :param body: regressor of the 14 joints that datasets share, (14, V)
    :param hands: vertices of the left and of the right hand, (2, 778)
    :param face: vertices of head and face, (5023,)
    """

    joints: Array
    body: Array
    hands: NDArray[np.integer]
    face: NDArray[np.integer]

    def hand_joints(self, vertices: ArrayLike) -> tuple[Array, Array]:
        """Wrist, finger joints and tips of left and right hand, (N, V, 3) to (N, 21, 3) each."""
        vertices = np.asarray(vertices)
        joints = self.joints @ vertices
        left, right = (
            np.concatenate([joints[:, (wrist, *fingers)], vertices[:, tips]], axis=1)
            for wrist, fingers, tips in zip(WRISTS, FINGERS, FINGER_TIPS)
        )
        return left, right


def root_relative(points: ArrayLike, root: ArrayLike) -> Array:
    """Points (N, P, 3) seen from a root of each sample, (N, 3)."""
    return np.asarray(points) - np.asarray(root)[:, None]


def joint_errors(
    found: ArrayLike, truth: ArrayLike, root: int = 0, judged: tuple[int, ...] = H36M14
) -> dict[str, Array]:
    """
    Errors of joints, moved to one root, and after Procrustes alignment of those that count.

    With the defaults the protocol of Human3.6M and 3DPW: Human3.6M's joints, regressed from a
    mesh or measured.

    :param found, truth: (N, J, 3)
    """
    found, truth = (root_relative(j, np.asarray(j)[:, root])[:, judged] for j in (found, truth))
    return {'mpjpe': mean_error(found, truth), 'pa_mpjpe': aligned_error(found, truth)}


def mesh_errors(found: ArrayLike, truth: ArrayLike, regressor: ArrayLike) -> dict[str, Array]:
    """
    Errors of vertices and of the body's own joints, moved to its first joint (Pose2Mesh).

    :param found, truth: vertices, (N, V, 3)
    :param regressor: of the body's joints, SMPL's, (J, V)
    """
    joints = [np.asarray(regressor) @ np.asarray(vertices) for vertices in (found, truth)]
    roots = [j[:, 0] for j in joints]
    return {
        'mpjpe_smpl': mean_error(*(root_relative(j, r) for j, r in zip(joints, roots))),
        'mpvpe': mean_error(*(root_relative(v, r) for v, r in zip((found, truth), roots))),
    }


def whole_body_errors(
    found: ArrayLike, truth: ArrayLike, parts: WholeBodyParts
) -> dict[str, Array]:
    """
    Errors of SMPL-X by parts, as EHF and AGORA are judged in Hand4Whole (Moon et al. 2022).

    ``mpvpe`` moves all to the pelvis, hands to their wrists, the face to the neck; ``pa_``
    aligns each part by itself. Hands are the mean of both.

    :param found, truth: vertices, (N, 10475, 3); EHF's truth turned by `SCAN_TO_CAMERA`
    """
    found, truth = np.asarray(found, dtype=float), np.asarray(truth, dtype=float)
    moves = parts.joints @ truth - parts.joints @ found  # (N, 55, 3)

    def moved(vertices: NDArray[np.integer] | slice, joint: int) -> Array:
        return mean_error(found[:, vertices] + moves[:, joint, None], truth[:, vertices])

    def aligned(vertices: NDArray[np.integer] | slice) -> Array:
        return aligned_error(found[:, vertices], truth[:, vertices])

    whole = slice(None)
    hands = zip(parts.hand_joints(found), parts.hand_joints(truth))
    return {
        'mpvpe_all': moved(whole, PELVIS),
        'mpvpe_hand': _mean([moved(hand, wrist) for hand, wrist in zip(parts.hands, WRISTS)]),
        'mpvpe_face': moved(parts.face, NECK),
        'pa_mpvpe_all': aligned(whole),
        'pa_mpvpe_hand': _mean([aligned(hand) for hand in parts.hands]),
        'pa_mpvpe_face': aligned(parts.face),
        'pa_mpjpe_body': aligned_error(parts.body @ found, parts.body @ truth),
        'pa_mpjpe_hand': _mean([aligned_error(*pair) for pair in hands]),
    }


def acceleration_errors(
    found: ArrayLike, truth: ArrayLike, seen: ArrayLike | None = None
) -> Array:
    """
    Mean difference of second differences over time, millimetres per frame squared.

    :param found, truth: joints of a person frame by frame, (T, J, 3)
    :param seen: frames that count, (T,), default all
    :return: (T - 2,), or those whose three frames all count
    """
    difference = np.diff(np.asarray(found) - np.asarray(truth), n=2, axis=0)
    errors = np.linalg.norm(difference, axis=-1).mean(axis=-1) * MILLIMETRES
    if seen is None:
        return errors
    seen = np.asarray(seen, bool)
    return errors[seen[:-2] & seen[1:-1] & seen[2:]]


def root_errors(found: ArrayLike, truth: ArrayLike) -> dict[str, float]:
    """
    Mean distance of roots and of their coordinates, over all samples (RootNet's MRPE).

    :param found, truth: in the camera, (N, 3)
    """
    difference = (np.asarray(found) - np.asarray(truth)) * MILLIMETRES
    along = np.abs(difference).mean(axis=0)
    distance = np.linalg.norm(difference, axis=-1).mean()
    return {'mrpe': float(distance)} | {f'mrpe_{a}': float(e) for a, e in zip('xyz', along)}


def lixels_in_camera(
    lixels: ArrayLike,
    crop_to_picture: ArrayLike,
    focal: ArrayLike,
    centre: ArrayLike,
    root_depth: ArrayLike,
) -> Array:
    """
    Put a lixel mesh into the camera (I2L-MeshNet, Moon and Lee 2020).

    :param lixels: x, y and depth in cells, (N, V, 3)
    :param crop_to_picture: affine from pixels of the crop, (N, 2, 3)
    :param focal, centre: of the pinhole camera, pixels, (N, 2)
    :param root_depth: of the middle of the depth's cells, (N,), metres
    :return: (N, V, 3), metres
    """
    lixels, crop_to_picture = np.asarray(lixels, dtype=float), np.asarray(crop_to_picture)
    in_crop = lixels[..., :2] * (CROP_SIDE / LIXELS)
    turned = in_crop @ np.swapaxes(crop_to_picture[..., :2], -1, -2)
    depth = (lixels[..., 2] / LIXELS - 0.5) * LIXEL_DEPTH + np.asarray(root_depth)[:, None]
    return _unprojected(turned + crop_to_picture[:, None, :, 2], focal, centre, depth)


def root_in_camera(
    place: ArrayLike, box: ArrayLike, focal: ArrayLike, centre: ArrayLike, depth: ArrayLike
) -> Array:
    """
    Put RootNet's root into the camera (Moon et al. 2019).

    :param place: x and y in cells of the crop of ``box``, (N, 2)
    :param box: x, y, width and height in the picture, pixels, (N, 4)
    :param focal, centre: pixels, (N, 2)
    :param depth: (N,), metres
    :return: (N, 3), metres
    """
    box = np.asarray(box)
    pixels = np.asarray(place) / LIXELS * box[:, 2:] + box[:, :2]
    return _unprojected(pixels[:, None], focal, centre, np.asarray(depth)[:, None])[:, 0]


def _unprojected(pixels: Array, focal: ArrayLike, centre: ArrayLike, depth: Array) -> Array:
    """Pixels (N, P, 2) at depths (N, P) to points (N, P, 3)."""
    rays = (pixels - np.asarray(centre)[:, None]) / np.asarray(focal)[:, None]
    return np.concatenate([rays * depth[..., None], depth[..., None]], axis=-1)


def _mean(errors: list[Array]) -> Array:
    return np.asarray(np.mean(errors, axis=0))
