"""Joints go to the network as a camera facing the person sees them, and meshes come back."""

import numpy as np
import pytest
from toy_models import export_echo_lift
from toy_people import STANDING, camera_with, seen_by

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.people import Pose
from mesh_pose_ros.pipeline.lift_stage import LiftStage
from mesh_pose_ros.skeletons import BLAZEPOSE33, COCO17, H36M17, SMPL24, Skeleton

ROOTS = [(0.0, 0.0, 3.0), (2.0, -0.5, 3.0), (-1.5, 1.0, 6.0)]


@pytest.fixture
def stage(tmp_path, opened):
    def make(**changes):
        card = export_echo_lift(tmp_path, **changes)
        return LiftStage(opened(card), card)

    return make


@pytest.fixture
def poses():
    return [seen_by(camera_with('pinhole'), root).pose for root in ROOTS]


def test_what_goes_in_comes_back_in_the_camera_frame(stage, poses):
    for pose, mesh in zip(poses, stage()(poses), strict=True):
        np.testing.assert_allclose(mesh.vertices, pose.joints3d, atol=1e-5)
        np.testing.assert_allclose(mesh.shape, pose.confidence)


def test_the_network_sees_somebody_aside_as_turned_away(stage, poses):
    # the identity in the facing camera's axes is that camera's turn in ours
    for root, mesh in zip(ROOTS, stage()(poses), strict=True):
        towards = np.array(root) / np.linalg.norm(root)
        np.testing.assert_allclose(mesh.rotations[0] @ [0, 0, 1], towards, atol=1e-6)
        np.testing.assert_allclose((mesh.rotations[0] @ [1, 0, 0])[1], 0, atol=1e-6)  # no roll
        np.testing.assert_allclose(mesh.rotations[0] @ mesh.rotations[0].T, np.eye(3), atol=1e-6)


def test_a_batch_comes_out_as_one_by_one(stage, poses):
    lift = stage()
    for pose, mesh in zip(poses, lift(poses), strict=True):
        (alone,) = lift([pose])
        np.testing.assert_allclose(alone.vertices, mesh.vertices, atol=1e-6)


def test_nobody_is_nobody(stage):
    assert stage()([]) == []


def test_joints_are_matched_by_name(stage, poses):
    names = ('right_knee', 'tail', 'nose', 'pelvis')
    wanted = Skeleton('odd', names, (-1,) * 4)
    (mesh,) = stage(skeleton=wanted)(poses[1:2])
    joints = poses[1].joints3d
    hips = joints[[COCO17.index('left_hip'), COCO17.index('right_hip')]].mean(axis=0)
    expected = [joints[COCO17.index('right_knee')], hips, joints[0], hips]  # unknown: at the root
    np.testing.assert_allclose(mesh.vertices, expected, atol=1e-5)
    np.testing.assert_allclose(mesh.shape, [1, 0, 1, 1])


@pytest.mark.parametrize('source', [BLAZEPOSE33, SMPL24, H36M17], ids=lambda s: s.name)
def test_every_skeleton_with_hips_or_pelvis_will_do(stage, source):
    rng = np.random.default_rng(0)
    joints = rng.normal((0.5, 0, 4), 0.3, size=(len(source), 3))
    pose = Pose(source, joints[:, :2], joints, np.full(len(source), 0.5))
    (mesh,) = stage()([pose])
    for name in set(source.names) & set(COCO17.names):
        found, expected = mesh.vertices[COCO17.index(name)], joints[source.index(name)]
        np.testing.assert_allclose(found, expected, atol=1e-5)
    known = [name in source.names for name in COCO17.names]
    np.testing.assert_array_equal(mesh.shape > 0, known)


@pytest.mark.parametrize('root', [(np.nan, 0, 3), (0, 0, -3), (0, np.inf, 3)], ids=str)
def test_who_stands_nowhere_has_no_mesh_and_harms_nobody(stage, poses, root):
    joints = STANDING + root
    lost = Pose(COCO17, joints[:, :2], joints, np.ones(17))
    meshes = stage()([lost, *poses])
    assert meshes[0] is None
    np.testing.assert_allclose(meshes[1].vertices, poses[0].joints3d, atol=1e-5)


@pytest.mark.parametrize('part', ['vertices', 'rotations', 'body_joints'])
def test_a_body_that_is_not_all_numbers_is_none(stage, poses, part):
    lift = stage()
    run = lift._session

    class Broken:
        inputs = run.inputs

        def __call__(self, **feed):
            found = dict(run(**feed))
            turns = np.broadcast_to(np.eye(3, dtype=np.float32), (len(poses), 2, 3, 3))
            found |= {'rotations': turns.copy(), 'body_joints': found['vertices'][:, :2].copy()}
            found[part] = found[part].copy()
            found[part][1, 0] = np.nan
            return found

    lift._session = Broken()
    assert [mesh is None for mesh in lift(poses)] == [False, True, False]


def test_without_hips_there_is_no_mesh(stage):
    head = Skeleton('head', ('nose', 'left_eye'), (-1, 0))
    pose = Pose(head, np.zeros((2, 2)), np.array([[0, 0, 2.0], [0.03, 0, 2]]), np.ones(2))
    assert stage()([pose]) == [None]


def test_a_lost_joint_goes_in_as_unknown(stage, poses):
    joints = poses[0].joints3d.copy()
    joints[9] = np.nan
    (mesh,) = stage()([Pose(COCO17, poses[0].joints2d, joints, np.ones(17))])
    assert mesh.shape[9] == 0
    assert np.isfinite(mesh.vertices).all()


def test_a_card_without_topology_is_refused(stage):
    with pytest.raises(ModelError, match='topology'):
        stage(topology=False)


def test_poses_without_hips_are_refused_at_the_start(stage):
    lift = stage()
    lift.demand(BLAZEPOSE33)
    with pytest.raises(ModelError, match='left_hip, right_hip, which poses of head lack'):
        lift.demand(Skeleton('head', ('nose', 'neck'), (-1, 0)))
