"""Read what all meshes of a model share from the file its card names."""

from __future__ import annotations

from zipfile import BadZipFile

import numpy as np

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.people import Topology
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.skeletons import ROOT, SMPL24, Skeleton


def read_topology(card: ModelCard) -> Topology | None:
    """
    Read ``faces`` and the body's joints from an npz.

    A body model in SMPL's layout will do (``v_template``, ``faces`` or ``f``,
    ``kintree_table`` or ``parents``, ``joint_names``); 24 joints without names are SMPL's.

    :return: None if the card's network gives no mesh
    :raises ModelError: the file is missing, or is not such a file
    """
    if card.topology is None:
        return None
    try:
        with np.load(card.topology) as file:
            faces = file['faces' if 'faces' in file else 'f'].astype(np.int32)
            count = len(file['v_template']) if 'v_template' in file else int(faces.max()) + 1
            return Topology(card.topology.stem, count, faces, _skeleton(card, file))
    except OSError as err:
        raise ModelError(
            f'{card.topology}: the mesh topology of model {card.name} is missing: {err.strerror}'
        ) from err
    except (KeyError, ValueError, EOFError, BadZipFile) as err:
        raise ModelError(
            f'{card.topology}: cannot read the mesh topology of model {card.name}: {err}'
        ) from err


def _skeleton(card: ModelCard, file: np.lib.npyio.NpzFile) -> Skeleton | None:
    if 'parents' in file:
        parents = file['parents']
    elif 'kintree_table' in file:
        parents = file['kintree_table'][0]
    else:
        return None
    if 'joint_names' in file:
        names = tuple(str(name) for name in file['joint_names'])
    elif len(parents) == len(SMPL24):
        return SMPL24
    else:
        names = tuple(f'joint_{i}' for i in range(len(parents)))
    # files write a root's parent as -1, its own number or 2^32 - 1
    links = [
        int(p) if 0 <= int(p) < len(parents) and int(p) != i else ROOT
        for i, p in enumerate(parents)
    ]
    return Skeleton(f'{card.topology.stem if card.topology else card.name}', names, tuple(links))
