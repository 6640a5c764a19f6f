"""A crop network as the runtime wants it: its graph and its card."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from mesh_pose_ros.runtime.card import ImageInput, ModelCard, sha256_of
from training.data.joint_sets import BODY30
from training.networks.blaze import BlazeSettings
from training.networks.crop_net import CropNet, CropNetSettings
from training.networks.trunk import folded

LICENCES = {
    'permissive': 'Apache-2.0; trained on synthetic people (CC0 bodies) and on photographs '
    'whose licences allow it',
    'research': 'research only: trained in part on photographs whose licences do not allow more; '
    'code Apache-2.0',
}
SOURCE = 'python -m training.train crop && python -m training.export crop'
DESCRIPTION = (
    'A crop of one person to joints in its pixels and in metres, also of joints outside it. '
    'Trained on synthetic people and photographs.'
)
STARTED = (
    ' Its trunk began with the weights of MediaPipe Pose (BlazePose GHUM, full; Google, '
    'Apache-2.0), the layers above were trained further.'
)
PARTNERS = {'detector': 'own_detector', 'lift': 'own_lift'}


class CropGraph(nn.Module):
    """The network with the input and the outputs that the runtime knows."""

    outputs = ('joints2d', 'joints3d', 'confidence', 'score')

    def __init__(self, network: CropNet) -> None:
        super().__init__()
        self.network = folded(network)

    def forward(self, image: Tensor, intrinsics: Tensor | None = None) -> tuple[Tensor, ...]:
        """See `mesh_pose_ros.runtime.card` for what goes in and comes out."""
        # cast first: TensorRT transposes no bytes
        sight = self.network(image.to(torch.float32).permute(0, 3, 1, 2), intrinsics)
        return sight.joints2d, sight.joints3d, sight.confidence.sigmoid(), sight.score.sigmoid()


def crop_card(graph: Path, network: CropNetSettings, line: str, margin: float) -> ModelCard:
    """Describe a written crop network."""
    return ModelCard(
        name=graph.stem,
        kind='crop',
        path=graph,
        sha256=sha256_of(graph),
        licence=LICENCES[line],
        source=SOURCE,
        description=DESCRIPTION + (STARTED if isinstance(network.trunk, BlazeSettings) else ''),
        image=ImageInput(network.side, network.side),
        outputs={
            'joints2d': 'crop_px',
            'joints3d': 'root_relative_m',
            'confidence': 'probability',
            'score': 'probability',
        },
        skeleton=BODY30,
        options={'margin': margin},
        partners=PARTNERS,
    )
