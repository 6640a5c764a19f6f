"""
Which joints a network that sees a pose as a graph takes for neighbours.

Bones tie joints, and so do the two sides of a body or fingers side by side (Choi et al. 2020,
Pose2Mesh). Names are those of the published joint sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse

from mesh_pose_ros.skeletons import COCO19, H36M17, MANO21, SMPL24, Skeleton
from training.networks.mesh_coarsening import laplacian

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class JointGraph:
    """
    Joints and what ties them.

    :param skeleton: the joints in the network's order
    :param ties: pairs of joints
    """

    skeleton: Skeleton
    ties: Pairs

    def laplacian(self) -> scipy.sparse.csr_matrix:
        """Of the graph with a loop at every joint, sparse (J, J), not scaled."""
        graph = np.eye(len(self.skeleton))
        for a, b in self.ties:
            graph[a, b] = graph[b, a] = 1
        return laplacian(scipy.sparse.csr_matrix(graph))


def _bones(skeleton: Skeleton) -> Pairs:
    return tuple((int(a), int(b)) for a, b in skeleton.bones)


def _sides(skeleton: Skeleton) -> Pairs:
    return tuple((a, int(b)) for a, b in enumerate(skeleton.mirror) if a < b)


def _fingers() -> Pairs:
    """Ties between neighbouring fingers, knuckle by knuckle."""
    fingers = ('thumb', 'index', 'middle', 'ring', 'pinky')
    return tuple(
        (MANO21.index(f'{finger}{knuckle}'), MANO21.index(f'{following}{knuckle}'))
        for knuckle in range(1, 5)
        for finger, following in pairwise(fingers)
    )


# the face is tied to the neck by the nose, and limbs start at neck and pelvis
_COCO_BONES = (
    (1, 2), (0, 1), (0, 2), (2, 4), (1, 3), (6, 8), (8, 10), (5, 7), (7, 9), (12, 14), (14, 16),
    (11, 13), (13, 15), (17, 11), (17, 12), (17, 18), (18, 5), (18, 6), (18, 0),
)  # fmt: skip

JOINT_GRAPHS = {
    'human36': JointGraph(H36M17, _bones(H36M17) + _sides(H36M17)),
    'coco': JointGraph(COCO19, _COCO_BONES + _sides(COCO19)),
    'smpl': JointGraph(SMPL24, _bones(SMPL24) + _sides(SMPL24)),
    'mano': JointGraph(MANO21, _bones(MANO21) + _fingers()),
}
