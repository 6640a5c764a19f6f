"""Whole bodies: from the authors' file, or from what a network says, to people in a photograph."""

import cv2
import numpy as np
import pytest
import torch
from node_sees import assert_node_sees
from nvidia import assert_compiles
from published import (
    BOX,
    CAMERA,
    body_models,
    checkpoint,
    mesh_pose,
    obj_vertices,
    photo,
    seen_in_photo,
)
from steady import SteadyWhole, whole_body

from mesh_pose_ros.geometry.crop_boxes import FlatCrop, grown_box, usual_distance
from mesh_pose_ros.runtime.card import read_card
from mesh_pose_ros.skeletons import SMPLX55, SMPLX65, SMPLX137
from training.body_models import BodyModelError, read_body_model
from training.checkpoints import fill, read_arrays
from training.networks.hand4whole import NAMING, Hand4Whole, Hand4WholeSettings
from training.networks.smplx_layer import JOINTS_137, SmplxLayer
from training.systems.hand4whole import SYSTEM
from training.systems.system import Filled, Order, OrderError
from training.systems.writing import write

SIZE = (384, 512)
FOCAL = np.array([CAMERA['fx'], CAMERA['fy']])
CENTRE = np.array([CAMERA['cx'], CAMERA['cy']])
FLIP = np.array([1, -1, -1])  # optical frame to that of OBJ files
GROWN = grown_box(BOX, (640, 480), SIZE)
FLAT = FlatCrop.of(GROWN, SIZE)


@pytest.fixture(scope='module')
def bodies(tmp_path_factory):
    return body_models(tmp_path_factory.mktemp('bodies'))


@pytest.fixture(scope='module')
def smplx(bodies):
    return read_body_model(bodies / 'smplx' / 'SMPLX_NEUTRAL.npz')


def drafted(said, tmp_path, body_model=None, **settings):
    order = Order(tmp_path / 'x.pth', 'whole', 'whole_body', body_model, settings)
    return order, *SYSTEM.draft(order, Filled({'whole_body': SteadyWhole(said)}, {}))


def surface_of(whole, arrays):
    """Joints (137, 3) and vertices from the pelvis, metres, and joints in crop pixels."""
    body = SmplxLayer(arrays)(whole.pose, whole.betas, whole.expression)
    joints, root = body.joints[:, list(JOINTS_137)], body.joints[:, :1]
    pixels = Hand4WholeSettings().camera.project(joints, whole.translation) * 2
    return *((values - root)[0].numpy() for values in (joints, body.vertices)), pixels[0].numpy()


def joints_of(person):
    """Pixels (J, 2) and metres (J, 3)."""
    return tuple(
        np.array(list(person[name].values())) / unit
        for name, unit in (('joints2d', 1), ('joints3d_cam_mm', 1000))
    )


def assert_seen(person, folder, whole, arrays, pixel=0.1, metre=2e-3):
    """The person of a photograph is what the network says, with vectors in the picture's axes."""
    joints, vertices, pixels = surface_of(whole, arrays)
    found2d, found3d = joints_of(person)
    np.testing.assert_allclose(found2d, FLAT.in_image(pixels), atol=pixel)
    np.testing.assert_allclose(found3d - found3d[0], joints - joints[0], atol=metre)
    surface = obj_vertices(folder) * FLIP - found3d[0]
    np.testing.assert_allclose(surface, vertices - joints[0], atol=metre)
    told = person['parameters']
    np.testing.assert_allclose(told['pose'], whole.pose.bones()[0], atol=metre)
    np.testing.assert_allclose(told['betas'], whole.betas[0], atol=metre)
    np.testing.assert_allclose(told['expression'], whole.expression[0], atol=metre)
    corners = whole.squares[0].numpy().reshape(-1, 2)
    boxes = np.reshape(told['part_boxes'], (-1, 2))
    np.testing.assert_allclose(boxes, FLAT.in_image(corners), atol=3 * pixel)


@pytest.mark.slow
@torch.no_grad()
def test_a_body_that_is_known_stands_where_its_size_says(smplx, tmp_path, draw):
    whole = whole_body(draw)
    simple = smplx | {'posedirs': np.zeros_like(smplx['posedirs'])}  # a small file
    order, draft = drafted(whole, tmp_path, simple, axes='picture')
    card, _ = write(draft, order, tmp_path / 'model')
    assert card.skeleton == SMPLX137
    person = seen_in_photo(card.path, tmp_path / 'photo')
    assert (tmp_path / 'photo' / 'out' / 'photo_overlay.jpg').stat().st_size > 1000
    assert list(person['joints2d'])[:137] == list(SMPLX137.names)
    assert_seen(person, tmp_path / 'photo', whole, simple)
    # the same picture through a lens of another length: as far away as it is longer
    virtual = 5000 / 256 * GROWN[3]
    depths = joints_of(person)[1][:, 2]
    expected = whole.translation[0, 2] * FOCAL[1] / virtual
    np.testing.assert_allclose(np.median(depths), expected, rtol=0.1)


def test_fingers_of_a_body_without_surface_are_as_deep_as_wrist_and_hand(tmp_path, draw):
    whole = whole_body(draw)
    whole.places[0, 12:14, 2] = torch.tensor([6.0, 3.0])  # half a metre behind, a quarter before
    whole.places[0, 25, 2] = 4  # in the middle of the left hand's depth
    whole.places[0, 64, 2] = 8  # at the far end of the right hand's
    order, draft = drafted(whole, tmp_path)
    card, _ = write(draft, order, tmp_path / 'model')
    assert card.skeleton == SMPLX65
    person = seen_in_photo(card.path, tmp_path / 'photo')
    found2d, found3d = joints_of(person)
    pixels = FLAT.in_image(whole.places[0, :, :2].numpy() * 64)
    np.testing.assert_allclose(found2d, pixels, atol=0.1)
    far = found3d[:, 2] - found3d[0, 2]
    pelvis = whole.places[0, 0, 2].item() / 4 - 1
    np.testing.assert_allclose(
        far[[12, 25, 13, 64]], np.array([0.5, 0.5, -0.25, -0.1]) - pelvis, atol=2e-3
    )
    usual = usual_distance(GROWN, FOCAL)
    np.testing.assert_allclose(found3d[0, 2], usual + pelvis, atol=0.01)
    np.testing.assert_allclose(person['parameters']['translation'], [0.1, -0.05, 30], atol=1e-4)


def test_bones_have_the_names_of_smplx(smplx, tmp_path, draw):
    _, draft = drafted(whole_body(draw), tmp_path, smplx)
    assert tuple(draft.topology['joint_names']) == SMPLX55.names
    assert len(draft.topology['faces']) == 20908


def test_what_cannot_be_is_refused(bodies, smplx, tmp_path, draw):
    whole = whole_body(draw)
    with pytest.raises(OrderError, match='root is of no use with a body model'):
        drafted(whole, tmp_path, smplx, root='rootnet')
    with pytest.raises(BodyModelError, match=r'wants SMPL-X .*this is SMPL'):
        drafted(whole, tmp_path, read_body_model(bodies / 'smpl' / 'SMPL_NEUTRAL.pkl'))
    with pytest.raises(OrderError, match=r'margin is .wide., must be a number'):
        drafted(whole, tmp_path, margin='wide')
    _, draft = drafted(whole, tmp_path, root='far_away', margin='1.5')
    assert draft.card.partners['root'] == 'far_away'
    assert draft.card.options['margin'] == 1.5


@pytest.mark.slow
@torch.no_grad()
def test_a_published_checkpoint_sees_the_whole_body(bodies, smplx, tmp_path):
    file = checkpoint(tmp_path, 'hand4whole', 'hand4whole')
    mesh_pose(
        'export', '--system', 'hand4whole', '--checkpoint', file, '--body-model',
        bodies / 'smplx' / 'SMPLX_NEUTRAL.npz', '--set', 'axes=picture', '--out',
        tmp_path / 'whole', '--name', 'whole',
    )  # fmt: skip
    assert read_card(tmp_path / 'whole' / 'whole.yaml').image.height == 512
    assert_compiles(tmp_path / 'whole' / 'whole.yaml')
    assert_node_sees(tmp_path / 'whole' / 'whole.yaml', 137, 10475)
    person = seen_in_photo(tmp_path / 'whole', tmp_path / 'photo')
    assert (tmp_path / 'photo' / 'out' / 'photo_overlay.jpg').stat().st_size > 1000
    network = Hand4Whole().eval()
    fill(network, read_arrays(file), NAMING)
    image = cv2.cvtColor(cv2.imread(str(photo(tmp_path / 'photo'))), cv2.COLOR_BGR2RGB)
    crop = torch.from_numpy(FLAT.cut(image)).float().permute(2, 0, 1)[None] / 255
    assert_seen(person, tmp_path / 'photo', network(crop), smplx, 0.05, 1e-3)
