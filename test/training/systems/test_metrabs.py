"""From MeTRAbs' files to people in a photograph, by the command line and by the Python calls."""

import re
import sys
from dataclasses import replace

import cv2
import numpy as np
import onnx
import pytest
import torch
from metrabs_files import COUNT, NAMES, SMPL, TINY, mixing, write_folder
from node_sees import assert_node_sees
from nvidia import assert_compiles
from parity import parity_file, tensorflow_state
from published import BOX, CAMERA, mesh_pose, obj_vertices, photo, seen_in_photo

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.geometry.reconstruction import PUBLISHED_2020, reconstructed
from mesh_pose_ros.people import Box
from mesh_pose_ros.pipeline.joint_sets import JointSets
from mesh_pose_ros.pipeline.pose_estimator import Options, PoseEstimator, Shot
from mesh_pose_ros.runtime.card import read_card
from training.checkpoints import fill
from training.metrabs_bundle import MetrabsBundle
from training.networks import efficientnet_v2
from training.networks.metrabs import TENSORFLOW_NAMING, Metrabs, MetrabsSettings, only_joints
from training.systems import export, metrabs
from training.systems.system import Order
from training.tensorflow_arrays import in_torch_layout

K = [[CAMERA['fx'], 0, CAMERA['cx']], [0, CAMERA['fy'], CAMERA['cy']], [0, 0, 1]]
CURVED = Camera(np.array(K), (640, 480), (-0.2, 0.05, 0.001, -0.002, 0.01))
BOXES = [Box(*BOX), Box(420, 200, 90, 230)]
SPACE, PIXELS = 1e-3, 0.05  # metres and pixels: float32 in two libraries
PUBLISHED_LAYOUT = efficientnet_v2.LAYOUTS['s']
VARIABLES = 'metrabs/resnet50v2_tf2020_vars.txt'


@pytest.fixture(scope='module')
def small():
    """Networks of the usual make, but with few channels, as long as this module is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(efficientnet_v2.LAYOUTS, 's', TINY)
        yield


@pytest.fixture
def large(monkeypatch):
    """Networks as large as they are published, whatever other tests made of them."""
    monkeypatch.setitem(efficientnet_v2.LAYOUTS, 's', PUBLISHED_LAYOUT)


@pytest.fixture(scope='module')
def folder(small, tmp_path_factory):
    network = Metrabs(MetrabsSettings(COUNT, 128))
    return write_folder(tmp_path_factory.mktemp('metrabs') / 'published', network)


def export_here(*arguments):
    """Run `mesh_pose export` in this process, where networks may be small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', ['export', '--system', 'metrabs', *map(str, arguments)])
        export.main()


@pytest.fixture(scope='module')
def model(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp('model')
    export_here('--checkpoint', folder, '--out', out)
    return out


@pytest.fixture(scope='module')
def shot(tmp_path_factory):
    picture = photo(tmp_path_factory.mktemp('photo'))
    return Shot(cv2.imread(str(picture))[..., ::-1].copy(), CURVED)


def in_torch(folder, rule=None):
    bundle = MetrabsBundle.load(folder)
    return bundle.estimator(bundle.network()[0], rule)


def assert_same(found, wanted):
    assert np.ptp(wanted.poses3d, axis=-2).max() > 0.1  # no heap of joints
    assert (wanted.poses3d[..., 2] > 0.5).all()
    np.testing.assert_allclose(found.poses3d, wanted.poses3d, atol=SPACE)
    np.testing.assert_allclose(found.poses2d, wanted.poses2d, atol=PIXELS)


def test_a_photo_has_the_joints_that_the_network_in_torch_says(folder, model, tmp_path):
    assert read_card(model / 'metrabs.yaml').skeleton.name == 'smpl24'
    person = seen_in_photo(model, tmp_path)
    image = cv2.imread(str(tmp_path / 'photo.png'))[..., ::-1].copy()
    shot = Shot(image, Camera(np.array(K), (640, 480)))
    wanted = in_torch(folder).estimate_poses(shot, BOXES[:1], Options(skeleton='smpl_24'))
    joints = read_card(model / 'metrabs.yaml').skeleton.names
    found = np.array([person['joints3d_cam_mm'][name] for name in joints]) / 1000
    np.testing.assert_allclose(found, wanted.poses3d[0], atol=SPACE)
    found = np.array([person['joints2d'][name][:2] for name in joints])
    np.testing.assert_allclose(found, wanted.poses2d[0], atol=PIXELS)
    assert (tmp_path / 'out' / 'photo_overlay.jpg').stat().st_size > 1000
    assert len(obj_vertices(tmp_path)) > 1000  # the body that is made of the joints


@pytest.mark.parametrize(
    'options',
    [
        Options(),
        Options(num_aug=1, antialias_factor=2),
        Options(num_aug=3, average_aug=False, skeleton='face_4', internal_batch_size=4),
        Options(num_aug=2, roll=1.0, undistort_steps=5),
    ],
    ids=lambda options: f'{options.num_aug} views',
)
def test_an_exported_folder_opens_as_an_estimator(folder, model, shot, options):
    found = PoseEstimator.open(model).estimate_poses(shot, BOXES, options)
    assert_same(found, in_torch(folder).estimate_poses(shot, BOXES, options))


def test_an_estimator_knows_its_joints(model):
    estimator = PoseEstimator.open(model)
    assert estimator.joint_names['smpl_24'] == SMPL
    assert estimator.joint_edges['face_4'] == ((2, 0), (2, 1), (3, 2))
    assert len(estimator.joint_names['']) == COUNT + 2


def test_the_network_can_do_without_the_joints_of_other_sets(folder, shot, tmp_path):
    export_here(
        '--checkpoint', folder, '--out', tmp_path, '--name', 'face', '--set', 'skeleton=face_4',
        '--set', 'place_by=skeleton',
    )  # fmt: skip
    card = read_card(tmp_path / 'face.yaml')
    assert set(card.partners) == {'detector'}  # a face has no hips to hang a body on
    # the eyes, the nose, and the shoulders whose middle is wanted
    given = {value.name: value for value in onnx.load(card.path).graph.output}
    assert given['joints2d'].type.tensor_type.shape.dim[1].dim_value == 5
    assert card.skeleton.names == ('left_eye', 'right_eye', 'nose', 'mid_shoulders')
    assert card.skeleton.parents == (-1, 2, 0, 2)  # from the first joint, there is no pelvis
    kept = [16, 17, 24, 25, 26]
    bundle = MetrabsBundle.load(folder)
    places = bundle.skeletons['face_4'].places
    every = bundle.estimator(only_joints(bundle.network()[0], kept))
    light = replace(every, mirror=(1, 0, 2, 4, 3), mixing=mixing()[np.ix_(kept, places)])
    found = PoseEstimator.open(tmp_path).estimate_poses(shot, BOXES, Options(skeleton='face_4'))
    assert_same(found, replace(light, skeletons={}).estimate_poses(shot, BOXES))


WEIGHTS = [  # settings, the network's, options of the card
    ({}, {}, {'in_view': [24.0, 104.0], 'perspective': 'full', 'ray_share': 0.5, 'ridge': 0.01}),
    (
        {'centred': 'no', 'legacy_shift': 'yes', 'span': '2.0', 'training_stride': '16'},
        {'centred': False, 'legacy_shift': True, 'span': 2.0, 'training_stride': 16},
        {'in_view': [4.0, 108.0]},
    ),
    (
        {'perspective': 'weak', 'ray_share': '1', 'ridge': '0', 'margin': '1', 'together': 'yes'},
        {},
        {'in_view': [32.0, 96.0], 'perspective': 'weak', 'ray_share': 1.0, 'ridge': 0.0},
    ),
    (
        {'views': '1', 'antialias': '2', 'roll': '0', 'plausible': 'no', 'undistort_steps': '5'},
        {},
        {'views': 1, 'antialias': 2, 'roll': 0.0, 'plausible': False, 'undistort_steps': 5},
    ),
]


@pytest.mark.parametrize(('told', 'network', 'options'), WEIGHTS)
def test_weights_alone_are_what_settings_say(folder, told, network, options):
    settings = {'names': ','.join(NAMES), 'side': '128', **told}
    order = Order(folder / 'ckpt.pt', 'alone', 'efficientnet_v2_s', settings=settings)
    found = metrabs.filled(order)
    (draft,) = metrabs.drafts(order, found)
    wanted = MetrabsSettings(COUNT, 128, **network)
    assert found.networks['metrabs'].settings == wanted
    assert {name: draft.card.options[name] for name in options} == options
    assert draft.card.options['joints'] == 'alone_joints.npz'
    assert draft.card.skeleton.name == 'all'
    sets = JointSets.of_arrays(draft.beside['joints'])
    assert sets.names == sets.sets[''].names == NAMES
    assert sets.mirror[:3] == (0, 2, 1)


def test_smpl_joints_come_with_the_lengths_of_their_bones(folder):
    order = Order(folder, 'm', 'folder')
    (draft,) = metrabs.drafts(order, metrabs.filled(order))
    sets = JointSets.of_arrays(draft.beside['joints'])
    assert len(sets.bone_lengths) == 23
    assert sets.bone_lengths[SMPL.index('lhip'), SMPL.index('lkne')] == pytest.approx(
        0.381, abs=1e-3
    )


MISTAKES = [
    (['--variant', 'efficientnet_v2_s'], 'ckpt.pt', 'names is needed'),
    (['--variant', 'efficientnet_v2_s', '--set', 'names=a,b'], 'ckpt.pt', 'names has 2 joints'),
    (['--variant', 'efficientnet_v2_s', '--set', 'stride=8'], 'ckpt.pt', 'must be one of 32'),
    ([], 'ckpt.pt', 'is no folder; for a weight file alone give --variant'),
    (['--set', 'side=256'], '.', 'side: the published folder says this itself'),
    (['--set', 'skeleton=smpl_25'], '.', 'must be one of all, face_4, smpl_24'),
    (['--set', 'views=1.5'], '.', 'views is .*whole number'),
    (['--set', 'ray_share=-1'], '.', 'ray_share is'),
    (['--set', 'bones=nowhere.txt'], '.', 'bones nowhere.txt: cannot be read'),
    (['--variant', 'resnet50v2_2020'], 'ckpt.pt', 'TensorFlow checkpoint|no such file'),
]


@pytest.mark.parametrize(('words', 'file', 'message'), MISTAKES)
def test_mistakes_are_told_with_their_remedy(folder, tmp_path, capsys, words, file, message):
    with pytest.raises(SystemExit):
        export_here('--checkpoint', folder / file, '--out', tmp_path / 'out', *words)
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith('error: ')
    assert re.search(message, told)
    assert not (tmp_path / 'out').exists()


@pytest.mark.slow
def test_the_published_size_goes_all_the_way(large, tmp_path):
    network = Metrabs(MetrabsSettings(COUNT, 256))
    folder = write_folder(tmp_path / 'metrabs_eff2s', network, proc_side=256)
    told = mesh_pose(
        'export', '--system', 'metrabs', '--checkpoint', folder, '--out', tmp_path / 'out'
    )
    assert 'loaded' in told
    assert_compiles(tmp_path / 'out' / 'metrabs.yaml')
    person = seen_in_photo(tmp_path / 'out', tmp_path / 'photo')
    image = cv2.imread(str(tmp_path / 'photo' / 'photo.png'))[..., ::-1].copy()
    shot = Shot(image, Camera(np.array(K), (640, 480)))
    wanted = in_torch(folder).estimate_poses(shot, BOXES[:1], Options(skeleton='smpl_24'))
    joints = read_card(tmp_path / 'out' / 'metrabs.yaml').skeleton.names
    found = np.array([person['joints3d_cam_mm'][name] for name in joints]) / 1000
    assert np.ptp(wanted.poses3d[0], axis=0).max() > 0.1  # no heap of joints
    np.testing.assert_allclose(found, wanted.poses3d[0], atol=SPACE)
    assert (tmp_path / 'photo' / 'out' / 'photo_overlay.jpg').stat().st_size > 1000
    assert len(obj_vertices(tmp_path / 'photo')) > 1000


@pytest.mark.slow
def test_a_tensorflow_checkpoint_of_2020_goes_all_the_way(tmp_path):
    arrays = tensorflow_state(parity_file(VARIABLES))
    np.savez(tmp_path / 'model.ckpt.npz', **arrays)
    mesh_pose(
        'export', '--system', 'metrabs', '--variant', 'resnet50v2_2020', '--checkpoint',
        tmp_path / 'model.ckpt.npz', '--set', 'names=h36m_17_root_last', '--set', 'views=1',
        '--set', 'plausible=no', '--out', tmp_path / 'out',
    )  # fmt: skip
    card = read_card(tmp_path / 'out' / 'metrabs.yaml')
    assert card.skeleton.names[-1] == 'pelvis'
    assert card.skeleton.parents[-1] == -1
    assert card.options['in_view'] == [32.0, 224.0]
    assert_compiles(tmp_path / 'out' / 'metrabs.yaml')
    assert_node_sees(tmp_path / 'out', 17, 5959)
    person = seen_in_photo(tmp_path / 'out', tmp_path / 'photo')
    joints = np.array([person['joints3d_cam_mm'][n] for n in card.skeleton.names]) / 1000

    network = Metrabs(MetrabsSettings(17, trunk='resnet_v2_50')).eval()
    fill(network, in_torch_layout(arrays), TENSORFLOW_NAMING)
    image = cv2.imread(str(tmp_path / 'photo' / 'photo.png'))[..., ::-1].copy()
    camera = Camera(np.array(K), (640, 480))

    def placed(crops, intrinsics):
        with torch.no_grad():
            told = network(torch.from_numpy(crops).permute(0, 3, 1, 2))
        pixels, offsets = told.joints2d.numpy().astype(float), told.joints3d.numpy()
        ahead = np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1)
        rays = (ahead @ np.linalg.inv(intrinsics).swapaxes(1, 2))[..., :2]
        in_view = ((pixels >= 32) & (pixels <= 224)).all(axis=-1)
        return reconstructed(rays, offsets, in_view, PUBLISHED_2020)

    estimator = PoseEstimator(placed, 256, range(17))
    wanted = estimator.estimate_poses(Shot(image, camera), BOXES[:1], Options(num_aug=1))
    np.testing.assert_allclose(joints, wanted.poses3d[0], atol=SPACE)
    assert len(obj_vertices(tmp_path / 'photo')) > 1000
