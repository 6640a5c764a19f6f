"""Bodies and hands alone: from a file as the authors save them to people in a photograph."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from node_sees import assert_node_sees
from nvidia import assert_compiles
from parity import official_state
from pose2pose_files import official_shapes
from published import BOX, body_models, mesh_pose, obj_vertices, photo, seen_in_photo
from steady import SteadyPart, part_pose

from mesh_pose_ros.geometry.crop_boxes import FlatCrop, grown_box
from mesh_pose_ros.pipeline.topology import read_topology
from mesh_pose_ros.runtime.card import read_card
from mesh_pose_ros.skeletons import MANO21, SMPLX25
from training.body_models import BodyModelError, read_body_model
from training.checkpoints import fill, read_arrays
from training.networks.mirrored_graph import in_mirror
from training.networks.pose2pose import BODY, HAND, NAMING, Pose2Pose
from training.systems.pose2pose import PARTS, SYSTEM, graph_of
from training.systems.system import Filled, Order, OrderError
from training.systems.writing import write

SETTINGS = {'body': replace(BODY, depth=18), 'hand': replace(HAND, depth=18)}
FILES = {'body': 'smpl/SMPL_NEUTRAL.pkl', 'hand': 'mano/MANO_RIGHT.pkl'}
FLIP = np.array([1, -1, -1])  # optical frame to that of OBJ files


@pytest.fixture(scope='module')
def bodies(tmp_path_factory):
    return body_models(tmp_path_factory.mktemp('bodies'))


def flat_crop(settings):
    """The crop that the authors' demos cut."""
    size = (settings.width, settings.height)
    return FlatCrop.of(grown_box(BOX, (640, 480), size), size)


def file_of(part, folder):
    """A checkpoint with a light trunk, whose people are seen from as far as others are."""
    state = official_state(official_shapes(SETTINGS[part], 512), 'hand4whole')
    state['rotation_net.cam_out.0.weight'] *= 0.01
    state['rotation_net.cam_out.0.bias'][:] = torch.tensor([0.02, -0.1, 3.0])
    state['rotation_net.shape_out.0.weight'] *= 0.2
    path = folder / f'snapshot_{part}.pth.tar'
    torch.save({'epoch': 6, 'network': {f'module.{n}': a for n, a in state.items()}}, path)
    return path


def told_by_torch(part, network, arrays, crop):
    """Outputs by name of one crop (H, W, 3)."""
    graph = graph_of(PARTS[part], network, arrays)
    with torch.no_grad():
        found = graph(torch.from_numpy(crop)[None])
    return {name: v[0].numpy() for name, v in zip(graph.outputs, found, strict=True)}


def mirrored_back(told):
    """What is said of a right hand, of the left one that was seen in a mirror."""
    sides = np.array([-1, 1, 1])
    vectors = {name: told[name] * sides for name in ('joints3d', 'vertices', 'root3d')}
    pixels = np.array([HAND.width, 0]) + told['joints2d'] * sides[:2]
    return {**told, **vectors, 'joints2d': pixels, 'pose': told['pose'] * -sides}


def assert_seen(person, folder, told, flat, pixel, metre):
    """The person of a photograph is what torch says, with vectors in the picture's axes."""
    found2d = np.array(list(person['joints2d'].values()))[: len(told['joints2d'])]
    np.testing.assert_allclose(found2d, flat.in_image(told['joints2d']), atol=pixel)
    found3d = np.array(list(person['joints3d_cam_mm'].values()))[: len(found2d)] / 1000
    bones = told['joints3d'] - told['joints3d'][0]
    np.testing.assert_allclose(found3d - found3d[0], bones, atol=metre)
    surface = obj_vertices(folder) * FLIP - found3d[0]
    np.testing.assert_allclose(surface, told['vertices'] - told['joints3d'][0], atol=metre)
    for name in ('pose', 'betas', 'root3d'):
        np.testing.assert_allclose(person['parameters'][name], told[name], atol=metre)


def test_a_left_hand_that_is_known_is_a_mirror_image(bodies, tmp_path, draw):
    arrays = read_body_model(bodies / FILES['hand'])
    said = part_pose(draw, HAND, depth=1.2)
    network = SteadyPart(said, HAND)
    settings = {'side': 'left', 'axes': 'picture'}
    order = Order(tmp_path / 'x.pth', 'hand', 'hand', arrays, settings)
    (draft,) = SYSTEM.draft(order, Filled({'hand': network}, {}))
    card, _ = write(draft, order, tmp_path / 'hand')
    assert card.skeleton == MANO21
    assert 'MANO inside' in card.licence
    assert 'FreiHAND' in card.licence
    person = seen_in_photo(card.path, tmp_path / 'photo')
    assert (tmp_path / 'photo' / 'out' / 'photo_overlay.jpg').stat().st_size > 1000
    flat = flat_crop(HAND)
    told = told_by_torch('hand', network, arrays, np.zeros((256, 256, 3), np.uint8))
    assert_seen(person, tmp_path / 'photo', mirrored_back(told), flat, 0.1, 2e-3)
    # outsides stay outside: triangles go round the other way
    faces = read_topology(read_card(card.path.with_suffix('.yaml'))).faces
    np.testing.assert_array_equal(faces, np.asarray(arrays['f'])[:, ::-1])


def test_a_body_without_its_model_has_joints_and_parameters(tmp_path, draw):
    said = part_pose(draw, BODY)
    order = Order(tmp_path / 'x.pth', 'body', 'body')
    (draft,) = SYSTEM.draft(order, Filled({'body': SteadyPart(said, BODY)}, {}))
    card, _ = write(draft, order, tmp_path / 'body')
    assert card.skeleton == SMPLX25
    assert 'without SMPL' in card.description
    assert 'SMPL inside' in card.licence
    person = seen_in_photo(card.path, tmp_path / 'photo')
    found2d = np.array(list(person['joints2d'].values()))
    pixels = flat_crop(BODY).in_image(said.places[0, :, :2].numpy() * 32)
    np.testing.assert_allclose(found2d[:25], pixels, atol=0.1)
    deep = np.array(list(person['joints3d_cam_mm'].values()))[:25, 2] / 1000
    cells = said.places[0, :, 2].numpy()
    np.testing.assert_allclose(deep - deep[0], (cells - cells[0]) / 4, atol=2e-3)


def test_what_cannot_be_is_refused(bodies, tmp_path, draw):
    networks = {'hand': SteadyPart(part_pose(draw, HAND), HAND)}
    order = Order(tmp_path / 'x.pth', 'hand', 'hand', read_body_model(bodies / FILES['body']))
    with pytest.raises(BodyModelError, match=r'wants MANO .*this is SMPL'):
        SYSTEM.draft(order, Filled(networks, {}))
    with pytest.raises(OrderError, match='right, left'):
        SYSTEM.draft(replace(order, settings={'side': 'top'}), Filled(networks, {}))


@pytest.mark.slow
@pytest.mark.parametrize(('part', 'side'), [('body', 'right'), ('hand', 'left')])
@torch.no_grad()
def test_a_checkpoint_sees_people_by_the_command_line(bodies, tmp_path, part, side):
    file, model = file_of(part, tmp_path), tmp_path / 'model'
    mesh_pose(
        'export', '--system', 'pose2pose', '--variant', part, '--checkpoint', file,
        '--body-model', bodies / FILES[part], '--set', 'trunk=18', '--set', 'axes=picture',
        '--set', f'side={side}', '--out', model, '--name', 'model',
    )  # fmt: skip
    assert_compiles(model / 'model.yaml')
    assert_node_sees(model, *{'body': (25, 6890), 'hand': (21, 778)}[part])
    person = seen_in_photo(model, tmp_path / 'photo')
    settings, flat = SETTINGS[part], flat_crop(SETTINGS[part])
    network = Pose2Pose(settings).eval()
    fill(network, read_arrays(file), NAMING)
    image = cv2.cvtColor(cv2.imread(str(photo(tmp_path / 'photo'))), cv2.COLOR_BGR2RGB)
    crop = flat.cut(image)
    arrays = read_body_model(bodies / FILES[part])
    if side == 'right':
        expected = told_by_torch(part, network, arrays, crop)
    else:
        mirrored = in_mirror(torch.from_numpy(crop).permute(2, 0, 1)[None])
        mirrored = np.ascontiguousarray(mirrored[0].permute(1, 2, 0).numpy())
        expected = mirrored_back(told_by_torch(part, network, arrays, mirrored))
    assert_seen(person, tmp_path / 'photo', expected, flat, 0.05, 1e-3)
