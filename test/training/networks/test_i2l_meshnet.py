"""I2L-MeshNet's numbers are its authors', and it runs outside torch."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from exported import assert_exports
from parity import agree, official_state, parity_case, parity_file, stand_ins

from training.checkpoints import fill, unwrapped
from training.networks.body_layer import BodyLayer
from training.networks.i2l_graph import (
    BODY_POINTS,
    HAND_POINTS,
    I2lBodyGraph,
    I2lGraph,
    ParametricMesh,
)
from training.networks.i2l_meshnet import (
    BODY,
    HAND,
    NAMING,
    BodyPose,
    I2lMeshNet,
    I2lMeshNetSettings,
    Lixels,
    ready,
)

MILLIMETRES = 1000.0


@dataclass(frozen=True)
class Part:
    """A reference case: the body or the hand."""

    name: str
    settings: I2lMeshNetSettings
    tolerances: dict[str, float]
    unit: float = 1.0  # of mesh_coord_cam, per metre


SAME = {'early_feat': 1e-5, 'pose2feat': 3.5e-5, 'pose_feat_mean': 5e-6, 'mesh_feat_mean': 5e-6}
PARTS = (
    Part(
        'smpl',
        BODY,
        {
            'joint_coord_img': 1.35e-4,
            'mesh_coord_img': 7e-4,
            'joint_img_from_mesh': 1.55e-4,
            'pose_6d': 4.5e-6,
            'pose_param': 4.5e-5,
            'shape_param': 5.5e-6,
            'mesh_coord_cam': 2e-5,
            **SAME,
        },
    ),
    Part(
        'mano',
        HAND,
        {
            'joint_coord_img': 1.15e-4,
            'mesh_coord_img': 5e-4,
            'joint_img_from_mesh': 1.55e-4,
            'pose_6d': 5e-6,
            'pose_param': 1e-5,
            'shape_param': 3e-6,
            'mesh_coord_cam': 1e-2,
            **SAME,
        },
        MILLIMETRES,
    ),
)


def mesh_of(name):
    """Make a body layer from the stand-in's arrays, which are laid out as in the official file."""
    arrays = stand_ins().smpl('neutral') if name == 'smpl' else stand_ins().mano()
    points = BODY_POINTS if name == 'smpl' else HAND_POINTS
    regressor = torch.from_numpy(arrays['J_regressor'].toarray()).float()
    rest = torch.from_numpy(arrays['hands_mean']).float() if 'hands_mean' in arrays else None
    return ParametricMesh(BodyLayer(arrays), points.regressor(regressor), rest)


@pytest.fixture(scope='module')
def small():
    """A network of fewer weights, spread as the reference's so that places differ."""
    settings = I2lMeshNetSettings(
        joints=5, vertices=40, bones=3, betas=2, depth=18, side=64, cells=16
    )
    network = I2lMeshNet(settings).eval()
    shapes = {name: tuple(array.shape) for name, array in network.state_dict().items()}
    network.load_state_dict(official_state(shapes, 'i2l_meshnet'))
    return network


@pytest.fixture(scope='module', params=PARTS, ids=lambda part: part.name)
def part(request):
    return request.param


@pytest.fixture(scope='module')
def loaded(part):
    state = official_state(parity_file(f'keys/i2l_{part.name}.txt'), 'i2l_meshnet')
    network = I2lMeshNet(part.settings).eval()
    report = fill(network, unwrapped({'epoch': 8, 'network': state}), NAMING)
    return network, report


@pytest.mark.slow
def test_all_of_a_checkpoint_is_used_but_the_body_model(loaded):
    _, report = loaded
    left = [name for name in report.skipped if not name.endswith('num_batches_tracked')]
    models = [name for name in left if name.startswith('human_model_layer.')]
    stem = {'conv1.weight', *(f'bn1.{n}' for n in ('weight', 'bias'))}
    stem |= {'bn1.running_mean', 'bn1.running_var'}
    assert set(left) - set(models) == {f'mesh_backbone.{name}' for name in stem}


@pytest.mark.slow
@torch.no_grad()
def test_gives_the_authors_numbers(part, loaded):
    network, mesh = loaded[0], mesh_of(part.name)
    case = parity_case(f'i2l_meshnet/{part.name}_case.npz')
    image = torch.from_numpy(case['img']).float().permute(0, 3, 1, 2) / 255
    early = network.joint_trunk.early(image)
    joint_features = network.joint_trunk.late(early)
    lixels = network(image)
    fused = network.fusion(early, lixels.joints)
    regressed = mesh.joints_of(lixels.vertices)
    told = network.body(regressed)
    found = {
        'joint_coord_img': lixels.joints,
        'mesh_coord_img': lixels.vertices,
        'joint_img_from_mesh': regressed,
        'pose_6d': told.six,
        'pose_param': told.pose.flatten(1),
        'shape_param': told.betas,
        'mesh_coord_cam': mesh(told)[0] * part.unit,
        'early_feat': early[:, ::8, ::2, ::2],
        'pose2feat': fused[:, ::8, ::2, ::2],
        'pose_feat_mean': joint_features.mean(dim=(2, 3)),
        'mesh_feat_mean': network.mesh_trunk.late(fused).mean(dim=(2, 3)),
    }
    for name, tolerance in part.tolerances.items():
        agree(found[name], case[name], tolerance, name)


@torch.no_grad()
def test_the_body_layer_alone_gives_the_authors_mesh(part):
    case = parity_case(f'i2l_meshnet/{part.name}_case.npz')
    pose = torch.from_numpy(case['pose_param']).unflatten(1, (-1, 3))
    betas = torch.from_numpy(case['shape_param'])
    vertices = mesh_of(part.name)(BodyPose(torch.empty(0), pose, betas))[0] * part.unit
    tolerance = part.tolerances['mesh_coord_cam']
    np.testing.assert_allclose(vertices, case['mesh_coord_cam'], rtol=0, atol=tolerance)


@pytest.mark.slow
def test_onnx_runtime_agrees_with_torch(part, loaded, tmp_path, draw):
    images = torch.randint(256, (3, 256, 256, 3), generator=draw, dtype=torch.uint8)
    graph = I2lBodyGraph(loaded[0], mesh_of(part.name))
    assert_exports(graph, {'image': images}, tmp_path)


@pytest.mark.slow
def test_a_small_one_runs_outside_torch(small, tmp_path, draw):
    images = torch.randint(256, (3, 64, 64, 3), generator=draw, dtype=torch.uint8)
    assert_exports(I2lGraph(small), {'image': images}, tmp_path)


@torch.no_grad()
def test_made_ready_it_says_the_same(small, draw):
    image = torch.rand(2, 3, 64, 64, generator=draw)
    plain, fast = small(image), ready(small)(image)
    np.testing.assert_allclose(fast.joints, plain.joints, atol=1e-4)
    np.testing.assert_allclose(fast.vertices, plain.vertices, atol=1e-4)


@torch.no_grad()
def test_the_middle_of_the_cells_is_the_root(small):
    graph = I2lGraph(small, span=2.0)
    lixels = Lixels(torch.tensor([[[8.0, 4, 8]]]), torch.tensor([[[0.0, 15, 16]]]))
    joints, vertices = graph.measured(lixels)
    np.testing.assert_allclose(joints, [[[32, 16, 0]]])
    np.testing.assert_allclose(vertices, [[[0, 60, 1]]])
