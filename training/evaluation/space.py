"""
How well a chain tells where people are in space, on pictures whose truth is exact.

Joints are COCO's twelve from shoulders to ankles, relative to the middle of the hips; the mesh's
vertices are relative to its pelvis. Papers mostly judge Human3.6M's 17 joints, five of which are
in the trunk and the head and one of these the origin: they are regressed from both meshes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from mesh_pose_ros.geometry.body_model import BodyModel, Regressor
from mesh_pose_ros.people import Person
from mesh_pose_ros.skeletons import COCO17, joint_mixer
from training.evaluation.chains import Chain
from training.evaluation.scenes import Truth
from training.metrics import MILLIMETRES, aligned_error, matched_boxes, mean_error

LIMBS, HIPS = slice(5, 17), slice(11, 13)
SEGMENTS = COCO17.bones[COCO17.bones.min(axis=1) >= LIMBS.start]  # without the face
DISTANCES = {'near': (0.0, 2.0), 'middle': (2.0, 4.0), 'far': (4.0, np.inf)}  # metres

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Miss:
    """
    How far one person's estimate is from the truth, millimetres unless said otherwise.

    :param distance: true one of the pelvis, metres
    :param share: error of the pelvis' distance as a share of it, signed
    :param regressed, regressed_aligned: of joints that are regressed from the meshes
    """

    distance: float
    truncated: bool
    joints: float
    aligned: float
    absolute: float
    share: float
    vertices: float
    regressed: float
    regressed_aligned: float


def measure_space(chain: Chain, scenes: Sequence[Truth], body: Path) -> dict[str, float]:
    """
    Errors by name, boxes given; the share of people found without is ``space_recall``.

    :param body: of the scenes' people
    """
    regressor = BodyModel.load(body).regressors['h36m17']
    misses: list[Miss] = []
    people = found = 0
    for scene in track(scenes, f'{chain.name}: space'):
        found += _found(chain.people(scene.image, scene.camera), scene)
        people += len(scene.boxes)
        for i, box in enumerate(scene.boxes):
            person = chain.person_in(scene.image, scene.camera, box)
            if person is not None:
                misses.append(miss(person, scene, i, regressor))
    figures = {
        'size_alone': size_alone(scenes),
        'space_people': float(people),
        'space_recall': found / max(people, 1),
        'space_placed': len(misses) / max(people, 1),
    }
    figures |= _figures('', misses)
    for name, (low, high) in DISTANCES.items():
        figures |= _figures(f'_{name}', [m for m in misses if low <= m.distance < high])
    figures |= _figures('_whole', [m for m in misses if not m.truncated])
    return figures | _figures('_truncated', [m for m in misses if m.truncated])


def size_alone(scenes: Sequence[Truth]) -> float:
    """
    Median error of distance, in percent, of who knows all about people but their size.

    One picture hardly tells a near small person from a far tall one. Everybody is taken to be of
    the median size of these people; a distance is wrong by as much as the size is.
    """
    if not scenes:
        return float('nan')
    ends = np.concatenate([scene.joints for scene in scenes])[:, SEGMENTS]
    sizes = np.linalg.norm(ends[:, :, 1] - ends[:, :, 0], axis=-1).sum(axis=1)
    return float(np.median(np.abs(np.median(sizes) / sizes - 1))) * 100


def miss(person: Person, scene: Truth, i: int, regressor: Regressor) -> Miss:
    """Compare with the i-th person of a scene; the regressor's first point is the origin."""
    mixer = joint_mixer(person.pose.skeleton, COCO17.names)
    here, there = mixer @ person.pose.joints3d, scene.joints[i]
    root, true_root = here[HIPS].mean(0), there[HIPS].mean(0)
    limbs, true_limbs = here[None, LIMBS], there[None, LIMBS]
    distance = float(np.linalg.norm(true_root))
    vertices, regressed, regressed_aligned = _mesh_errors(person, scene, i, regressor)
    return Miss(
        distance=distance,
        truncated=bool(scene.truncated[i]),
        joints=float(mean_error(limbs - root, true_limbs - true_root)[0]),
        aligned=float(aligned_error(limbs, true_limbs)[0]),
        absolute=float(mean_error(limbs, true_limbs)[0]),
        share=float(np.linalg.norm(root)) / distance - 1,
        vertices=vertices,
        regressed=regressed,
        regressed_aligned=regressed_aligned,
    )


def _mesh_errors(
    person: Person, scene: Truth, i: int, regressor: Regressor
) -> tuple[float, float, float]:
    """Of vertices, of regressed joints, and of those after alignment; none without a like mesh."""
    mesh = person.mesh
    if mesh is None or mesh.joints is None or mesh.vertices.shape != scene.vertices[i].shape:
        return (float('nan'),) * 3
    here, there = mesh.vertices - mesh.joints[0], scene.vertices[i] - scene.pelvis[i]
    mine, true = (joints[None] - joints[0] for joints in (regressor(here), regressor(there)))
    return (
        float(mean_error(here[None], there[None])[0]),
        float(mean_error(mine, true)[0]),
        float(aligned_error(mine, true)[0]),
    )


def _found(people: Sequence[Person], scene: Truth) -> int:
    boxes = np.array([p.box.xywh for p in people]).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    means = matched_boxes(boxes, [p.score for p in people], scene.boxes, np.zeros((0, 4)))
    return int((means >= 0).sum())


def _figures(name: str, misses: Sequence[Miss]) -> dict[str, float]:
    if not misses:
        return {}
    share = np.array([m.share for m in misses])
    away = np.array([m.distance for m in misses])
    return {
        f'mpjpe{name}': float(np.mean([m.joints for m in misses])),
        f'pa_mpjpe{name}': float(np.mean([m.aligned for m in misses])),
        f'absolute{name}': float(np.median([m.absolute for m in misses])),
        f'pelvis_mm{name}': float(np.median(np.abs(share) * away)) * MILLIMETRES,
        f'pelvis_percent{name}': float(np.median(np.abs(share))) * 100,
        f'bias_percent{name}': float(np.median(share)) * 100,
        f'pve{name}': float(np.mean([m.vertices for m in misses])),
        f'h36m17{name}': float(np.mean([m.regressed for m in misses])),
        f'pa_h36m17{name}': float(np.mean([m.regressed_aligned for m in misses])),
        f'count{name}': float(len(misses)),
    }
