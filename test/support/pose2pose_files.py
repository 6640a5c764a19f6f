"""Checkpoints of Pose2Pose as its authors' code saves them."""

from training.networks.pose2pose import Pose2PoseSettings
from training.networks.resnet import ResNet

NORM = ('weight', 'bias', 'running_mean', 'running_var')


def official_shapes(settings: Pose2PoseSettings, channels: int) -> dict[str, tuple[int, ...]]:
    """
    Shapes of a checkpoint's arrays by name.

    :param channels: of the trunk's features
    """
    known = settings.joints * 515
    trunk = ResNet(settings.depth).state_dict()
    shapes = {f'backbone.{name}': tuple(array.shape) for name, array in trunk.items()}
    head = {
        'position_net.conv.0': (8 * settings.joints, channels, 1, 1),
        'rotation_net.conv.0': (512, channels, 1, 1),
        'rotation_net.root_pose_out.0': (6, known),
        'rotation_net.pose_out.0': (6 * settings.bones, known),
        'rotation_net.shape_out.0': (10, channels),
        'rotation_net.cam_out.0': (3, channels),
    }
    for name, shape in head.items():
        shapes |= {f'{name}.weight': shape, f'{name}.bias': shape[:1]}
    return shapes | {f'rotation_net.conv.1.{part}': (512,) for part in NORM}
