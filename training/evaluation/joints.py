"""How well a chain places joints in photographs, boxes given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from mesh_pose_ros.geometry.body_model import BodyModel, Regressor
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Person
from mesh_pose_ros.skeletons import COCO17, joint_mixer
from training.evaluation.boxes import FIELD_OF_VIEW
from training.evaluation.chains import Chain
from training.evaluation.photographs import Photograph
from training.metrics import (
    near_joints,
    object_keypoint_similarity,
    swapped_joints,
    torso_lengths,
)

REACH = 0.2  # of the torso
LIMBS = slice(5, 17)  # shoulders to ankles of COCO's joints
NOWHERE = np.full((len(COCO17), 2), 1e6)
BODY_SHARE = 0.53  # of a box that its person fills, as elsewhere where no outline is known

Array = NDArray[np.floating]


def measure_joints(
    chain: Chain, photographs: Sequence[Photograph], body: Path
) -> dict[str, float]:
    """
    PCK, OKS and swapped sides of everybody whose torso is marked.

    :param body: of the chain's meshes; joints of other meshes are not measured
    """
    regressor = BodyModel.load(body).regressors['coco17']
    found, on_mesh, truth, seen, boxes = _looked_at(chain, photographs, regressor)
    reach = REACH * torso_lengths(truth, seen)
    near = near_joints(found, truth, reach) & seen
    near_on_mesh = near_joints(on_mesh, truth, reach) & seen
    swapped = swapped_joints(found, truth, seen, reach) & seen
    area = BODY_SHARE * np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1)
    limbs = seen[:, LIMBS].sum()
    pck_mesh = near_on_mesh[:, LIMBS].sum() / limbs
    return {
        'pck_people': len(found),
        'pck': near[:, LIMBS].sum() / limbs,
        'pck_mesh': float('nan') if np.isnan(on_mesh).any() else pck_mesh,
        'pck_all': near.sum() / seen.sum(),
        'pck_forgiven': (near | swapped)[:, LIMBS].sum() / limbs,
        'swapped': swapped[:, LIMBS].sum() / limbs,
        'oks': float(object_keypoint_similarity(found, truth, seen, area).mean()),
    }


def coco_joints(person: Person) -> Array:
    """Where somebody's 17 joints of COCO are in the picture, (17, 2)."""
    return joint_mixer(person.pose.skeleton, COCO17.names) @ person.pose.joints2d


def mesh_joints(person: Person, camera: Camera, regressor: Regressor) -> Array:
    """Where the joints inside somebody's mesh are in the picture, (17, 2); NaN without one."""
    mesh = person.mesh
    if mesh is None or len(mesh.vertices) != regressor.weights.shape[1]:
        return np.full((17, 2), np.nan)
    return camera.project(regressor(mesh.vertices))


def _looked_at(
    chain: Chain, photographs: Sequence[Photograph], regressor: Regressor
) -> tuple[Array, ...]:
    """
    Look at everybody whose torso is marked.

    :return: joints found, those of meshes, and marked ones (N, 17, 2), which are marked (N, 17),
        boxes (N, 4)
    """
    found, on_mesh, truth, seen, boxes = [], [], [], [], []
    marked = [p for p in photographs if p.seen.any()]
    for photograph in track(marked, f'{chain.name}: joints'):
        image = photograph.image()
        camera = Camera.from_fov(FIELD_OF_VIEW, (image.shape[1], image.shape[0]))
        known = np.isfinite(torso_lengths(photograph.joints, photograph.seen))
        for i in np.flatnonzero(known & ~photograph.crowd):
            person = chain.person_in(image, camera, photograph.boxes[i])
            # whom the chain does not see has no joint right
            found.append(NOWHERE if person is None else coco_joints(person))
            on_mesh.append(NOWHERE if person is None else mesh_joints(person, camera, regressor))
            truth.append(photograph.joints[i])
            seen.append(photograph.seen[i])
            boxes.append(photograph.boxes[i])
    return tuple(np.array(values) for values in (found, on_mesh, truth, seen, boxes))
