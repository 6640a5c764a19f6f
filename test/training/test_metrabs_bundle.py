"""A published folder becomes a network and a call; a broken one says what is wrong."""

import os
import pickle
import shutil

import numpy as np
import pytest
import torch
import yaml
from parity import official_state

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.geometry.reconstruction import PUBLISHED, Rule
from mesh_pose_ros.people import Box
from mesh_pose_ros.pipeline.pose_estimator import Options, Shot
from training.checkpoints import CheckpointError
from training.metrabs_bundle import MetrabsBundle, mirror_of
from training.networks.metrabs import Metrabs, MetrabsSettings

NAMES = ('pelv', 'lhip_coco', 'rhip_coco', 'neck', 'lone')
CONFIG = {
    'proc_side': 64,
    'stride_train': 32,
    'stride_test': 32,
    'centered_stride': False,
    'legacy_centered_stride_bug': True,
    'efficientnet_size': 's',
    'backbone': 'efficientnetv2-s',
    'depth': 8,
    'box_size_mm': 2200,
    'weak_perspective': False,
    'mix_3d_inside_fov': 0.5,
    'affine_weights': None,
    'transform_coords': False,
    'predict_all_and_latents': False,
}
SKELETONS = {
    '': {'indices': list(range(7)), 'names': [*NAMES, 'kinect1', 'kinect2'], 'edges': []},
    'legs_3': {
        'indices': np.array([0, 1, 6]),
        'names': np.array(['pelv', 'lhip', 'kinect2']),
        'edges': [(0, 1), np.array([1, 2])],
    },
}
MIXING = np.concatenate([np.eye(5), np.full((5, 2), 0.2)], axis=1)


@pytest.fixture(scope='module')
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp('metrabs_eff2s_64px')
    (folder / 'config.yaml').write_text(yaml.safe_dump(CONFIG))
    np.savez(folder / 'joint_info.npz', joint_names=NAMES, joint_edges=[[0, 1], [0, 2]])
    np.save(folder / 'joint_transform_matrix.npy', MIXING)
    (folder / 'skeleton_infos.pkl').write_bytes(pickle.dumps(SKELETONS))
    with torch.device('meta'):
        ours = Metrabs(MetrabsSettings(5, 64)).state_dict()
    shapes = {
        name.replace('trunk.', 'backbone.1.').replace(
            'heads.maps', 'heatmap_heads.conv_final'
        ): tuple(array.shape)
        for name, array in ours.items()
    }
    torch.save(official_state(shapes, 'metrabs', salt=''), folder / 'ckpt.pt')
    return folder


@pytest.fixture
def folder(published, tmp_path):
    """A copy to break."""
    return shutil.copytree(published, tmp_path / 'broken')


def test_settings_are_those_of_the_config(published):
    bundle = MetrabsBundle.load(published)
    assert bundle.settings == MetrabsSettings(5, 64, centred=False, legacy_shift=True)
    assert bundle.rule == Rule()
    assert bundle.names == NAMES


def test_skeletons_are_found_by_name(published):
    skeletons = MetrabsBundle.load(published).skeletons
    assert skeletons['legs_3'].places == (0, 1, 6)
    assert skeletons['legs_3'].names == ('pelv', 'lhip', 'kinect2')
    assert skeletons['legs_3'].edges == ((0, 1), (1, 2))


def test_left_is_the_mirror_of_right():
    assert mirror_of(NAMES) == (0, 2, 1, 3, 4)


def test_estimates_poses_in_images(published):
    bundle = MetrabsBundle.load(published)
    network, report = bundle.network()
    assert len(report.loaded) + len(report.skipped) == 782
    rng = np.random.default_rng(0)
    camera = Camera(np.array([[90.0, 0, 64], [0, 90, 48], [0, 0, 1]]), (128, 96))
    shot = Shot(rng.integers(0, 256, (96, 128, 3), dtype=np.uint8), camera)
    boxes = [Box(20, 10, 40, 80), Box(90, 20, 20, 50)]
    estimator = bundle.estimator(network)
    every = estimator.estimate_poses(shot, boxes)
    legs = estimator.estimate_poses(shot, boxes, Options(skeleton='legs_3'))
    assert every.poses3d.shape == (2, 7, 3)
    np.testing.assert_allclose(legs.poses3d, every.poses3d[:, [0, 1, 6]])
    np.testing.assert_allclose(every.poses3d[:, 5], every.poses3d[:, :5].mean(axis=1))


def test_people_move_each_other_only_in_the_authors_way(published):
    bundle = MetrabsBundle.load(published)
    network, _ = bundle.network()
    shot = Shot(np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8))
    boxes = [Box(20, 10, 40, 80), Box(90, 20, 10, 12)]
    for rule, same in ((None, True), (PUBLISHED, False)):
        estimator = bundle.estimator(network, rule)
        both = estimator.estimate_poses(shot, boxes).poses3d[0]
        alone = estimator.estimate_poses(shot, boxes[:1]).poses3d[0]
        assert np.allclose(both, alone, atol=1e-4) == same


@pytest.mark.parametrize(
    'name',
    ['config.yaml', 'joint_info.npz', 'joint_transform_matrix.npy', 'skeleton_infos.pkl'],
)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=f'{name}: there is no such file'):
        MetrabsBundle.load(folder)


@pytest.mark.parametrize(
    'name',
    ['config.yaml', 'joint_info.npz', 'joint_transform_matrix.npy', 'skeleton_infos.pkl'],
)
def test_a_broken_file_is_named(folder, name):
    (folder / name).write_bytes(b'{')
    with pytest.raises(CheckpointError, match=f'{name}: cannot be read'):
        MetrabsBundle.load(folder)


def test_a_pickle_that_would_run_something_is_refused(folder):
    class Bad:
        def __reduce__(self):
            return os.mkdir, (str(folder / 'ran'),)

    (folder / 'skeleton_infos.pkl').write_bytes(pickle.dumps({'': Bad()}))
    with pytest.raises(CheckpointError, match=r'mkdir; only arrays and text'):
        MetrabsBundle.load(folder)
    assert not (folder / 'ran').exists()


def test_weights_of_other_joints_are_refused(folder):
    np.savez(folder / 'joint_info.npz', joint_names=NAMES[:4])
    np.save(folder / 'joint_transform_matrix.npy', MIXING[:4])
    with pytest.raises(CheckpointError, match=r'ckpt\.pt: other shapes: .*conv_final'):
        MetrabsBundle.load(folder).network()


def test_joints_that_do_not_fit_the_matrix_are_refused(folder):
    np.save(folder / 'joint_transform_matrix.npy', MIXING[:4])
    with pytest.raises(CheckpointError, match=r'\(4, 7\), but there are 5 joints'):
        MetrabsBundle.load(folder)
    np.save(folder / 'joint_transform_matrix.npy', MIXING[:, :6])
    with pytest.raises(CheckpointError, match='has joints that'):
        MetrabsBundle.load(folder)


def test_latent_points_are_refused(folder):
    (folder / 'config.yaml').write_text(yaml.safe_dump({**CONFIG, 'transform_coords': True}))
    with pytest.raises(CheckpointError, match='latent points'):
        MetrabsBundle.load(folder)
