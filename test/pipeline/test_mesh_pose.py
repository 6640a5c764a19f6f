"""The whole way, from pixels to people, with networks the package has never heard of."""

from dataclasses import replace

import numpy as np
import pytest
from toy_models import export_blob_detector, export_echo_lift, export_statue
from toy_people import camera_with

from mesh_pose_ros.errors import BackendUnavailableError, BadCameraError, BadImageError, ModelError
from mesh_pose_ros.people import Box, TrackState
from mesh_pose_ros.pipeline.detection import DetectionOptions
from mesh_pose_ros.pipeline.mesh_pose import STAGES, MeshPose, Options
from mesh_pose_ros.pipeline.smoothing import SmoothingOptions
from mesh_pose_ros.pipeline.tracking import TrackingOptions
from mesh_pose_ros.runtime.card import KINDS
from mesh_pose_ros.skeletons import COCO17

CAMERA = camera_with('plumb_bob')
NOBODY = np.zeros((480, 640, 3), np.uint8)


def scene(x=120, second=False):
    """A red person, and perhaps a blue one."""
    image = NOBODY.copy()
    image[100:340, x : x + 90] = (255, 0, 0)
    if second:
        image[140:360, 460:550] = (0, 0, 255)
    return image


@pytest.fixture
def models(tmp_path):
    """A crop model with a detector and a lift model as partners, by path only."""
    export_blob_detector(tmp_path)
    export_echo_lift(tmp_path)
    export_statue(tmp_path, partners={'detector': 'blobs', 'lift': 'echo'})
    return tmp_path


@pytest.fixture
def pose(models):
    return MeshPose.open(Options(model=str(models / 'statue.onnx'), threads=1))


def test_a_model_never_seen_before_runs_by_its_path(pose):
    first, second = pose(scene(second=True), CAMERA)
    assert pose.model_id == 'statue'
    assert pose.skeleton == COCO17
    assert pose.topology.name == 'pyramid'
    for person, middle in ((first, (164.5, 219.5)), (second, (504.5, 249.5))):
        hips = person.pose.joints2d[11:13].mean(axis=0)
        np.testing.assert_allclose(hips, middle, atol=8)
        np.testing.assert_allclose(
            CAMERA.project(person.pose.joints3d)[11:13].mean(axis=0), hips, atol=2
        )
        np.testing.assert_allclose(person.mesh.vertices, person.pose.joints3d, atol=1e-4)
        assert person.pose.joints3d[:, 2].min() > 1


def test_people_are_followed(pose):
    for i in range(6):
        people = pose(scene(x=100 + 10 * i, second=True), CAMERA, stamp=i / 15)
        assert [person.track_id for person in people] == [1, 2]
    assert people[0].state == TrackState.TRACKED
    assert people[0].age == pytest.approx(5 / 15)
    assert people[0].velocity[0] > 0.1 > abs(people[1].velocity[0])


def test_who_is_not_followed_is_not_smoothed_into_others(models):
    alone = Options(model=str(models / 'statue.onnx'), threads=1)
    off = replace(alone, tracking=TrackingOptions(enabled=False))
    pose, fresh = MeshPose.open(off), MeshPose.open(off)
    pose(scene(second=True), CAMERA, stamp=1.0)
    (person,) = pose(scene(x=400), CAMERA, stamp=1.05)
    (same,) = fresh(scene(x=400), CAMERA, stamp=1.05)
    np.testing.assert_array_equal(person.pose.joints3d, same.pose.joints3d)


def test_time_that_goes_back_starts_anew(pose):
    for i in range(4):
        pose(scene(), CAMERA, stamp=10 + i / 15)
    (person,) = pose(scene(x=130), CAMERA, stamp=2.0)
    assert (person.track_id, person.age) == (2, 0.0)
    (fresh,) = MeshPose.open(pose.options)(scene(x=130), CAMERA, stamp=2.0)
    np.testing.assert_array_equal(fresh.pose.joints3d, person.pose.joints3d)


def test_a_frame_without_people_is_nothing_special(pose):
    assert pose(NOBODY, CAMERA) == []
    assert pose(NOBODY, CAMERA, boxes=[]) == []
    assert len(pose(scene(), CAMERA)) == 1


def test_given_boxes_are_taken_as_they_are(pose):
    box = Box(400, 100, 90, 240)
    (person,) = pose(scene(), CAMERA, boxes=[box])  # nobody is there, but somebody says so
    np.testing.assert_array_equal(person.box.xywh, box.xywh)


def test_the_same_frames_give_the_same_people(models):
    runs = []
    for _ in range(2):
        pose = MeshPose.open(Options(model=str(models), threads=1))
        runs.append([pose(scene(x=100 + 9 * i, second=i % 2), CAMERA, i / 10) for i in range(5)])
    for first, second in zip(*runs, strict=True):
        assert [p.track_id for p in first] == [p.track_id for p in second]
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a.pose.joints3d, b.pose.joints3d)


def test_every_stage_tells_its_time(pose):
    pose(scene(), CAMERA)
    assert list(pose.timings) == ['detect', 'crop', 'place', 'track', 'smooth', 'lift']
    assert 0 < pose.inference_time < sum(pose.timings.values())


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        (np.zeros((480, 640), np.uint8), r'\(480, 640\)'),
        (np.zeros((480, 640, 4), np.uint8), r'\(480, 640, 4\)'),
        (np.zeros((480, 640, 3), np.float32), 'float32'),
        (np.zeros((0, 640, 3), np.uint8), 'no pixels'),
        (None, 'NoneType'),
    ],
)
def test_what_is_no_image_is_refused(pose, image, message):
    with pytest.raises(BadImageError, match=message):
        pose(image, CAMERA)


def test_an_image_of_another_size_than_the_camera_is_refused(pose):
    with pytest.raises(BadCameraError, match=r'320 x 240.*640 x 480'):
        pose(NOBODY[::2, ::2], CAMERA)


def test_an_image_that_is_a_view_of_another_will_do(pose):
    mirrored = scene()[:, ::-1]
    (person,) = pose(mirrored, CAMERA)
    assert person.pose.joints2d[:, 0].mean() > 320


def test_some_options_change_on_the_run(pose):
    pose.options = replace(
        pose.options,
        detection=DetectionOptions(max_persons=1),
        tracking=TrackingOptions(enabled=False),
        smoothing=SmoothingOptions(enabled=False),
    )
    for _ in range(2):
        assert [p.track_id for p in pose(scene(second=True), CAMERA)] == [1]
    with pytest.raises(ValueError, match='only detection'):
        pose.options = replace(pose.options, model='other')


def test_without_a_detector_boxes_must_be_given(models):
    pose = MeshPose.open(Options(model=str(models), detector='none', lift='none'))
    with pytest.raises(ModelError, match='statue has no detector'):
        pose(scene(), CAMERA)
    (person,) = pose(scene(), CAMERA, boxes=[Box(120, 100, 90, 240)])
    assert person.mesh is None
    assert pose.topology is None


def test_without_meshes_the_lift_model_need_not_be_there(models):
    (models / 'echo.onnx').unlink()
    assert MeshPose.open(Options(model=str(models), mesh=False))(scene(), CAMERA)
    with pytest.raises(ModelError, match=r'echo\.onnx.*missing'):
        MeshPose.open(Options(model=str(models)))


def test_a_detector_by_path_replaces_the_partner(models, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp('elsewhere')
    export_blob_detector(elsewhere, name='picky', options={'score': 1.1})
    options = Options(model=str(models), detector=str(elsewhere / 'picky.yaml'))
    assert MeshPose.open(options)(scene(), CAMERA) == []


@pytest.mark.parametrize(
    ('options', 'error', 'message'),
    [
        ({'model': 'blobs.yaml'}, ModelError, 'a detector model goes with others'),
        ({'detector': 'echo.yaml'}, ModelError, 'detector is wanted, this is a lift'),
        ({'backend': 'abacus'}, BackendUnavailableError, 'abacus'),
    ],
)
def test_what_does_not_fit_is_told_at_the_start(models, options, error, message):
    paths = {k: str(models / v) if v.endswith('yaml') else v for k, v in options.items()}
    with pytest.raises(error, match=message):
        MeshPose.open(Options(**{'model': str(models), **paths}))


def test_reset_forgets_everybody(pose):
    pose(scene(), CAMERA, stamp=1.0)
    pose.reset()
    assert pose.tracks == ()
    (person,) = pose(scene(), CAMERA, stamp=1.1)
    assert person.track_id == 2


def test_every_stage_serves_a_kind_of_model():
    assert set(STAGES) <= set(KINDS)
