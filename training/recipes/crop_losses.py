"""
What a crop network is told about its mistakes.

Synthetic people say where every joint is, in the picture and in metres. Photographs say where
some joints are in the picture, some of them without telling left from right; what they say
about metres is that joints in metres, seen from the front, look like the ones in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from mesh_pose_ros.pipeline.placement import OUT_OF_VIEW
from mesh_pose_ros.skeletons import Skeleton
from training.data.crop_batch import CropBatch
from training.losses import distances, root_depth, weighted_mean
from training.networks.crop_net import SPAN, Sight
from training.networks.heatmaps import cell_centres, divergence, inside, similar, targets
from training.networks.trunk import STRIDE

NEAR = 0.06  # of the crop's side; an error at which a peak deserves a confidence of 1/e
LOST = 0.15  # of the crop's side; joints that are farther off in the picture ask for no shift
ENOUGH = 4  # joints that fix a person's scale in a picture
NEAREST = 0.1  # metres


@dataclass(frozen=True)
class CropWeights:
    """How much each part counts. Places in the picture lead: 3D is read where they are."""

    heat: float = 1.0
    joints: float = 4.0  # metres
    places: float = 8.0  # shares of the crop's side
    depth: float = 0.7  # logarithm of the distance to the camera
    outline: float = 2.0  # shares of the crop's side; photographs only
    trust: float = 0.2
    score: float = 0.1


class CropLosses:
    """
    Compares what a network sees with labels.

    :param skeleton: of the labels
    :param side: of the crops, pixels
    """

    def __init__(self, skeleton: Skeleton, weights: CropWeights, side: int) -> None:
        self._weights = weights
        self._side = side
        self._mirror = torch.from_numpy(skeleton.mirror)

    def __call__(self, sight: Sight, crops: CropBatch) -> dict[str, Tensor]:
        """Weighted parts of the loss."""
        joints2d, seen2d = self._settled(sight, crops)
        shown = seen2d * inside(joints2d, self._side)
        weights = self._weights
        parts = {
            'joints': weights.joints
            * weighted_mean(distances(sight.joints3d, crops.joints3d), crops.seen3d),
            'places': weights.places * weighted_mean(self._away(sight, joints2d), seen2d),
            'depth': weights.depth * self._depth(sight, crops, shown),
            'outline': weights.outline * self._outline(sight, joints2d, seen2d, crops.real),
        }
        if not sight.heat.numel():  # settled, and what is said of it with it
            return parts
        return parts | {
            'heat': weights.heat * weighted_mean(self._heat(sight, joints2d), shown),
            'trust': weights.trust * self._trust(sight, joints2d, seen2d),
            'score': weights.score * _presence(sight, crops),
        }

    def _misfit(self, sight: Sight, joints2d: Tensor) -> Tensor:
        """How little labels fit what is seen, (N, J)."""
        found = self._heat if sight.heat.numel() else self._away
        return found(sight, joints2d)

    def _heat(self, sight: Sight, joints2d: Tensor) -> Tensor:
        centres = cell_centres(sight.heat.shape[-1], STRIDE, sight.heat)
        return divergence(sight.heat, targets(joints2d, centres, STRIDE))

    def _away(self, sight: Sight, joints2d: Tensor) -> Tensor:
        return (distances(sight.joints2d, joints2d) / self._side).clamp_max(LOST)

    @torch.no_grad()
    def _settled(self, sight: Sight, crops: CropBatch) -> tuple[Tensor, Tensor]:
        """Labels; where left and right are not to be trusted, those that fit better."""
        joints, seen = crops.joints2d.clone(), crops.seen2d.clone()
        mirror = self._mirror.to(joints.device)
        rows = crops.swappable.nonzero()[:, 0]  # few, and maps take long to compare
        straight = joints[rows], seen[rows]
        crossed = joints[rows][:, mirror], seen[rows][:, mirror]
        doubtful = sight[rows]
        there, back = (
            (self._misfit(doubtful, j) * s * inside(j, self._side)).sum(dim=1)
            for j, s in (straight, crossed)
        )
        fits = back < there
        joints[rows[fits]], seen[rows[fits]] = (part[fits] for part in crossed)
        return joints, seen

    def _depth(self, sight: Sight, crops: CropBatch, shown: Tensor) -> Tensor:
        """Logarithm of the factor by which the person would be placed wrongly; at most 1."""
        true = crops.root[:, 2]
        known = (true > 0) & ((shown * crops.seen3d > 0).sum(dim=1) >= ENOUGH)
        found = depth_of(sight, crops.intrinsics, self._side)
        wrong = found.clamp_min(NEAREST).log() - true.clamp_min(NEAREST).log()
        return weighted_mean(wrong.abs().clamp_max(1.0), known.float())

    def _outline(self, sight: Sight, joints2d: Tensor, seen: Tensor, real: Tensor) -> Tensor:
        """How far joints in metres, scaled and shifted, are from labels, in sides of the crop."""
        flat = sight.joints3d[..., :2]
        drawn = similar(flat, joints2d, seen, self._side / SPAN)
        enough = real & ((seen > 0).sum(dim=1) >= ENOUGH)
        return weighted_mean(distances(drawn, joints2d) / self._side, seen * enough[:, None])

    def _trust(self, sight: Sight, joints2d: Tensor, seen: Tensor) -> Tensor:
        wrong = distances(sight.peaks.detach(), joints2d) / self._side
        deserved = torch.exp(-((wrong / NEAR) ** 2)) * inside(joints2d, self._side)
        return weighted_mean(
            binary_cross_entropy_with_logits(sight.confidence, deserved, reduction='none'), seen
        )


def _presence(sight: Sight, crops: CropBatch) -> Tensor:
    """A crop with no label at all shows nobody."""
    present = ((crops.seen2d + crops.seen3d).amax(dim=1) > 0).float()
    return binary_cross_entropy_with_logits(sight.score, present)


def depth_of(sight: Sight, intrinsics: Tensor, side: int) -> Tensor:
    """
    How far away the runtime would place people, see `mesh_pose_ros.pipeline.placement`.

    :param intrinsics: of the crops, (N, 3, 3)
    :return: depths of the middle of the hips, (N,), metres
    """
    focal = intrinsics[:, [0, 1], [0, 1]].clamp_min(1.0)[:, None]  # 0 where it is not known
    rays = (sight.joints2d - intrinsics[:, None, :2, 2]) / focal
    seen = inside(sight.joints2d, side) + OUT_OF_VIEW
    return root_depth(rays, sight.joints3d, sight.confidence.detach().sigmoid() * seen)
