"""What Pose2Pose says in units: surfaces are seen where they are said to be, of left hands too."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from parity import stand_ins
from steady import SteadyPart, part_pose

from training.networks.body_layer import BodyLayer
from training.networks.i2l_graph import HAND_POINTS
from training.networks.mirrored_graph import MirroredGraph, in_mirror
from training.networks.pose2pose import BODY, HAND, Pose2Pose
from training.networks.pose2pose_graph import BODY_POINTS, HAND_SPAN, Pose2PoseBodyGraph
from training.networks.rotations import global_from_relative, rotation_from_axis_angle

MIRROR = np.diag([-1.0, 1, 1])


def graph_of(network, arrays, points):
    regressor = points.regressor(torch.from_numpy(arrays['J_regressor'].toarray()).float())
    rest = arrays.get('hands_mean')
    rest = None if rest is None else torch.from_numpy(rest).float()
    return Pose2PoseBodyGraph(network, BodyLayer(arrays), regressor, HAND_SPAN, rest).eval()


def told(graph, image):
    """Outputs by name, of the first crop."""
    with torch.no_grad():
        found = graph(image)
    return {name: v[0].numpy() for name, v in zip(graph.outputs, found, strict=True)}


def steady_one(part, draw):
    """A graph that says the same of all, what its network says, and the body model's arrays."""
    settings = {'body': BODY, 'hand': HAND}[part]
    arrays = {'body': stand_ins().smpl, 'hand': stand_ins().mano}[part]()
    points = {'body': BODY_POINTS, 'hand': HAND_POINTS}[part]
    said = part_pose(draw, settings)
    return graph_of(SteadyPart(said, settings), arrays, points), said, arrays


@pytest.fixture(params=['body', 'hand'])
def steady(request, draw):
    return steady_one(request.param, draw)


def blank(graph):
    settings = graph.network.settings
    return torch.zeros(1, settings.height, settings.width, 3, dtype=torch.uint8)


def test_joints_are_seen_where_the_camera_sees_them_in_space(steady):
    graph, said, _ = steady
    found = told(graph, blank(graph))
    settings = graph.network.settings
    placed = found['joints3d'] + found['root3d']
    middle = [settings.width / 2, settings.height / 2]
    pixels = placed[:, :2] / (placed[:, 2:] + 1e-4) * 5000 + middle
    np.testing.assert_allclose(found['joints2d'], pixels, atol=1e-2)
    assert abs(found['root3d'][2] - said.translation[0, 2].item()) < 0.5


def test_a_body_at_rest_stands_upright_before_the_camera(steady):
    graph, said, arrays = steady
    said.pose[:, 1:] = 0
    said.betas[:] = 0
    graph.rest_pose[:] = 0
    found = told(graph, blank(graph))
    rest = arrays['v_template'] * [1, -1, -1]  # turned half round x
    np.testing.assert_allclose(found['vertices'] - found['vertices'][0], rest - rest[0], atol=1e-5)
    np.testing.assert_allclose(found['rotations'][-1], np.diag([1, -1, -1]), atol=1e-6)
    bones = arrays['J_regressor'].toarray() @ rest
    np.testing.assert_allclose(found['body_joints'], bones - bones[0], atol=1e-5)
    np.testing.assert_allclose(found['joints3d'][0], [0, 0, 0], atol=1e-5)


def test_the_points_of_a_body_are_bones_and_vertices():
    arrays = stand_ins().smpl()
    regressor = torch.from_numpy(arrays['J_regressor'].toarray()).float()
    joints = BODY_POINTS.regressor(regressor).numpy() @ arrays['v_template']
    bones = arrays['J_regressor'].toarray() @ arrays['v_template']
    assert len(joints) == BODY.joints
    np.testing.assert_allclose(joints[7], bones[12], atol=1e-6)  # neck
    np.testing.assert_allclose(joints[13], bones[21], atol=1e-6)  # right wrist
    np.testing.assert_allclose(joints[24], arrays['v_template'][331], atol=1e-6)  # nose


@torch.no_grad()
def test_a_left_hand_is_a_right_hand_in_a_mirror(draw):
    settings = replace(HAND, depth=18, height=64, width=64)
    torch.manual_seed(0)
    graph = graph_of(Pose2Pose(settings).eval(), stand_ins().mano(), HAND_POINTS)
    right = torch.randint(256, (1, 64, 64, 3), generator=draw, dtype=torch.uint8)
    right[:, :, 0] = right[:, :, 1]  # of the first column the mirror knows nothing
    left = in_mirror(right.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    assert not torch.equal(left, right)
    one, other = told(graph, right), told(MirroredGraph(graph), left)
    for name in ('joints3d', 'vertices', 'body_joints', 'root3d', 'translation'):
        np.testing.assert_allclose(other[name], one[name] @ MIRROR, atol=1e-4, err_msg=name)
    for name in ('joints2d', 'joints_uvd'):
        across = [64 - one[name][:, 0], *one[name][:, 1:].T]
        np.testing.assert_allclose(other[name], np.stack(across, axis=1), atol=1e-3)
    np.testing.assert_allclose(other['pose'], one['pose'] * [1, -1, -1], atol=1e-4)
    np.testing.assert_allclose(other['rotations'], MIRROR @ one['rotations'] @ MIRROR, atol=1e-4)
    np.testing.assert_allclose(other['betas'], one['betas'], atol=1e-5)


def test_the_pose_of_a_left_hand_turns_a_left_hand(draw):
    graph, _, _ = steady_one('hand', draw)
    graph.rest_pose[:] = 0
    found = told(MirroredGraph(graph), blank(graph))
    # a chain of turns by the mirrored axis-angles is the mirrored chain
    turns = rotation_from_axis_angle(torch.from_numpy(found['pose'])[None])
    chain = global_from_relative(turns, graph.body.parents)[0].numpy()
    np.testing.assert_allclose(found['rotations'], chain, atol=1e-5)
