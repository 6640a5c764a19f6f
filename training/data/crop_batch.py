"""What the crop network learns from: pictures of one person each, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from training.data.joint_sets import BODY30
from training.data.rows import TensorRows, chosen

MIRROR = torch.from_numpy(BODY30.mirror)


@dataclass(frozen=True, eq=False)
class CropBatch(TensorRows):
    """
    N crops of S x S pixels; J joints as in `BODY30`. Pixel centres are at whole numbers.

    :param image: (N, 3, S, S) uint8 RGB
    :param joints2d: (N, J, 2) pixels of the crop, inside it or not
    :param seen2d: (N, J) trust in ``joints2d``, 0 (not labelled) to 1
    :param joints3d: (N, J, 3) metres from the middle of the hips, axes of the crop's camera
    :param seen3d: (N, J) trust in ``joints3d``; in photographs a teacher's, or 0
    :param root: (N, 3) the middle of the hips in the crop's camera, metres; 0 where unknown
    :param intrinsics: (N, 3, 3) of the crop's camera, pixels; 0 where unknown
    :param hidden: (N, J) bool, where it is known that something covers the joint
    :param swappable: (N,) bool: left and right may be interchanged in the labels
    :param real: (N,) bool: a photograph
    :param source: (N,) which layer or which annotation the person is from
    :param turn: (N, 3, 3) camera axes of that layer -> the crop's; holds a reflection where the
        person was mirrored; 0 for photographs
    """

    image: Tensor
    joints2d: Tensor
    seen2d: Tensor
    joints3d: Tensor
    seen3d: Tensor
    root: Tensor
    intrinsics: Tensor
    hidden: Tensor
    swappable: Tensor
    real: Tensor
    source: Tensor
    turn: Tensor

    @property
    def side(self) -> int:
        """Width and height of a crop, pixels."""
        return self.image.shape[-1]

    @property
    def inside(self) -> Tensor:
        """Which joints lie within their crop, (N, J) bool."""
        low, high = -0.5, self.side - 0.5
        return ((self.joints2d >= low) & (self.joints2d <= high)).all(-1)

    def without_image(self) -> CropBatch:
        """Labels alone; an image takes a hundred times their memory."""
        return replace(self, image=self.image.new_zeros(*self.image.shape[:-1], 0))

    def mirrored(self, rows: Tensor) -> CropBatch:
        """
        Show crops as in a mirror, left and right joints interchanged.

        :param rows: (N,) bool, which ones
        """
        across = self.joints2d.new_tensor([-1.0, 1.0])
        last = self.joints2d.new_tensor([self.side - 1.0, 0.0])
        flip = self.joints3d.new_tensor([-1.0, 1.0, 1.0])
        intrinsics = self.intrinsics.clone()
        known = intrinsics[:, 2, 2]
        intrinsics[:, 0, 2] = (self.side - 1) * known - intrinsics[:, 0, 2]
        swap = MIRROR.to(self.image.device)
        turned = replace(
            self,
            image=self.image.flip(-1),
            joints2d=self.joints2d[:, swap] * across + last,
            seen2d=self.seen2d[:, swap],
            joints3d=self.joints3d[:, swap] * flip,
            seen3d=self.seen3d[:, swap],
            hidden=self.hidden[:, swap],
            root=self.root * flip,
            intrinsics=intrinsics,
            turn=self.turn * flip[:, None],
        )
        return replace(
            self, **{f.name: chosen(rows, getattr(turned, f.name), getattr(self, f.name))
                     for f in fields(self)}
        )  # fmt: skip
