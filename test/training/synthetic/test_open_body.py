"""The shipped body is a person in SMPL's layout, and SMPL's own code agrees with ours."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
import torch

from mesh_pose_ros.geometry.body_model import BodyModel
from mesh_pose_ros.skeletons import COCO17, COCO20, H36M17, SMPL24
from training.data.joint_sets import LIFT27
from training.synthetic.poses import PoseSampler, to_global

# vertices that smplx wants to add to the joints; any will do
MARKS = ['nose', 'reye', 'leye', 'rear', 'lear', 'LBigToe', 'LSmallToe', 'LHeel', 'RBigToe',
         'RSmallToe', 'RHeel', *(side + finger for side in 'lr' for finger in
         ('thumb', 'index', 'middle', 'ring', 'pinky'))]  # fmt: skip
CHILD = 10  # the coefficient that leads from adults to children


@pytest.fixture(scope='module')
def joints(body):
    at_rest = body['J_regressor'] @ body['v_template']
    return dict(zip(SMPL24.names, at_rest, strict=True))


def height_of(body, **betas):
    coefficients = np.zeros(body['shapedirs'].shape[2])
    for index, value in betas.items():
        coefficients[int(index[1:])] = value
    vertices = body['v_template'] + body['shapedirs'] @ coefficients
    return np.ptp(vertices[:, 1])


def test_has_smpls_arrays_and_joints(body):
    count = len(body['v_template'])
    assert 5000 <= count <= 7000
    assert body['shapedirs'].shape == (count, 3, 12)
    assert body['J_regressor'].shape == (24, count)
    assert body['weights'].shape == (count, 24)
    assert tuple(body['joint_names']) == SMPL24.names
    assert tuple(body['kintree_table'][0]) == SMPL24.parents


def test_rests_in_the_t_pose_facing_forward(body, joints):
    nose = body['regressor_coco17'][0] @ body['v_template']
    np.testing.assert_allclose(joints['pelvis'], 0, atol=0.02)
    assert joints['left_wrist'][0] > 0.5 > -0.5 > joints['right_wrist'][0]
    assert abs(joints['left_wrist'][1] - joints['left_shoulder'][1]) < 0.02
    assert joints['head'][1] > 0.5
    assert joints['left_ankle'][1] < -0.7
    assert nose[2] > joints['head'][2] + 0.05
    assert joints['left_foot'][2] > joints['left_ankle'][2] + 0.05


def test_surface_is_closed_and_faces_outward(body):
    faces, vertices = body['f'].astype(int), body['v_template']
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    assert len(np.unique(edges, axis=0)) == len(edges)  # no edge twice the same way round
    assert {tuple(e) for e in edges} == {tuple(e) for e in edges[:, ::-1]}
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    litres = 1000 * np.einsum('fi,fi->', a, np.cross(b, c)) / 6
    assert 50 < litres < 110


def test_is_its_own_mirror_image(body):
    flip = np.array([-1, 1, 1])
    mirror = body['mirror']
    np.testing.assert_allclose(body['v_template'][mirror] * flip, body['v_template'], atol=1e-5)
    both = body['weights'][mirror][:, SMPL24.mirror]
    np.testing.assert_allclose(both, body['weights'], atol=1e-3)


def test_at_most_four_joints_move_a_vertex(body):
    assert ((body['weights'] > 0).sum(axis=1) <= 4).all()
    np.testing.assert_allclose(body['weights'].sum(axis=1), 1, atol=1e-5)


def test_adults_and_children_are_apart(body):
    adult = height_of(body)
    assert 1.6 < adult < 1.8
    for index in range(CHILD):  # two standard deviations either way leave an adult
        assert all(1.4 < height_of(body, **{f'b{index}': s}) < 2.0 for s in (-2, 2))
    assert 0.95 < height_of(body, b10=1.0) < 1.4


@pytest.mark.parametrize('skeleton', [COCO17, COCO20, H36M17, LIFT27], ids=lambda s: s.name)
def test_regresses_the_joints_of_other_sets(body, joints, skeleton):
    rows = body[f'regressor_{skeleton.name}']
    assert tuple(body[f'regressor_{skeleton.name}_names']) == skeleton.names
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-4)
    assert (rows >= 0).all()
    points = dict(zip(skeleton.names, rows @ body['v_template'], strict=True))
    for name in set(points) & set(joints) - {'pelvis', 'neck'}:
        assert np.linalg.norm(points[name] - joints[name]) < 0.04, name


def test_marks_joints_where_annotators_do(body):
    """Ratios of marked photographs, see `MARKED`."""
    points = dict(zip(COCO17.names, body['regressor_coco17'] @ body['v_template'], strict=True))
    chain = ('left_shoulder', 'left_hip', 'left_knee', 'left_ankle')
    trunk, thigh, shin = (np.linalg.norm(points[a] - points[b]) for a, b in pairwise(chain))
    assert thigh / trunk == pytest.approx(0.79, abs=0.03)
    assert shin / trunk == pytest.approx(0.79, abs=0.03)


def test_smplx_poses_it_as_we_do(body, layer, body_path, tmp_path, draw):
    """SMPL's loader reads the arrays from its own file format; the three agree to 0.1 mm."""
    smplx = pytest.importorskip('smplx', reason='smplx is not installed (extra body-models)')
    arrays = {name: body[name] for name in ('v_template', 'shapedirs', 'J_regressor', 'weights')}
    arrays['kintree_table'] = body['kintree_table'].astype(np.uint32)  # the root is 2**32 - 1
    arrays['posedirs'] = np.zeros((len(body['v_template']), 3, 207), np.float32)
    path = tmp_path / 'SMPL_NEUTRAL.pkl'
    path.write_bytes(pickle.dumps(arrays | {'f': body['f'].astype(np.uint32)}))
    theirs = smplx.SMPL(str(path), batch_size=3, vertex_ids=dict.fromkeys(MARKS, 0))

    poses = PoseSampler().sample(3, draw)
    betas = torch.randn(3, 10, generator=draw)
    found = theirs(betas=betas, global_orient=poses[:, :1], body_pose=poses[:, 1:], pose2rot=False)
    padded = torch.cat([betas, torch.zeros(3, 2)], dim=1)
    vertices, joints = layer(to_global(poses), padded)
    np.testing.assert_allclose(found.vertices.detach(), vertices, atol=1e-4)
    np.testing.assert_allclose(found.joints.detach()[:, :24], joints, atol=1e-4)

    posed = BodyModel.load(body_path).shaped(betas.numpy()).posed(poses.numpy())
    np.testing.assert_allclose(posed.vertices, vertices, atol=1e-4)
    np.testing.assert_allclose(posed.joints, joints, atol=1e-4)
