"""From the authors' Caffe model to refined people in a video."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from node_sees import assert_node_sees
from nvidia import assert_compiles
from parity import parity_case
from pose_machine_files import caffe_model, refinement
from published import BOX, mesh_pose, obj_vertices, seen_in_photo
from toy_people import camera_with, seen_by

from mesh_pose_ros.pipeline.adam import NO_MOMENTS
from mesh_pose_ros.pipeline.refine_stage import RefineStage, corrector_of
from mesh_pose_ros.runtime.card import read_card
from mesh_pose_ros.runtime.session import open_session
from mesh_pose_ros.skeletons import H36M16
from training.networks.pose_machine import PoseMachine, PoseMachineSettings
from training.networks.pose_machine_graphs import PictureGraph
from training.systems.pose_machines import SYSTEM
from training.systems.system import Filled, Order, OrderError
from training.systems.writing import write

SMALL = PoseMachineSettings(
    side=72,
    stages=((4, 4), (6, 6), (8, 8, 8, 8), (8, 8, 6, 6, 6, 6, 6)),
    hidden=16,
)
CAMERA = camera_with('pinhole')


@pytest.fixture(scope='module')
def machine():
    torch.manual_seed(0)
    return PoseMachine(SMALL).eval()


@pytest.fixture(scope='module')
def written(machine, tmp_path_factory):
    """The model with its correction on disk; what settings change is in the card alone."""
    folder = tmp_path_factory.mktemp('machine')
    order = Order(folder, 'machine', 'picture')
    (draft,) = SYSTEM.draft(order, Filled({'pose_machine': machine}, {}))
    card, _ = write(draft, order, folder)
    assert read_card(folder / 'machine.yaml') == card
    return card


@pytest.fixture
def stage(machine, written):
    def make(**settings):
        order = Order(written.path, 'machine', 'picture', settings=settings)
        (draft,) = SYSTEM.draft(order, Filled({'pose_machine': machine}, {}))
        card = replace(draft.card, path=written.path, sha256=written.sha256)
        return RefineStage(open_session(card, 'onnxruntime', 1), card), card

    return make


def pictures(count):
    generator = np.random.default_rng(4)
    return generator.integers(0, 256, (count, 480, 640, 3), dtype=np.uint8)


@torch.no_grad()
def test_a_clip_of_a_person_is_what_the_network_says_of_it(stage, machine):
    refine, _ = stage(correction='off')
    person = seen_by(CAMERA, [0.2, 0.1, 4.0], track_id=1)
    look = refine._look(person, CAMERA)
    memory, found, wanted = None, [], []
    for i, picture in enumerate(pictures(4)):
        (one,) = refine(picture, CAMERA, [person], i / 10)
        joints = one.pose.joints3d @ look.own.rotation.T
        found.append(joints - joints[0])
        image = torch.from_numpy(crop_of(picture, look)).float().permute(2, 0, 1)[None, None]
        clip = machine(image, torch.ones(1, 1), memory)
        # the layer back in time has nothing to come from
        memory = torch.cat([clip.memory[:, :2], torch.zeros_like(clip.memory[:, 2:])], dim=1)
        metres = machine.metres(clip.refined)[0, 0].numpy()
        wanted.append(metres - metres[0])
    np.testing.assert_allclose(found, wanted, atol=2e-3)
    assert np.abs(found[3] - found[0]).max() > 1e-3


def test_the_correction_brings_the_projection_nearer_to_what_is_seen(stage):
    refine, card = stage(steps='40', rate='0.003')
    network, correct = corrector_of(card)
    person = seen_by(CAMERA, [0.2, 0.1, 4.0], track_id=1)
    look = refine._look(person, CAMERA)
    coarse = np.full(48, 0.4, np.float32)
    seen = look.confidence >= 0.3
    found = correct(coarse, look.joints2d / 72, seen)
    assert found.losses[-1].sum() < 0.9 * found.losses[0].sum()
    assert network.metres(found.pose).shape == (16, 3)


@pytest.mark.parametrize('correction', ['corrected', 'published', 'off'])
def test_every_correction_gives_people_in_front_of_the_camera(stage, correction):
    refine, card = stage(correction=correction)
    assert ('correction' in card.options) == (correction != 'off')
    person = seen_by(CAMERA, [0.2, 0.1, 4.0], track_id=1)
    (found,) = refine(pictures(1)[0], CAMERA, [person], 0.0)
    assert found.pose.skeleton == H36M16
    assert (found.pose.joints3d[:, 2] > 0).all()
    assert refine.skeleton == H36M16


def test_settings_that_mean_nothing_are_refused(stage):
    for wrong, message in (
        ({'rate': 'fast'}, 'rate'),
        ({'correction': 'yes'}, 'correction'),
        ({'clip': '1'}, 'whole number of at least 2'),
        ({'clip': '2.5'}, 'whole number'),
        ({'clip': '5', 'carries_back': 'yes'}, 'begins with nothing'),
    ):
        with pytest.raises(OrderError, match=message):
            stage(**wrong)


@torch.no_grad()
@pytest.mark.parametrize('correction', ['corrected', 'published'])
def test_people_are_corrected_as_each_of_them_alone(stage, machine, correction):
    """Adam's means are one person's, carried where the authors carry them."""
    refine, card = stage(correction=correction)
    network, correct = corrector_of(card)
    ann, bob = (
        seen_by(CAMERA, [x, 0.1, 4.0], track_id=i) for i, x in enumerate((0.4, -0.5), start=1)
    )
    for person in (ann, bob):
        seen_alone = corrected_alone(machine, correct, refine, person, 3)
        refine.reset()
        for i, (picture, wanted) in enumerate(zip(pictures(3), seen_alone, strict=True)):
            order = [ann, bob] if i % 2 else [bob, ann]
            found = {one.track_id: one for one in refine(picture, CAMERA, order, i / 10)}
            look = refine._look(person, CAMERA)
            joints = found[person.track_id].pose.joints3d @ look.own.rotation.T
            metres = network.metres(wanted)
            np.testing.assert_allclose(joints - joints[0], metres - metres[0], atol=2e-3)


def corrected_alone(machine, correct, refine, person, count):
    """What network and correction say of each picture of one person."""
    look, memory, moments = refine._look(person, CAMERA), torch.zeros(1, 2, 16), NO_MOMENTS
    for picture in pictures(count):
        crop = torch.from_numpy(crop_of(picture, look))[None]
        _, _, coarse, memory = PictureGraph(machine)(crop, memory)
        told = correct(coarse[0].numpy(), look.joints2d / 72, look.confidence >= 0.3, moments)
        moments = told.moments
        yield told.pose


def crop_of(picture, look):
    return cv2.warpPerspective(
        picture, look.own.homography(CAMERA), look.own.size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )  # fmt: skip


@pytest.mark.slow
def test_from_the_caffe_model_to_people_in_a_video(tmp_path):
    model = caffe_model(tmp_path / 'mask3d_iter_400000.caffemodel')
    pickled = refinement(tmp_path / 'mask3d-400000.pkl', factor=0.5)
    told = mesh_pose(
        'export', '--system', 'pose_machines', '--checkpoint', model, '--out', tmp_path / 'model',
        '--set', f'refinement={pickled}', '--set', 'crop=own_pose',
    )  # fmt: skip
    assert 'mask3d-400000.pkl: 12 arrays loaded' in told
    assert_compiles(tmp_path / 'model' / 'pose_machines.yaml')
    assert_node_sees(tmp_path / 'model', 16, 5959)
    with np.load(tmp_path / 'model' / 'pose_machines_correction.npz') as file:
        ranges = parity_case('pose_machines/refine_tf.npz')
        np.testing.assert_allclose(file['high'].ravel(), ranges['max16'] / 1000, atol=1e-6)
        assert file['refine1_weight'].shape == (48, 1024)
    video = tmp_path / 'clip.mp4'
    write_clip(video)
    mesh_pose(
        'video', video, '--model', tmp_path / 'model', '--detector', 'own_detector', '--fov', '60',
        '--json', tmp_path / 'people.jsonl', '--out', tmp_path / 'overlay.mp4',
    )  # fmt: skip
    lines = [json.loads(line) for line in (tmp_path / 'people.jsonl').read_text().splitlines()]
    people = [person for line in lines for person in line['people']]
    assert people
    for person in people:
        assert set(H36M16.names) <= set(person['joints3d_cam_mm'])
    assert (tmp_path / 'overlay.mp4').stat().st_size > 1000
    standing = seen_in_photo(tmp_path / 'model', tmp_path / 'photo')
    joints = np.array([standing['joints3d_cam_mm'][name] for name in H36M16.names])
    assert np.isfinite(joints).all()
    left, top, width, height = BOX
    across, down = np.array(standing['joints2d']['pelvis']) - (left, top)
    assert 0 < across < width
    assert 0 < down < height
    assert obj_vertices(tmp_path / 'photo').shape[1] == 3
    assert cv2.imread(str(tmp_path / 'photo' / 'out' / 'photo_overlay.jpg')).shape == (480, 640, 3)


def write_clip(path):
    """The first frames of the demo."""
    source = cv2.VideoCapture(str(Path(__file__).parents[3] / 'demo' / 'people.mp4'))
    size = tuple(int(source.get(k)) for k in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    sink = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 15, size)
    for _ in range(4):
        sink.write(source.read()[1])
    sink.release()
