"""
Build the open body: SMPL's file layout, free data.

``python -m training.synthetic.open_body --out models/open_body.npz`` samples people from Anny
(see `anny_bodies`), thins their mesh, and finds what a linear body model needs: a mean shape,
shape directions, joints and named points regressed from vertices, skinning weights. Adults and
children need different directions (one direction for both would mix age with height), so the
first `ADULT_SHAPES` come from adults alone and the rest lead from adults to children.

Rest pose: SMPL's T-pose, pelvis at the origin, x to the person's left, y up, z forward, metres.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.skeletons import SMPL24
from training.synthetic.anny_bodies import TPosedBodies, sample_bodies
from training.synthetic.body_points import marked_joints, named_regressors, surface_points
from training.synthetic.decimation import symmetric_subset
from training.synthetic.regressors import fit_regressor

Array = NDArray[np.float64]

ADULT_SHAPES, CHILD_SHAPES = 10, 2
VERTICES = 6000
IMPORTANCE = {'hand': 0.15, 'foot': 0.1, 'head': 0.25, 'bending': 3.0}
KEPT_BITS = 2.0**-17  # metres; coarser than float32, so that the file compresses


@dataclass(frozen=True)
class Settings:
    """How many people the body is learned from."""

    adults: int = 700
    children: int = 300
    seed: int = 0


def build(settings: Settings = Settings()) -> dict[str, NDArray]:
    """Make the body model's arrays as they stand in the file."""
    people = sample_bodies(settings.adults, settings.children, settings.seed)
    people, mirror = thinned(people, VERTICES)
    adult = people.age >= 18
    mean, shapes = shape_space(people.vertices, adult)
    body = {
        'v_template': mean,
        'shapedirs': shapes.transpose(1, 2, 0),
        'f': people.faces,
        'weights': top_weights(people.weights),
        'J_regressor': fit_regressor(people.vertices, people.joints, SMPL24.names, mirror),
        'kintree_table': np.array([SMPL24.parents, range(len(SMPL24))]),
        'joint_names': np.array(SMPL24.names),
        'mirror': mirror,
        'population': betas_of(people.vertices, mean, shapes),
    }
    return body | named_regressors(replace(people, weights=body['weights']), mirror)


def thinned(people: TPosedBodies, count: int) -> tuple[TPosedBodies, NDArray[np.int64]]:
    """Keep about ``count`` vertices; also return the index of each one's mirror image."""
    mean = people.vertices.mean(axis=0)
    importance = np.ones(len(mean))
    for part in ('hand', 'foot', 'head'):
        columns = [i for i, name in enumerate(SMPL24.names) if name.endswith(part)]
        importance[people.weights[:, columns].sum(axis=1) > 0.5] = IMPORTANCE[part]
    importance[people.weights.max(axis=1) < 0.9] *= IMPORTANCE['bending']
    kept, faces, mirror = symmetric_subset(mean, people.faces, importance, count)
    more = surface_points(people) | marked_joints(people)
    return (
        replace(
            people,
            vertices=people.vertices[:, kept],
            faces=faces,
            weights=people.weights[kept],
            landmarks=np.concatenate([people.landmarks, *more.values()], axis=1),
            landmark_names=people.landmark_names + tuple(more),
        ),
        mirror,
    )


def shape_space(vertices: Array, adult: NDArray[np.bool_]) -> tuple[Array, Array]:
    """
    Mean adult and directions of shape, scaled to one standard deviation each.

    :param vertices: (N, V, 3) T-posed people
    :return: (V, 3) and (C, V, 3)
    """
    flat = vertices.reshape(len(vertices), -1)
    mean = flat[adult].mean(axis=0)
    grown = _principal(flat[adult] - mean, ADULT_SHAPES)
    child = flat[~adult] - mean
    to_child = child.mean(axis=0)
    rest = child - np.outer(child @ to_child / (to_child @ to_child), to_child)
    unit = grown / np.linalg.norm(grown, axis=1, keepdims=True)
    rest = rest - rest @ unit.T @ unit
    young = _principal(rest - rest.mean(axis=0), CHILD_SHAPES - 1)
    shapes = np.concatenate([grown, to_child[None], young])
    return mean.reshape(-1, 3), shapes.reshape(len(shapes), -1, 3)


def _principal(centred: Array, count: int) -> Array:
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    return directions[:count] * sizes[:count, None] / np.sqrt(len(centred))


def betas_of(vertices: Array, mean: Array, shapes: Array) -> NDArray[np.floating]:
    """Shape coefficients that come closest to T-posed people, (N, C)."""
    flat = shapes.reshape(len(shapes), -1)
    # children may be told from small adults by large coefficients; keep those modest
    gram = flat @ flat.T + np.eye(len(flat)) * 1e-3
    return np.linalg.solve(gram, flat @ (vertices - mean).reshape(len(vertices), -1).T).T


def top_weights(weights: Array, count: int = 4) -> Array:
    """Keep at most the ``count`` largest skinning weights of each vertex; equals go together."""
    next_one = np.sort(weights, axis=1)[:, -count - 1, None]
    kept = np.where((weights > next_one) & (weights > 1e-3), weights, 0)
    return kept / kept.sum(axis=1, keepdims=True)


def save(body: dict[str, NDArray], path: Path) -> None:
    """Write the body; lengths are rounded to `KEPT_BITS`, regressors kept in float32."""
    stored = {}
    for name, value in body.items():
        if name in ('v_template', 'shapedirs'):
            value = np.round(value / KEPT_BITS) * KEPT_BITS
        if value.dtype.kind == 'f':
            value = value.astype(np.float16 if name == 'population' else np.float32)
        elif value.dtype.kind == 'i':
            value = value.astype(np.int32)
        stored[name] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **stored)  # type: ignore[arg-type]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--out', type=Path, default=Path('models/open_body.npz'))
    out = parser.parse_args().out
    save(build(), out)
    print(f'{out}: {out.stat().st_size / 1e6:.2f} MB')


if __name__ == '__main__':
    main()
