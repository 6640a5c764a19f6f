"""RootNet: how far away a person is, from the crop of their box (Moon et al. 2019)."""

from __future__ import annotations

from mesh_pose_ros.runtime.card import ImageInput
from training.checkpoints import fill, read_arrays
from training.networks.rootnet import NAMING, RootGraph, RootNet
from training.systems.pictures import example_pictures
from training.systems.system import Draft, Filled, Order, System, unfinished_card

SIDE = 256
SPAN = 2.0  # metres, side of the square that a person is taken for
MARGIN = 1.25
LICENCE = "the weights are the authors' (MIT code; trained on Human3.6M, MuCo, COCO)"
SOURCE = 'github.com/mks0601/3DMPPE_ROOTNET_RELEASE; mesh_pose export --system rootnet'


def filled(order: Order) -> Filled:
    """Fill the network from a snapshot."""
    network = RootNet().eval()
    report = fill(network, read_arrays(order.checkpoint), NAMING, str(order.checkpoint))
    return Filled({'root': network}, {order.checkpoint.name: report})


def drafts(order: Order, found: Filled) -> list[Draft]:
    """Describe the one model."""
    network = found.networks['root']
    assert isinstance(network, RootNet)
    card = unfinished_card(
        order.name,
        'root',
        licence=LICENCE,
        source=SOURCE,
        description='The distance of a person, from the crop of their box.',
        image=ImageInput(SIDE, SIDE),
        outputs={'root2d': 'crop_px', 'gamma': 'ratio'},
        options={'view': 'rectangle', 'margin': MARGIN, 'span': SPAN},
    )
    return [Draft(RootGraph(network), {'image': example_pictures(SIDE, SIDE)}, card)]


SYSTEM = System(
    title='RootNet (Moon et al. 2019): absolute depth for any root-relative network',
    checkpoint='snapshot_*.pth.tar of 3DMPPE_ROOTNET_RELEASE, ResNet-50',
    variants={'body': 'the published network'},
    fill=filled,
    draft=drafts,
)
