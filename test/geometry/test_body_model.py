"""A body follows its shape and pose as skinning says it must."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.geometry.body_model import BodyModel
from mesh_pose_ros.geometry.rotations import axis_angle_to_matrix, relative_to_global

V, J, C = 40, 5, 3
PARENTS = (-1, 0, 0, 1, 2)
MIRROR = [0, 2, 1, 4, 3]  # the joint on the other side
FLIP = np.array([-1.0, 1.0, 1.0])


def arrays(bends: bool = False) -> dict[str, np.ndarray]:
    """A body whose second half of vertices mirrors the first, in SMPL's keys."""
    rng = np.random.default_rng(0)
    half, weights = rng.normal(size=(V // 2, 3)), rng.random((V // 2, J))
    regressor, directions = rng.random((J, V)), rng.normal(size=(V // 2, 3, C)) / 10
    swapped = np.r_[V // 2 : V, : V // 2]
    weights = np.concatenate([weights, weights[:, MIRROR]])
    regressor = regressor + regressor[np.ix_(MIRROR, swapped)]
    body = {
        'v_template': np.concatenate([half, half * FLIP]),
        'shapedirs': np.concatenate([directions, directions * FLIP[:, None]]),
        'J_regressor': regressor / regressor.sum(axis=1, keepdims=True),
        'weights': weights / weights.sum(axis=1, keepdims=True),
        'kintree_table': np.array([[2**32 - 1, *PARENTS[1:]], range(J)], dtype=np.uint32),
        'f': rng.integers(0, V, (60, 3)).astype(np.uint32),
        'joint_names': np.array(['pelvis', 'left_hip', 'right_hip', 'left_knee', 'right_knee']),
        'regressor_face': np.eye(2, V),
        'regressor_face_names': np.array(['nose', 'chin']),
    }
    if bends:
        body['posedirs'] = rng.normal(size=(V, 3, (J - 1) * 9)) / 100
    return body


@pytest.fixture
def file(tmp_path: Path) -> Path:
    np.savez(tmp_path / 'toy.npz', **arrays())
    return tmp_path / 'toy.npz'


@pytest.fixture(params=[False, True], ids=['stiff', 'with pose directions'])
def body(request: pytest.FixtureRequest, tmp_path: Path) -> BodyModel:
    np.savez(tmp_path / 'toy.npz', **arrays(request.param))
    return BodyModel.load(tmp_path / 'toy.npz')


def turns(*batch: int, seed: int = 1) -> np.ndarray:
    return axis_angle_to_matrix(np.random.default_rng(seed).normal(size=(*batch, J, 3)))


def betas(*batch: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(*batch, C))


def test_the_mean_body_at_rest_is_the_template(body):
    posed = body.shaped().posed(np.eye(3)[None].repeat(J, 0))
    np.testing.assert_allclose(posed.vertices, body.template, atol=1e-6)
    np.testing.assert_allclose(posed.joints, body.joint_regressor @ body.template, atol=1e-6)


def test_shape_adds_its_directions(body):
    shaped = body.shaped(betas(4))
    expected = body.template + np.einsum('vdc,nc->nvd', body.shape_directions, betas(4))
    np.testing.assert_allclose(shaped.vertices, expected, atol=1e-6)
    np.testing.assert_allclose(shaped.joints, body.joint_regressor @ expected, atol=1e-6)


def test_coefficients_left_out_are_zero(body):
    np.testing.assert_allclose(
        body.shaped([0.5]).vertices, body.shaped([0.5, 0.0, 0.0]).vertices, atol=1e-6
    )


def test_poses_as_the_textbook_formula_says(body):
    """Transforms chained joint by joint, blended vertex by vertex."""
    shaped, relative = body.shaped(betas()), turns()
    posed = shaped.posed(relative)
    vertices = shaped.vertices
    if body.pose_directions is not None:
        vertices = vertices + body.pose_directions @ (relative[1:] - np.eye(3)).ravel()
    transforms = []
    for joint, parent in enumerate(PARENTS):
        to_parent = np.eye(4)
        to_parent[:3, :3] = relative[joint]
        to_parent[:3, 3] = shaped.joints[joint] - (shaped.joints[parent] if joint else 0)
        transforms.append(transforms[parent] @ to_parent if joint else to_parent)
    for joint, transform in enumerate(transforms):
        np.testing.assert_allclose(posed.joints[joint], transform[:3, 3], atol=1e-5)
        np.testing.assert_allclose(posed.rotations[joint], transform[:3, :3], atol=1e-5)
        transform[:3, 3] -= transform[:3, :3] @ shaped.joints[joint]
    for vertex in range(V):
        blended = sum(w * t for w, t in zip(body.weights[vertex], transforms, strict=True))
        expected = blended[:3] @ [*vertices[vertex], 1]
        np.testing.assert_allclose(posed.vertices[vertex], expected, atol=1e-5)


def test_batches_like_it_loops(body):
    batch = body.shaped(betas(2, 3)).posed(turns(2, 3), betas(2, 3))
    assert batch.vertices.shape == (2, 3, V, 3)
    for i in np.ndindex(2, 3):
        one = body.shaped(betas(2, 3)[i]).posed(turns(2, 3)[i], betas(2, 3)[i])
        np.testing.assert_allclose(batch.vertices[i], one.vertices, atol=1e-5)
        np.testing.assert_allclose(batch.joints[i], one.joints, atol=1e-5)
        np.testing.assert_allclose(batch.rotations[i], one.rotations, atol=1e-5)


def test_one_person_takes_many_poses_and_many_persons_one(body):
    poses = body.shaped(betas()).posed(turns(7))
    assert poses.vertices.shape == (7, V, 3)
    assert poses.joints.shape == (7, J, 3)
    persons = body.shaped(betas(4)).posed(turns())
    assert persons.vertices.shape == (4, V, 3)
    assert persons.joints.shape == (4, J, 3)
    np.testing.assert_allclose(
        persons.joints[2], body.shaped(betas(4)[2]).posed(turns()).joints, atol=1e-5
    )


def test_turning_the_root_turns_everything_about_it(body):
    shaped, relative = body.shaped(betas()), turns()
    turn = axis_angle_to_matrix([0.3, 2.0, -0.5])
    turned = relative.copy()
    turned[0] = turn @ relative[0]
    before, after = shaped.posed(relative), shaped.posed(turned)
    root = shaped.joints[0]
    np.testing.assert_allclose(after.vertices, (before.vertices - root) @ turn.T + root, atol=1e-5)
    np.testing.assert_allclose(after.joints, (before.joints - root) @ turn.T + root, atol=1e-5)
    np.testing.assert_allclose(after.rotations, turn @ before.rotations, atol=1e-5)


def test_a_translation_moves_everything(body):
    shift = np.array([0.5, -1.0, 3.0])
    there, here = body.shaped().posed(turns(), shift), body.shaped().posed(turns())
    np.testing.assert_allclose(there.vertices, here.vertices + shift, atol=1e-5)
    np.testing.assert_allclose(there.joints, here.joints + shift, atol=1e-5)
    np.testing.assert_allclose(here.joints[0], body.shaped().joints[0], atol=1e-6)


def test_global_rotations_give_the_same_pose(body):
    shaped = body.shaped(betas(3))
    relative = shaped.posed(turns(3))
    everywhere = shaped.posed(relative_to_global(turns(3), PARENTS), relative=False)
    np.testing.assert_allclose(everywhere.vertices, relative.vertices, atol=1e-4)
    np.testing.assert_allclose(everywhere.joints, relative.joints, atol=1e-5)


def test_a_mirrored_pose_mirrors_a_symmetric_body(file):
    body = BodyModel.load(file)
    mirrored = turns()[MIRROR] * np.outer(FLIP, FLIP)
    here, there = body.shaped(betas()).posed(turns()), body.shaped(betas()).posed(mirrored)
    other_half = np.r_[V // 2 : V, : V // 2]
    np.testing.assert_allclose(there.vertices, here.vertices[other_half] * FLIP, atol=1e-5)
    np.testing.assert_allclose(there.joints, here.joints[MIRROR] * FLIP, atol=1e-5)


def test_reads_what_the_file_tells(file):
    body = BodyModel.load(file)
    assert body.name == 'toy'
    assert body.parents == PARENTS
    assert body.joint_names[:2] == ('pelvis', 'left_hip')
    assert body.pose_directions is None
    assert body.faces.dtype == np.int32
    assert body.regressors['face'].names == ('nose', 'chin')
    posed = body.shaped().posed(turns(2))
    np.testing.assert_allclose(posed.points('face'), posed.vertices[:, :2])
    assert posed.vertices.dtype == posed.joints.dtype == np.float32


def test_pose_directions_of_nothing_cost_nothing(tmp_path):
    np.savez(tmp_path / 'toy.npz', **arrays(), posedirs=np.zeros((V, 3, (J - 1) * 9)))
    assert BodyModel.load(tmp_path / 'toy.npz').pose_directions is None


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'weights': None}, 'weights'),
        ({'v_template': np.zeros((V - 1, 3))}, 'template does not fit'),
        ({'shapedirs': np.zeros((V, C))}, 'shape_directions does not fit'),
        ({'J_regressor': np.zeros((J, V + 1))}, 'joint_regressor does not fit'),
        ({'kintree_table': np.array([[-1, 0]])}, 'parents does not fit'),
        ({'kintree_table': np.array([[-1, 2, 3, 1, 0]])}, 'ring'),
        ({'f': np.full((1, 3), V)}, 'faces does not fit'),
        ({'joint_names': np.array(['pelvis'])}, 'joint_names does not fit'),
        ({'posedirs': np.ones((V, 3, 9))}, 'pose_directions does not fit'),
        ({'regressor_face': np.eye(3, V)}, 'regressor face does not fit'),
        ({'regressor_face': None}, 'regressor_face'),
        ({'v_template': np.array([object()])}, 'cannot be read'),
    ],
)
def test_refuses_a_file_that_is_no_body(tmp_path, changes, message):
    changed = {key: value for key, value in (arrays() | changes).items() if value is not None}
    np.savez(tmp_path / 'toy.npz', **changed)
    with pytest.raises(ModelError, match=message):
        BodyModel.load(tmp_path / 'toy.npz')


def test_refuses_a_broken_file(tmp_path, file):
    with pytest.raises(ModelError, match='does not exist'):
        BodyModel.load(tmp_path / 'none.npz')
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(ModelError, match='cannot be read'):
        BodyModel.load(file)
    file.write_bytes(b'no zip at all')
    with pytest.raises(ModelError, match='cannot be read'):
        BodyModel.load(file)


def test_refuses_more_coefficients_than_there_are(body):
    with pytest.raises(ValueError, match='3 betas, not 4'):
        body.shaped(np.zeros(4))


def test_a_model_of_other_arrays_is_checked_too(body):
    with pytest.raises(ModelError, match='parents'):
        replace(body, parents=(-1, 0))
