"""From the authors' file to people in a photograph, by the command line alone."""

import cv2
import numpy as np
import pytest
import torch
from node_sees import assert_node_sees
from nvidia import assert_compiles
from published import BOX, CAMERA, body_models, checkpoint, mesh_pose, obj_vertices, seen_in_photo

from mesh_pose_ros.geometry.crop_boxes import FlatCrop, grown_box, usual_distance
from mesh_pose_ros.runtime.card import read_card
from training.checkpoints import fill, read_arrays
from training.networks.i2l_meshnet import BODY, HAND, NAMING, I2lMeshNet
from training.networks.rootnet import DEVIATION, MEAN, RootNet
from training.networks.rootnet import NAMING as ROOT_NAMING

FOCAL = np.array([CAMERA['fx'], CAMERA['fy']])
CENTRE = np.array([CAMERA['cx'], CAMERA['cy']])
CELL = 4.0
FLIP = np.array([1, -1, -1])  # optical frame to that of OBJ files


@pytest.fixture(scope='module')
def crop(tmp_path_factory):
    """The crop that the authors' demos cut, and its image."""

    def cut(picture):
        box = grown_box(BOX, (640, 480), (256, 256))
        flat = FlatCrop.of(box, (256, 256))
        image = cv2.cvtColor(cv2.imread(str(picture)), cv2.COLOR_BGR2RGB)
        return flat, flat.cut(image)

    return cut


@pytest.mark.slow
@torch.no_grad()
def test_a_body_at_the_distance_that_rootnet_says(tmp_path, crop):
    out = tmp_path / 'models'
    (tmp_path / 'root').mkdir()
    root_file = checkpoint(tmp_path / 'root', 'rootnet', 'rootnet')
    mesh_pose('export', '--system', 'rootnet', '--checkpoint', root_file, '--out', out)
    file = checkpoint(tmp_path, 'i2l_smpl', 'i2l_meshnet')
    smpl = body_models(tmp_path / 'bodies') / 'smpl' / 'SMPL_NEUTRAL.pkl'
    mesh_pose(
        'export', '--system', 'i2l_meshnet', '--checkpoint', file, '--body-model', smpl,
        '--set', 'mesh=lixel', '--set', 'root=rootnet', '--out', out,
    )  # fmt: skip
    for name in ('rootnet', 'i2l_meshnet'):
        assert_compiles(out / f'{name}.yaml')
    person = seen_in_photo(out / 'i2l_meshnet.yaml', tmp_path / 'photo')
    assert (tmp_path / 'photo' / 'out' / 'photo_overlay.jpg').stat().st_size > 1000
    assert_node_sees(out / 'i2l_meshnet.yaml', 29, 6890)

    flat, seen = crop(tmp_path / 'photo' / 'photo.png')
    pixels = torch.from_numpy(seen).float().permute(2, 0, 1)[None]
    network = I2lMeshNet(BODY).eval()
    fill(network, read_arrays(file), NAMING)
    lixels = network(pixels / 255)
    root = RootNet().eval()
    fill(root, read_arrays(root_file), ROOT_NAMING)
    mean, deviation = (torch.tensor(c)[:, None, None] for c in (MEAN, DEVIATION))
    gamma = root((pixels - mean) / deviation).gamma.item()
    depth = gamma * usual_distance(grown_box(BOX, (640, 480), (256, 256)), FOCAL)

    joints = lixels.joints[0].numpy()
    in_image = flat.in_image(joints[:, :2] * CELL)
    found2d = np.array(list(person['joints2d'].values()))[:, :2]
    np.testing.assert_allclose(found2d, in_image, atol=0.1)
    z = joints[:, 2] / 64 * 2.0 - 1.0 + depth
    expected = np.column_stack([(in_image - CENTRE) / FOCAL * z[:, None], z])
    found3d = np.array(list(person['joints3d_cam_mm'].values())) / 1000
    np.testing.assert_allclose(found3d, expected, atol=2e-3)
    cells = lixels.vertices[0].numpy()
    z = cells[:, 2] / 64 * 2.0 - 1.0 + depth
    vertices = np.column_stack(
        [(flat.in_image(cells[:, :2] * CELL) - CENTRE) / FOCAL * z[:, None], z]
    )
    np.testing.assert_allclose(obj_vertices(tmp_path / 'photo') * FLIP, vertices, atol=3e-3)


@pytest.mark.slow
@torch.no_grad()
def test_a_hand_without_its_body_model_has_its_joints(tmp_path, crop):
    file = checkpoint(tmp_path, 'i2l_mano', 'i2l_meshnet')
    told = mesh_pose(
        'export', '--system', 'i2l_meshnet', '--variant', 'hand', '--checkpoint', file,
        '--out', tmp_path / 'hand', '--name', 'hand',
    )  # fmt: skip
    assert 'no --body-model given' in told
    card = read_card(tmp_path / 'hand' / 'hand.yaml')
    assert card.skeleton.name == 'mano21'
    person = seen_in_photo(tmp_path / 'hand', tmp_path / 'photo')
    flat, seen = crop(tmp_path / 'photo' / 'photo.png')
    network = I2lMeshNet(HAND).eval()
    fill(network, read_arrays(file), NAMING)
    lixels = network(torch.from_numpy(seen).float().permute(2, 0, 1)[None] / 255)
    expected = flat.in_image(lixels.joints[0, :, :2].numpy() * CELL)
    found = np.array(list(person['joints2d'].values()))[:, :2]
    np.testing.assert_allclose(found, expected, atol=0.1)
    joints = np.array(list(person['joints3d_cam_mm'].values())) / 1000
    drawn = obj_vertices(tmp_path / 'photo')  # without triangles, the lines of the skeleton
    np.testing.assert_allclose(drawn * FLIP, joints, atol=1e-3)
