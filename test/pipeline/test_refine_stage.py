"""Poses are refined by what is remembered of each person, and of nobody else."""

from dataclasses import replace

import numpy as np
import pytest
from toy_models import GROWTH, SIDE, export_blob_detector, export_diary, export_statue
from toy_people import STANDING, camera_with, seen_by

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.people import Box, Person, Pose
from mesh_pose_ros.pipeline.correction import CorrectionNetwork, CorrectionOptions, Corrector
from mesh_pose_ros.pipeline.mesh_pose import MeshPose, Options
from mesh_pose_ros.pipeline.refine_stage import (
    MARGIN,
    RefineStage,
    corrector_of,
    square_round,
)
from mesh_pose_ros.pipeline.tracking import TrackingOptions
from mesh_pose_ros.skeletons import COCO17, H36M16

CAMERA = camera_with('plumb_bob')
GREY = np.full((480, 640, 3), 90, np.uint8)
ANN = seen_by(CAMERA, [0.4, 0.1, 4.0], track_id=7)
BOB = seen_by(CAMERA, [-0.5, 0.0, 5.0], track_id=3)
JOINTS, HIDDEN = len(COCO17), 6


@pytest.fixture
def stage(tmp_path, opened):
    def make(**options):
        card = export_diary(tmp_path, options=options)
        return RefineStage(opened(card), card)

    return make


def remembered(person, wanted):
    """How many pictures before this one the network knew of, from the size it gave the person."""
    depth = np.median(person.pose.joints3d[:, 2]) / np.median(wanted.pose.joints3d[:, 2])
    return round((depth - 1) / GROWTH)


def test_a_pose_that_was_right_stays_where_it_was(stage):
    box = Box(330, 150, 90, 220)
    own = CAMERA.looking_at(square_round(box, MARGIN), SIDE)
    joints = own.to_optical(STANDING) + np.array([0.5, 0.1, 4.0])
    pose = Pose(COCO17, CAMERA.project(joints), joints, np.ones(17))
    (person,) = stage()(GREY, CAMERA, [Person(box, 0.9, pose, track_id=1)], 0.0)
    np.testing.assert_allclose(person.pose.joints3d, joints, atol=1e-5)
    np.testing.assert_allclose(person.pose.joints2d, pose.joints2d, atol=1e-3)


def test_everybody_has_a_memory_of_their_own(stage):
    refine = stage()
    refine(GREY, CAMERA, [ANN], 0.0)
    refine(GREY, CAMERA, [ANN, BOB], 0.1)
    bob, ann = refine(GREY, CAMERA, [BOB, ANN], 0.2)  # the other way round
    assert (bob.track_id, ann.track_id) == (3, 7)
    assert remembered(ann, ANN) == 2
    assert remembered(bob, BOB) == 1


def test_who_was_lost_begins_anew(stage):
    refine = stage(patience=0.5)
    for stamp in (0.0, 0.1, 0.5):  # a short gap is none
        (ann,) = refine(GREY, CAMERA, [ANN], stamp)
    assert remembered(ann, ANN) == 2
    (ann,) = refine(GREY, CAMERA, [ANN], 1.1)
    assert remembered(ann, ANN) == 0


def test_another_track_begins_with_nothing(stage):
    refine = stage()
    refine(GREY, CAMERA, [ANN], 0.0)
    (other,) = refine(GREY, CAMERA, [ANN.with_(track_id=8)], 0.1)
    assert remembered(other, ANN) == 0


@pytest.mark.parametrize('forget', ['time goes back', 'reset'])
def test_it_forgets(stage, forget):
    refine = stage()
    refine(GREY, CAMERA, [ANN], 5.0)
    if forget == 'reset':
        refine.reset()
    (ann,) = refine(GREY, CAMERA, [ANN], 4.9 if forget == 'time goes back' else 5.1)
    assert remembered(ann, ANN) == 0


def test_many_people_are_seen_as_each_alone(stage):
    together = stage()(GREY, CAMERA, [ANN, BOB], 0.0)
    for person, alone in zip(together, (ANN, BOB), strict=True):
        (single,) = stage()(GREY, CAMERA, [alone], 0.0)
        np.testing.assert_allclose(person.pose.joints3d, single.pose.joints3d, atol=1e-6)


def test_a_person_that_cannot_be_looked_at_keeps_the_pose(stage):
    lost = ANN.with_(box=Box(0, 0, 0, 0))
    (person,) = stage()(GREY, CAMERA, [lost], 0.0)
    np.testing.assert_allclose(person.pose.joints3d, ANN.pose.joints3d)


def test_a_pose_that_fits_no_joints_stays_with_the_person(stage):
    """Joints seen three times as far apart would put the person three times as near."""
    pixels = ANN.pose.joints2d
    pose = replace(ANN.pose, joints2d=pixels + 2 * (pixels - pixels.mean(axis=0)))
    (person,) = stage()(GREY, CAMERA, [ANN.with_(pose=pose)], 0.0)
    np.testing.assert_allclose(person.pose.pelvis, ANN.pose.pelvis, atol=1e-6)
    own = CAMERA.looking_at(square_round(ANN.box, MARGIN), SIDE)
    joints = own.to_optical(STANDING)
    np.testing.assert_allclose(
        person.pose.joints3d - person.pose.joints3d[0], joints - joints[0], atol=1e-5
    )


def test_a_person_whose_place_is_unknown_is_placed_by_the_joints(stage):
    unknown = replace(ANN.pose, joints3d=np.full_like(ANN.pose.joints3d, np.nan))
    (person,) = stage()(GREY, CAMERA, [ANN.with_(pose=unknown)], 0.0)
    (known,) = stage()(GREY, CAMERA, [ANN], 0.0)
    np.testing.assert_allclose(person.pose.joints3d, known.pose.joints3d)


def test_nobody_is_nobody(stage):
    assert stage()(GREY, CAMERA, [], 0.0) == []


def random_network():
    generator = np.random.default_rng(0)
    numbers, layers = 3 * JOINTS, {}
    sizes = {
        'refine1': (numbers, HIDDEN), 'refine2': (HIDDEN, numbers),
        'project1': (numbers, HIDDEN), 'project2': (HIDDEN, HIDDEN),
        'project3': (HIDDEN, HIDDEN), 'project4': (HIDDEN, 2 * JOINTS),
    }  # fmt: skip
    for name, (before, after) in sizes.items():
        layers[f'{name}_weight'] = generator.normal(0, 0.3, (before, after)).astype(np.float32)
        layers[f'{name}_bias'] = generator.normal(0, 0.1, after).astype(np.float32)
    low = np.full((JOINTS, 3), -1.0, np.float32)
    return layers | {'low': low, 'high': -low}


def test_a_correction_is_read_as_the_card_says(tmp_path, opened):
    np.savez(tmp_path / 'bend.npz', **random_network())
    told = {'steps': 3, 'carried': True, 'returned': 'before'}
    card = export_diary(tmp_path, options={'correction': 'bend.npz', 'correct': told})
    network, correct = corrector_of(card)
    options = CorrectionOptions(steps=3, carried=True, returned='before')
    alone = Corrector(CorrectionNetwork.from_arrays(random_network()), COCO17.parents, options)
    coarse = np.random.default_rng(1).uniform(0, 1, 3 * JOINTS)
    places, seen = np.random.default_rng(2).uniform(0, 1, (JOINTS, 2)), np.arange(JOINTS) > 4
    np.testing.assert_array_equal(
        correct(coarse, places, seen).pose, alone(coarse, places, seen).pose
    )
    assert network.metres(coarse).shape == (JOINTS, 3)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'correction': 'nowhere.npz'}, 'nowhere.npz.*is missing'),
        ({'correction': 'bend.npz', 'correct': {'speed': 3}}, 'not a correction'),
        ({'correction': 'bend.npz', 'correct': {'steps': -1}}, 'must not be negative'),
    ],
)
def test_a_correction_that_cannot_be_is_refused(tmp_path, opened, options, message):
    np.savez(tmp_path / 'bend.npz', **random_network())
    card = export_diary(tmp_path, options=options)
    with pytest.raises(ModelError, match=message):
        RefineStage(opened(card), card)


def test_a_card_without_a_memory_is_refused(tmp_path, opened):
    card = replace(export_diary(tmp_path), options={})
    with pytest.raises(ModelError, match='must say image, skeleton and memory'):
        RefineStage(opened(card), card)


def scene(x=120):
    image = np.zeros((480, 640, 3), np.uint8)
    image[100:340, x : x + 90] = (255, 0, 0)
    return image


@pytest.fixture
def chain(tmp_path):
    export_blob_detector(tmp_path)
    export_statue(tmp_path, partners={'detector': 'blobs'})
    export_diary(tmp_path, partners={'crop': 'statue'})
    return str(tmp_path / 'diary.yaml')


def test_a_refine_model_is_asked_for_and_brings_its_crop_model(chain):
    pose = MeshPose.open(Options(model=chain, threads=1))
    assert pose.model_id == 'diary'
    depths = []
    for i in range(4):
        (person,) = pose(scene(120 + 2 * i), CAMERA, stamp=i / 10)
        depths.append(np.median(person.pose.joints3d[:, 2]))
    assert 'refine' in pose.timings
    assert np.all(np.diff(depths) > 0)


def test_pictures_of_strangers_share_no_memory(chain):
    options = Options(model=chain, threads=1, tracking=TrackingOptions(enabled=False))
    pose = MeshPose.open(options)
    found = [pose(scene(), CAMERA, stamp=i / 10)[0] for i in range(3)]
    np.testing.assert_array_equal(found[0].pose.joints3d, found[2].pose.joints3d)


def test_joints_that_a_pose_lacks_are_not_made_up(tmp_path, opened):
    card = replace(export_diary(tmp_path), skeleton=H36M16)
    look = RefineStage(opened(replace(card, skeleton=COCO17)), card)._joints_of(ANN.pose)
    sure = dict(zip(H36M16.names, look[1], strict=True))
    assert {name for name, value in sure.items() if value == 0} == {'head_top', 'torso'}
