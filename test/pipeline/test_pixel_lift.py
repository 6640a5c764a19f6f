"""Pixels go to the network as they are, and what it says is put where the pixels are."""

import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from toy_models import export_blob_detector, export_sculptor, export_statue
from toy_people import LENSES, STANDING, camera_with, seen_by

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.pipeline.mesh_pose import MeshPose, Options
from mesh_pose_ros.pipeline.pixel_lift import PixelLift, lift_stage_of, pose_from_pixels
from mesh_pose_ros.pipeline.smoothing import SmoothingOptions
from mesh_pose_ros.skeletons import (
    BLAZEPOSE33,
    COCO17,
    COCO19,
    H36M17,
    MANO21,
    SMPL24,
    guessing_mixer,
)

ROOTS = [(0.0, 0.0, 3.0), (1.2, -0.3, 4.0), (-1.0, 0.4, 6.0)]
PINHOLE = camera_with('pinhole')


@pytest.fixture
def sculptor(tmp_path, opened):
    card = export_sculptor(tmp_path)
    return lift_stage_of(opened(card), card)


def test_a_graph_that_takes_pixels_is_known_by_its_input(sculptor):
    assert isinstance(sculptor, PixelLift)


@pytest.mark.parametrize('lens', LENSES)
def test_people_stand_where_their_pixels_are(sculptor, lens):
    camera = camera_with(lens)
    poses = [seen_by(camera, root).pose for root in ROOTS]
    for pose, root, found in zip(poses, ROOTS, sculptor.lifted(poses), strict=True):
        np.testing.assert_allclose(found.pose.joints3d, STANDING + root, atol=1e-4)
        np.testing.assert_allclose(found.mesh.vertices, STANDING[:4] + root, atol=1e-4)
        np.testing.assert_allclose(found.pose.joints2d, pose.joints2d)


@pytest.mark.parametrize('lens', LENSES)
def test_pixels_alone_are_enough(sculptor, lens):
    camera = camera_with(lens)
    poses = [pose_from_pixels(COCO17, seen_by(camera, r).pose.joints2d, camera) for r in ROOTS]
    for root, found in zip(ROOTS, sculptor.lifted(poses), strict=True):
        np.testing.assert_allclose(found.pose.joints3d, STANDING + root, atol=1e-4)


def test_a_pose_with_a_joint_unknown_is_left_out(sculptor):
    poses = [seen_by(PINHOLE, root).pose for root in ROOTS]
    poses[1].joints2d[3] = np.nan
    first, second, third = sculptor(poses)
    assert second is None
    assert first is not None
    assert third is not None


def test_pelvis_and_neck_are_appended_by_name(tmp_path, opened):
    card = export_sculptor(tmp_path, skeleton=COCO19)
    lift = lift_stage_of(opened(card), card)
    lift.demand(COCO17)
    pose = seen_by(PINHOLE, ROOTS[0]).pose
    (found,) = lift.lifted([pose])
    pelvis = pose.joints2d[[11, 12]].mean(axis=0)
    np.testing.assert_allclose(found.pose.joints2d[COCO19.index('pelvis')], pelvis)


@pytest.mark.parametrize('skeleton', [H36M17, SMPL24], ids=['h36m17', 'smpl24'])
def test_joints_that_lie_between_others_are_guessed(tmp_path, opened, skeleton):
    card = export_sculptor(tmp_path, skeleton=skeleton)
    lift = lift_stage_of(opened(card), card)
    lift.demand(BLAZEPOSE33)
    pixels = np.random.default_rng(0).uniform(100, 300, (33, 2))
    (found,) = lift.lifted([pose_from_pixels(BLAZEPOSE33, pixels, PINHOLE)])
    wanted = guessing_mixer(BLAZEPOSE33, skeleton.names) @ pixels
    np.testing.assert_allclose(found.pose.joints2d, wanted)
    assert (found.pose.confidence <= 1).all()


def test_joints_that_nobody_finds_are_told_at_the_start(tmp_path):
    export_blob_detector(tmp_path)
    export_statue(tmp_path, partners={'detector': 'blobs'})
    export_sculptor(tmp_path, name='hand', skeleton=MANO21, partners={'crop': 'statue'})
    with pytest.raises(ModelError, match='poses of coco17 lack'):
        MeshPose.open(Options(model=str(tmp_path / 'hand.yaml')))


def test_a_graph_must_say_joints_in_space(tmp_path, opened):
    card = export_sculptor(tmp_path)
    model = onnx.load(card.path)
    del model.graph.output[0]
    onnx.save(model, card.path)
    with pytest.raises(ModelError, match='joints3d'):
        lift_stage_of(opened(card), card)


@pytest.fixture
def asked(tmp_path):
    """A chain that a lift model is asked for, whose pixels come from another model."""
    export_blob_detector(tmp_path)
    export_statue(tmp_path, partners={'detector': 'blobs'})

    def ask(**kind):
        export_sculptor(tmp_path, skeleton=COCO19, partners={'crop': 'statue'}, **kind)
        return MeshPose.open(Options(model=str(tmp_path / 'sculptor.yaml'), threads=1))

    return ask


def test_who_asks_for_a_lift_model_gets_its_joints(asked):
    chain = asked()
    (person,) = chain(scene(120), PINHOLE)
    assert chain.skeleton is person.pose.skeleton
    assert person.pose.skeleton.names == COCO19.names
    # the network says pelvis and neck are at the root, whatever the pixels
    root = person.pose.joints3d[COCO19.index('neck')]
    np.testing.assert_allclose(person.pose.joints3d[:17], STANDING + root, atol=1e-4)
    np.testing.assert_allclose(person.mesh.vertices, person.pose.joints3d[:4], atol=1e-4)


def test_joints_alone_are_lifted_too(asked):
    chain = asked(mesh=False)
    (person,) = chain(scene(120), PINHOLE)
    assert person.mesh is None
    assert chain.topology is None
    root = person.pose.joints3d[COCO19.index('neck')]
    np.testing.assert_allclose(person.pose.joints3d[:17], STANDING + root, atol=1e-4)


def test_who_cannot_be_lifted_keeps_the_joints_that_were_found(tmp_path, opened):
    card = export_sculptor(tmp_path, skeleton=COCO19)
    people = [seen_by(PINHOLE, root) for root in ROOTS]
    people[1].pose.joints2d[3] = people[1].pose.joints3d[3] = np.nan
    _, second, _ = lift_stage_of(opened(card), card).people(people)
    assert second.pose.skeleton.names == COCO19.names
    assert second.mesh is None
    known = np.delete(np.arange(17), 3)
    np.testing.assert_allclose(second.pose.joints3d[known], people[1].pose.joints3d[known])
    hips = people[1].pose.joints3d[11:13].mean(axis=0)
    np.testing.assert_allclose(second.pose.joints3d[COCO19.index('pelvis')], hips)


def test_joints_alone_are_no_partner_that_makes_meshes(tmp_path):
    export_blob_detector(tmp_path)
    export_sculptor(tmp_path, mesh=False)
    export_statue(tmp_path, partners={'detector': 'blobs', 'lift': 'sculptor'})
    with pytest.raises(ModelError, match='sculptor makes no meshes'):
        MeshPose.open(Options(model=str(tmp_path / 'statue.yaml')))


def test_a_joint_behind_the_camera_has_no_ray(sculptor):
    person = seen_by(PINHOLE, ROOTS[0])
    person.pose.joints3d[9] = (0.2, 0.3, -0.05)
    (found,) = sculptor.lifted([person.pose])
    np.testing.assert_allclose(found.pose.joints3d, STANDING + ROOTS[0], atol=1e-4)


def scene(x):
    image = np.zeros((480, 640, 3), np.uint8)
    image[100:340, x : x + 90] = (255, 0, 0)
    return image


def test_meshes_in_the_chain_follow_smoothed_joints(tmp_path):
    export_blob_detector(tmp_path)
    export_statue(tmp_path, partners={'detector': 'blobs'})
    export_sculptor(tmp_path, partners={'crop': 'statue'})
    jumps = [120, 160, 120, 160, 120, 160]
    travels = {}
    for smooth in (True, False):
        options = Options(
            model=str(tmp_path / 'sculptor.yaml'),
            threads=1,
            smoothing=SmoothingOptions(enabled=smooth),
        )
        pose = MeshPose.open(options)
        meshes = [pose(scene(x), PINHOLE, i / 15)[0].mesh.vertices for i, x in enumerate(jumps)]
        travels[smooth] = np.abs(np.diff(np.stack(meshes)[:, :, 0], axis=0)).mean()
    assert travels[True] < 0.8 * travels[False]


def test_the_command_lifts_several_people_from_a_file(tmp_path):
    card = export_sculptor(tmp_path)
    pixels = np.stack([seen_by(PINHOLE, root).pose.joints2d for root in ROOTS[:2]])
    np.save(tmp_path / 'input.npy', pixels)
    camera = {
        'fx': PINHOLE.intrinsics[0, 0], 'fy': PINHOLE.intrinsics[1, 1],
        'cx': PINHOLE.intrinsics[0, 2], 'cy': PINHOLE.intrinsics[1, 2],
    }  # fmt: skip
    (tmp_path / 'camera.json').write_text(json.dumps(camera))
    done = subprocess.run(
        [sys.executable, '-m', 'mesh_pose_ros.cli', 'lift', tmp_path / 'input.npy', '--model',
         card.path, '--size', '640x480', '--camera', tmp_path / 'camera.json', '--out',
         tmp_path / 'out', '--json', tmp_path / 'people.jsonl'], capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    people = json.loads((tmp_path / 'people.jsonl').read_text())['people']
    for root, person in zip(ROOTS, people, strict=False):
        joints = [person['joints3d_cam_mm'][name] for name in COCO17.names]
        np.testing.assert_allclose(np.array(joints) / 1000, STANDING + root, atol=1e-3)
    assert len(people) == 2
    names = {path.name for path in (tmp_path / 'out').iterdir()}
    assert names == {'input.obj', 'input_overlay.jpg', 'input_views.png'}


@pytest.mark.parametrize('shape', [(5, 2), (2, 17, 5), (17,)])
def test_a_file_of_another_shape_is_refused(tmp_path, shape):
    card = export_sculptor(tmp_path)
    np.save(tmp_path / 'input.npy', np.zeros(shape))
    done = subprocess.run(
        [sys.executable, '-m', 'mesh_pose_ros.cli', 'lift', tmp_path / 'input.npy', '--model',
         card.path], capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 3
    assert 'the joints of coco17' in done.stderr
