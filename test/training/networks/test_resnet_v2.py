"""The trunk steps where TensorFlow-Slim's stepped."""

import pytest
import torch

from training.networks.resnet_v2 import Block, Reach, ResNetV2


def convolutions(network: ResNetV2) -> list[tuple[int, int]]:
    """Stride and dilation of the last 3x3 convolution of each stage, then those of the fourth."""
    stages = [getattr(network, f'block{number}') for number in (1, 2, 3, 4)]
    return [(stage[-1].conv2.stride[0], stage[-1].conv2.dilation[0]) for stage in stages]


@pytest.mark.parametrize(
    ('stride', 'steps'),
    [
        (32, [(2, 1), (2, 1), (2, 1), (1, 1)]),
        (16, [(2, 1), (2, 1), (1, 1), (1, 2)]),
        (8, [(2, 1), (1, 1), (1, 2), (1, 4)]),
        (4, [(1, 1), (1, 2), (1, 4), (1, 8)]),
    ],
)
def test_dilation_stands_in_for_strides_that_are_left_out(stride, steps):
    with torch.device('meta'):
        assert convolutions(ResNetV2(50, stride)) == steps


@pytest.mark.parametrize(
    ('depth', 'stride', 'shifted'),
    [
        (50, 32, 'block3'),
        (50, 16, 'block2'),
        (50, 8, 'block1'),
        (50, 4, None),  # there is no stride left to shift
        (101, 8, 'block1'),
        (152, 16, 'block2'),
        (152, 8, None),  # as the authors' code, perhaps by mistake
    ],
)
def test_the_last_stride_is_the_shifted_one(depth, stride, shifted):
    with torch.device('meta'):
        network = ResNetV2(depth, stride, centred=True)
    found = [
        name.partition('.')[0]
        for name, block in network.named_modules()
        if isinstance(block, Block) and block._reach.shifted
    ]
    assert found == ([shifted] if shifted else [])


@torch.no_grad()
def test_a_shifted_block_passes_odd_cells_on():
    block = Block(8, 2, Reach(2, shifted=True)).eval()
    block.conv3.weight.zero_()
    block.conv3.bias.zero_()
    x = torch.rand(1, 8, 6, 6)
    torch.testing.assert_close(block(x), x[:, :, 1::2, 1::2])


def test_a_stride_that_is_no_power_of_two_is_refused():
    with pytest.raises(ValueError, match='stride of 12'):
        ResNetV2(50, 12)
