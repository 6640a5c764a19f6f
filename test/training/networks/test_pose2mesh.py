"""Pose2Mesh gives what the authors' code gives, with their weights, and does so when exported."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from parity import agree, official_state, parity_case, parity_file, shapes_in, stand_ins

from training.checkpoints import CheckpointError, fill
from training.graph_file import write_graph
from training.networks.joint_graphs import JOINT_GRAPHS
from training.networks.mesh_net import PUBLISHED, MeshNetSettings
from training.networks.pose2mesh import (
    NAMING,
    Pose2Mesh,
    Pose2MeshGraph,
    Pose2MeshSettings,
    PoseNet,
    PoseNetSettings,
    folded,
    standardised,
)

BODIES = ('human36', 'coco', 'smpl')
MOSTLY_SLOW = ['mano', 'human36', *(pytest.param(j, marks=pytest.mark.slow) for j in BODIES[1:])]
# five times what the authors' own code moves by from rounding alone
MESH = dict.fromkeys(BODIES, 5 * 2.7e-5) | {'mano': 5 * 8e-6}  # metres
POSE, POSE_ALONE = 5 * 9e-4, 5 * 1e-3  # millimetres
WIDE, SMALL = PoseNetSettings(), PoseNetSettings(hidden=32)
FORBIDDEN = {'NonMaxSuppression', 'NonZero', 'Det', 'AffineGrid', 'ScatterND', 'GridSample'}


def faces_of(joints):
    if joints == 'mano':
        return parity_case('pose2mesh/hand_graphs.npz')['hand_faces']
    return stand_ins().faces('smpl')


def network_of(joints, lifter=WIDE, padded=False):
    mesh = replace(PUBLISHED[joints], padded=padded)
    return Pose2Mesh(JOINT_GRAPHS[joints], faces_of(joints), Pose2MeshSettings(lifter, mesh))


@lru_cache(maxsize=1)
def published(joints):
    """Filled with weights that the rule makes."""
    network = network_of(joints)
    fill(network, official_state(parity_file(f'keys/pose2mesh_{joints}.txt'), 'pose2mesh'), NAMING)
    return network.eval()


@pytest.fixture
def small():
    """With a narrow lifter, any weights and statistics."""
    torch.manual_seed(0)
    network = network_of('mano', SMALL)
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm1d):
            part.running_mean.normal_(std=0.1)
            part.running_var.uniform_(0.5, 2)
    return network.eval()


@pytest.fixture
def tiny():
    """From a hand to six vertices."""
    square = [[0, 1, 2], [2, 1, 3], [2, 3, 4], [4, 3, 5]]
    mesh = MeshNetSettings(joint_widths=(8,), widths=((4, 8), (4, 3)))
    return Pose2Mesh(JOINT_GRAPHS['mano'], square, Pose2MeshSettings(SMALL, mesh)).eval()


@pytest.fixture
def poses(draw):
    return 100 * torch.randn(3, 21, 2, generator=draw) + 300


@pytest.mark.parametrize('joints', [pytest.param('human36', marks=pytest.mark.slow), 'mano'])
@torch.no_grad()
def test_rows_of_the_padded_graph_are_the_published_ones(joints):
    case = parity_case(f'pose2mesh/{joints}_case.npz')
    padded = network_of(joints, padded=True).eval()
    padded.load_state_dict(published(joints).state_dict())
    poses = torch.from_numpy(case['pose2d'])
    found = padded(poses)
    rows = padded.mesh.in_rows(torch.cat([poses, found.joints3d], dim=-1))
    head = case['mesh_padded_head']
    np.testing.assert_allclose(rows[:, : head.shape[1]], head, atol=MESH[joints], rtol=0)
    np.testing.assert_allclose(found.vertices, case['mesh'], atol=MESH[joints], rtol=0)


@pytest.mark.parametrize('joints', MOSTLY_SLOW)
@torch.no_grad()
def test_mesh_and_pose_are_the_published_ones(joints):
    case = parity_case(f'pose2mesh/{joints}_case.npz')
    found = published(joints)(torch.from_numpy(case['pose2d']))
    agree(found.vertices, case['mesh'], MESH[joints], 'mesh')
    agree(1000 * found.joints3d, case['pose3d'], POSE, 'pose3d')


@pytest.mark.parametrize('joints', MOSTLY_SLOW)
@torch.no_grad()
def test_the_lifter_alone_is_the_published_one(joints):
    case = parity_case(f'pose2mesh/{joints}_case.npz')
    lifter = PoseNet(len(JOINT_GRAPHS[joints].skeleton)).eval()
    fill(lifter, official_state(parity_file(f'keys/posenet_{joints}.txt'), 'pose2mesh'), NAMING)
    found = 1000 * lifter(torch.from_numpy(case['pose2d']))
    agree(found, case['posenet_pose3d'], POSE_ALONE, 'posenet_pose3d')


@pytest.mark.parametrize('joints', ['mano', *BODIES])
@torch.no_grad()
def test_pixels_go_in_as_they_are(joints):
    case = parity_case(f'pose2mesh/{joints}_case.npz')
    found = standardised(torch.from_numpy(case['pose2d_px']).float())
    np.testing.assert_allclose(found, case['pose2d'], atol=1e-6)


@torch.no_grad()
def test_neither_place_nor_size_in_the_picture_matters(small, poses):
    graph = Pose2MeshGraph(small)
    moved = poses * torch.tensor([2.0, 0.5]) + torch.tensor([-40.0, 900.0])
    np.testing.assert_allclose(graph(moved)[0], graph(poses)[0], atol=1e-4)


@torch.no_grad()
def test_joints_in_one_line_give_numbers(small, poses):
    poses[0, :, 0] = 55
    assert all(torch.isfinite(part).all() for part in Pose2MeshGraph(small)(poses))


@torch.no_grad()
def test_folding_changes_nothing_but_the_layers(small, poses):
    poses = standardised(poses)
    fused, plain = folded(small)(poses), small(poses)
    assert not any(isinstance(m, torch.nn.BatchNorm1d) for m in folded(small).modules())
    np.testing.assert_allclose(fused.vertices, plain.vertices, atol=1e-5)
    np.testing.assert_allclose(fused.joints3d, plain.joints3d, atol=1e-5)


@torch.no_grad()
def test_batches_like_it_loops(small, poses):
    poses = standardised(poses)
    alone = torch.cat([small(pose[None]).vertices for pose in poses])
    np.testing.assert_allclose(small(poses).vertices, alone, atol=1e-5)


def test_errors_of_the_mesh_teach_the_graph_alone(small, poses):
    small.train()
    small(standardised(poses)).vertices.square().sum().backward()
    assert all(p.grad is None for p in small.lifter.parameters())
    assert all(torch.isfinite(p.grad).all() for p in small.mesh.parameters())


def test_another_joint_sets_checkpoint_is_refused():
    shapes = shapes_in(parity_file('keys/posenet_coco.txt'))
    state = {name: torch.zeros(shape) for name, shape in shapes.items()}
    with pytest.raises(CheckpointError, match=r'w1\.weight \(4096, 38\), not \(4096, 34\)'):
        fill(PoseNet(17), state, NAMING, 'final.pth.tar')


def exported(network, path, joints):
    graph = Pose2MeshGraph(network)
    write_graph(graph, {'joints2d': torch.rand(2, joints, 2) * 200}, path)
    return graph, onnxruntime.InferenceSession(path)


def assert_runs_like_torch(graph, session, poses):
    with torch.no_grad():
        wanted = dict(zip(graph.outputs, graph(poses)))
    found = dict(zip(graph.outputs, session.run(list(graph.outputs), {'joints2d': poses.numpy()})))
    for name, values in wanted.items():
        spread = float(values.max() - values.min())
        np.testing.assert_allclose(found[name], values, atol=1e-4 * spread, rtol=0, err_msg=name)


def test_the_exported_graph_gives_what_torch_gives(tiny, poses, tmp_path):
    path = tmp_path / 'pose2mesh.onnx'
    graph, session = exported(tiny, path, 21)
    for batch in (1, 3):
        assert_runs_like_torch(graph, session, poses[:batch])
    assert session.get_outputs()[0].shape[1:] == [6, 3]
    model = onnx.load(path)
    assert not FORBIDDEN & {node.op_type for node in model.graph.node}
    assert model.opset_import[0].version <= 20


@pytest.mark.slow
@pytest.mark.parametrize('joints', JOINT_GRAPHS)
def test_the_whole_exported_network_gives_the_published_mesh(joints, tmp_path):
    case = parity_case(f'pose2mesh/{joints}_case.npz')
    poses = torch.from_numpy(case['pose2d_px']).float()
    graph, session = exported(published(joints), tmp_path / 'pose2mesh.onnx', poses.shape[1])
    for batch in (1, 3):
        assert_runs_like_torch(graph, session, poses[[0, 1, 0]][:batch])
    found, pose = session.run(list(graph.outputs), {'joints2d': poses.numpy()})
    np.testing.assert_allclose(found, case['mesh'], atol=MESH[joints], rtol=0)
    np.testing.assert_allclose(1000 * pose, case['pose3d'], atol=POSE, rtol=0)
