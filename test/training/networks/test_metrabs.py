"""MeTRAbs' numbers are its authors', in both generations, and it runs outside torch."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from exported import assert_exports
from parity import (
    agree,
    official_state,
    parity_case,
    parity_file,
    shapes_in,
    tensorflow_state,
)
from torch import nn

from mesh_pose_ros.geometry.reconstruction import PUBLISHED, reconstructed, within_view
from training.checkpoints import CheckpointError, fill
from training.networks.metrabs import (
    NAMING,
    TENSORFLOW_NAMING,
    JoinedHeads,
    Metrabs,
    MetrabsSettings,
    only_joints,
)
from training.networks.soft_argmax import soft_argmax
from training.tensorflow_arrays import in_torch_layout

MILLIMETRES = 1000.0
VARIABLES = 'metrabs/resnet50v2_tf2020_vars.txt'
CASES = (  # name, settings
    ('s256c', MetrabsSettings(24)),
    ('s256legacy', MetrabsSettings(24, centred=False, legacy_shift=True)),
)
# five times what noise of 1e-6 on the input moves them by: pixels and millimetres
PIXELS, SPACE = 1.5e-4, 1.2e-3
# the same; joints that random weights put within a pixel tell their distance badly
ABSOLUTE = 0.18


def published_name(ours: str) -> str:
    return ours.replace('trunk.', 'backbone.1.').replace('heads.maps', 'heatmap_heads.conv_final')


def published_state(network: nn.Module) -> dict[str, torch.Tensor]:
    """What the authors' file would hold for such a network, by the rule."""
    shapes = {published_name(k): tuple(v.shape) for k, v in network.state_dict().items()}
    return official_state(shapes, 'metrabs', salt='')


def rays_of(pixels: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    pixels = np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1).astype(float)
    return (pixels @ np.linalg.inv(intrinsics.astype(float)).swapaxes(1, 2))[..., :2]


@dataclass
class Seen:
    """A reference case beside what ours says."""

    name: str
    settings: MetrabsSettings
    case: dict[str, np.ndarray]
    stages: list[torch.Tensor]
    joints2d: np.ndarray
    joints3d: np.ndarray

    def wanted(self, name: str) -> np.ndarray:
        return self.case[f'{self.name}_{name}']


@pytest.fixture(scope='module', params=CASES, ids=lambda case: case[0])
def seen(request):
    name, settings = request.param
    case = parity_case('metrabs/net_forward_pt.npz')
    network = Metrabs(settings).eval()
    fill(network, published_state(network), NAMING)
    noise = np.random.default_rng(5).uniform(0, 1, (2, 3, 256, 256)).astype(np.float32)
    image = torch.from_numpy(noise)
    stages = [image * 2 - 1]
    with torch.no_grad():
        for stage in network.trunk:
            stages.append(stage(stages[-1]))
        joints = network(image)
    metric = joints.joints3d.numpy() * MILLIMETRES
    return Seen(name, settings, case, stages, joints.joints2d.numpy(), metric)


def test_gives_the_authors_features(seen):
    features = seen.stages[-1]
    wanted = seen.wanted('features_slice')
    np.testing.assert_allclose(features[0, : len(wanted)], wanted, rtol=0, atol=3e-6)
    mean = features.mean(dim=(2, 3))
    np.testing.assert_allclose(mean, seen.wanted('features_mean_hw'), rtol=0, atol=1e-6)


def test_each_stage_is_as_strong_as_the_authors(seen):
    stats = [(float(s.abs().mean()), float(s.std())) for s in seen.stages[1:]]
    np.testing.assert_allclose(stats, seen.wanted('stage_stats')[1:], rtol=1e-5)


def test_gives_the_authors_joints(seen):
    agree(seen.joints2d, seen.wanted('coords2d'), PIXELS, 'coords2d')
    agree(seen.joints3d, seen.wanted('coords3d'), SPACE, 'coords3d')


def test_joints_are_placed_where_the_authors_place_them(seen):
    rays = rays_of(seen.joints2d, seen.wanted('K'))
    in_view = within_view(seen.joints2d, 256, 32, seen.settings.centred)
    found = reconstructed(rays, seen.joints3d, in_view, PUBLISHED)
    agree(found, seen.wanted('abs'), ABSOLUTE, 'abs')


@pytest.mark.parametrize(('name', 'centred'), [('c256', True), ('u256', False)])
@torch.no_grad()
def test_reads_maps_as_the_authors_do(name, centred):
    case = parity_case('metrabs/softargmax_pt.npz')
    wanted = {k.removeprefix(f'{name}_'): torch.from_numpy(v) for k, v in case.items()}
    with torch.device('meta'):  # only its way of reading is needed
        network = Metrabs(MetrabsSettings(5, centred=centred))
    heads = JoinedHeads(channels=16, joints=5, depth_bins=8)
    heads.maps.load_state_dict({'weight': wanted['w'], 'bias': wanted['b']})
    flat, deep = heads(wanted['feat'])
    logits = torch.cat([flat, deep], dim=1)
    torch.testing.assert_close(logits, wanted['logits'], rtol=0, atol=5e-6)
    joints = network.read(flat, deep)
    torch.testing.assert_close(joints.joints2d, wanted['coords2d'], rtol=0, atol=PIXELS)
    metric = joints.joints3d * MILLIMETRES
    torch.testing.assert_close(metric, wanted['coords3d'], rtol=0, atol=SPACE)


def test_means_of_volumes_are_the_authors():
    case = parity_case('metrabs/softargmax_pt.npz')
    logits = torch.from_numpy(case['raw_logits_bdjhw']).transpose(1, 2)
    cells = torch.tensor(logits.shape[:1:-1]) - 1  # of x, y, z
    found = soft_argmax(logits) / cells
    np.testing.assert_allclose(found, case['raw_softargmax_xyz'], rtol=0, atol=6e-7)


@pytest.mark.parametrize(
    ('stride', 'centred'),
    [
        (32, True),
        (32, False),
        pytest.param(4, True, marks=pytest.mark.slow),
        pytest.param(4, False, marks=pytest.mark.slow),
    ],
)
@torch.no_grad()
def test_maps_of_2020_are_the_authors(stride, centred):
    case = parity_case('metrabs/resnet50v2_tf2020.npz')
    settings = MetrabsSettings(17, trunk='resnet_v2_50', stride=stride, centred=centred)
    network = Metrabs(settings).eval()
    arrays = in_torch_layout(tensorflow_state(parity_file(VARIABLES)))
    fill(network, arrays, TENSORFLOW_NAMING)
    noise = np.random.default_rng(9).uniform(0, 1, (1, 256, 256, 3)).astype(np.float32)
    maps = network.logits(torch.from_numpy(noise).permute(0, 3, 1, 2))
    name = f's{stride}_c{int(centred)}'
    for kind, found in zip(('2d', '3d'), maps, strict=True):
        if f'{name}_{kind}' in case:
            wanted = case[f'{name}_{kind}']
            step = found.shape[-1] // wanted.shape[1]
            found = found[:, :, ::step, ::step].permute(0, 2, 3, 1)
            agree(found, wanted, 7e-6, kind)


def published_sections() -> dict[str, str]:
    """Lists of names and shapes in the published files, by the head line of their section."""
    parts = parity_file('keys/metrabs_pytorch.txt').read_text().split('### ')[1:]
    return {head: lines for head, _, lines in (part.partition('\n') for part in parts)}


@pytest.mark.parametrize(
    ('published', 'trunk', 'side', 'centred'),
    [
        ('metrabs_eff2l_384px', 'efficientnet_v2_l', 384, True),
        ('metrabs_eff2s 384px', 'efficientnet_v2_s', 384, True),
        ('metrabs_eff2s 256px', 'efficientnet_v2_s', 256, False),
        ('efficientnetv2-m', 'efficientnet_v2_m', 256, True),
    ],
)
def test_names_and_shapes_are_those_of_the_published_files(
    published, trunk, side, centred, tmp_path
):
    head, lines = next((h, s) for h, s in published_sections().items() if h.startswith(published))
    (tmp_path / 'keys.txt').write_text(lines)
    wanted = shapes_in(tmp_path / 'keys.txt')
    joints = 122 if trunk.endswith('_m') else 555
    with torch.device('meta'):
        network = Metrabs(MetrabsSettings(joints, side, trunk, centred=centred))
    ours = {published_name(k): tuple(v.shape) for k, v in network.state_dict().items()}
    assert ours == wanted, head


@pytest.mark.parametrize('stride', [4, 8, 16, 32])
def test_names_are_those_of_2020_at_every_stride(stride):
    with torch.device('meta'):
        network = Metrabs(MetrabsSettings(17, trunk='resnet_v2_50', stride=stride))
    theirs = {TENSORFLOW_NAMING.ours(name) for name in shapes_in(parity_file(VARIABLES))}
    assert theirs == {n for n in network.state_dict() if not n.endswith('num_batches_tracked')}


@pytest.mark.parametrize('depth', [50, 101, 152])
@pytest.mark.parametrize('stride', [4, 8, 16, 32])
@torch.no_grad()
def test_cells_are_as_many_as_the_stride_says(depth, stride):
    settings = MetrabsSettings(3, side=64, trunk=f'resnet_v2_{depth}', stride=stride)
    flat, deep = Metrabs(settings).eval().logits(torch.zeros(1, 3, 64, 64))
    assert flat.shape == (1, 3, 64 // stride, 64 // stride)
    assert deep.shape == (1, 24, 64 // stride, 64 // stride)


def test_a_file_of_another_size_is_refused():
    with torch.device('meta'):
        larger = Metrabs(MetrabsSettings(3, trunk='efficientnet_v2_m'))
        network = Metrabs(MetrabsSettings(3))
    wrong = {published_name(name): array for name, array in larger.state_dict().items()}
    with pytest.raises(
        CheckpointError, match=r'296 arrays have no place in it: backbone\.1\.1\.2'
    ):
        fill(network, wrong, NAMING, 'ckpt.pt')


@pytest.mark.parametrize(
    'wrong', [{'trunk': 'resnet_v2_18'}, {'stride': 16}, {'trunk': 'resnet_v2_50', 'stride': 2}]
)
def test_a_trunk_that_does_not_exist_is_refused(wrong):
    with pytest.raises(ValueError, match=r'none of|stride'):
        Metrabs(MetrabsSettings(3, **wrong))


@pytest.mark.parametrize('trunk', ['efficientnet_v2_s', 'resnet_v2_50'])
@torch.no_grad()
def test_chosen_joints_are_where_they_were(trunk, draw):
    network = Metrabs(MetrabsSettings(4, side=64, trunk=trunk)).eval()
    image = torch.rand((2, 3, 64, 64), generator=draw)
    every = network(image)
    for places in ([3, 0], [2, 3, 1, 0]):
        some = only_joints(network, places)(image)
        torch.testing.assert_close(some.joints2d, every.joints2d[:, places])
        torch.testing.assert_close(some.joints3d, every.joints3d[:, places])


class Graph(nn.Module):
    outputs = ('joints2d', 'joints3d')

    def __init__(self, network: Metrabs) -> None:
        super().__init__()
        self.network = network

    def forward(self, image):
        joints = self.network(image)
        return joints.joints2d, joints.joints3d


@pytest.mark.slow
@pytest.mark.parametrize(
    'settings',
    [
        MetrabsSettings(24, side=64),
        MetrabsSettings(17, side=64, trunk='resnet_v2_50', stride=16),
    ],
    ids=['efficient', 'residual'],
)
def test_onnx_runtime_agrees_with_torch(settings, tmp_path, draw):
    network = Metrabs(settings).eval()
    shapes = {name: tuple(array.shape) for name, array in network.state_dict().items()}
    network.load_state_dict(official_state(shapes, 'metrabs', salt=''))
    images = torch.rand((3, 3, settings.side, settings.side), generator=draw)
    assert_exports(Graph(network), {'image': images}, tmp_path)
