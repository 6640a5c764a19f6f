"""From the authors' file and joints in pixels to meshes, by the command line alone."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from node_sees import assert_node_sees
from nvidia import assert_compiles
from parity import agree, official_state, parity_case, parity_file, shapes_in
from published import body_models, checkpoint, mesh_pose, obj_vertices, photo

from mesh_pose_ros.runtime.card import read_card
from training.networks.pose2mesh import standardised
from training.systems.pose2mesh import SYSTEM
from training.systems.system import Order, OrderError

MESH = {'human36': 5 * 2.7e-5, 'coco': 5 * 2.7e-5, 'mano': 5 * 8e-6}  # metres
POSE = 5 * 9e-4  # millimetres
ROUNDED = 0.05  # millimetres, in JSON
FLIP = np.array([1, -1, -1])  # optical frame to that of OBJ files
NARROW = 32


def lifted(model, folder, joints):
    """Run ``mesh_pose lift``; the people of its line."""
    np.save(folder / 'photo.npy', joints)
    mesh_pose(
        'lift', folder / 'photo.npy', '--model', model, '--size', '1000x1002', '--fov', '50',
        '--out', folder / 'out', '--json', folder / 'people.jsonl',
    )  # fmt: skip
    return json.loads((folder / 'people.jsonl').read_text())['people']


def narrow_shapes(keys):
    """Shapes of the lifter's arrays, as published but not so wide."""
    return {
        name: tuple(NARROW if side == 4096 else side for side in shape)
        for name, shape in shapes_in(parity_file(keys)).items()
    }


def from_root(person, names, root):
    joints = np.array([person['joints3d_cam_mm'][name] for name in names])
    return joints - joints[root]


def test_the_lifter_alone_needs_no_body_model(tmp_path):
    state = official_state(narrow_shapes('keys/posenet_coco.txt'), 'pose2mesh')
    torch.save({'epoch': 3, 'model_state_dict': state}, tmp_path / 'final.pth.tar')
    mesh_pose(
        'export', '--system', 'pose2mesh', '--variant', 'coco', '--set', 'part=lifter',
        '--set', f'hidden={NARROW}', '--checkpoint', tmp_path / 'final.pth.tar',
        '--out', tmp_path / 'model', '--name', 'lifter',
    )  # fmt: skip
    card = read_card(tmp_path / 'model' / 'lifter.yaml')
    assert card.kind == 'lift'
    assert_compiles(tmp_path / 'model' / 'lifter.yaml')
    pixels = parity_case('pose2mesh/coco_case.npz')['pose2d_px']
    people = lifted(tmp_path / 'model', tmp_path, pixels)
    settings = {'part': 'lifter', 'hidden': str(NARROW)}
    order = Order(tmp_path / 'final.pth.tar', 'x', 'coco', settings=settings)
    network = SYSTEM.fill(order).networks['lifter']
    with torch.no_grad():
        wanted = 1000 * network(standardised(torch.from_numpy(pixels).float())).numpy()
    for person, joints in zip(people, wanted, strict=True):
        found = from_root(person, card.skeleton.names, 0)
        np.testing.assert_allclose(found, joints - joints[0], atol=2 * ROUNDED)


def test_a_checkpoint_of_the_whole_has_the_lifter_too(tmp_path):
    shapes = narrow_shapes('keys/posenet_smpl.txt')
    alone = official_state(shapes, 'pose2mesh')
    whole = {f'pose_lifter.{name}': array for name, array in alone.items()}
    networks = []
    for name, state in (('alone', alone), ('whole', whole | {'pose2mesh.fc.bias': torch.ones(5)})):
        torch.save({'model_state_dict': state}, tmp_path / name)
        settings = {'part': 'lifter', 'hidden': str(NARROW)}
        order = Order(tmp_path / name, 'x', 'smpl', settings=settings)
        networks.append(SYSTEM.fill(order).networks['lifter'].state_dict())
    for name, array in networks[0].items():
        torch.testing.assert_close(networks[1][name], array)


def test_a_mesh_without_a_body_model_is_refused_with_where_to_get_it(tmp_path):
    torch.save({'model_state_dict': {'a': torch.zeros(1)}}, tmp_path / 'final.pth.tar')
    order = Order(tmp_path / 'final.pth.tar', 'x', 'mano')
    with pytest.raises(OrderError, match=r'MANO_RIGHT\.pkl .*mano\.is\.tue'):
        SYSTEM.fill(order)


@pytest.mark.slow
@pytest.mark.parametrize('joints', ['human36', 'mano'])
def test_the_published_mesh_by_two_commands(tmp_path, joints):
    file = checkpoint(tmp_path, f'pose2mesh_{joints}', 'pose2mesh')
    models = body_models(tmp_path / 'bodies')
    body = models / ('mano/MANO_RIGHT.pkl' if joints == 'mano' else 'smpl/SMPL_NEUTRAL.pkl')
    mesh_pose(
        'export', '--system', 'pose2mesh', '--variant', joints, '--checkpoint', file,
        '--body-model', body, '--out', tmp_path / 'model', '--name', 'model',
    )  # fmt: skip
    card = read_card(tmp_path / 'model' / 'model.yaml')
    assert_compiles(tmp_path / 'model' / 'model.yaml')
    case = parity_case(f'pose2mesh/{joints}_case.npz')
    with np.load(tmp_path / 'model' / card.options['coarsening']) as order:
        np.testing.assert_array_equal(
            np.sort(order['order0'])[: len(case['mesh'][0])], np.arange(len(case['mesh'][0]))
        )
    for pixels, mesh, pose in zip(case['pose2d_px'], case['mesh'], case['pose3d'], strict=True):
        (person,) = lifted(tmp_path / 'model', tmp_path, pixels)
        found = from_root(person, card.skeleton.names, 0)
        np.testing.assert_allclose(found, pose - pose[0], atol=POSE + 2 * ROUNDED)
        vertices = obj_vertices(tmp_path) * FLIP
        agree(
            vertices - vertices.mean(axis=0), mesh - mesh.mean(axis=0), MESH[joints] + 1e-4, 'obj'
        )


@pytest.mark.slow
@pytest.mark.parametrize(('joints', 'count'), [('coco', 19), ('human36', 17), ('smpl', 24)])
def test_a_photograph_goes_through_a_crop_model_first(tmp_path, joints, count):
    file = checkpoint(tmp_path, f'pose2mesh_{joints}', 'pose2mesh')
    body = body_models(tmp_path / 'bodies') / 'smpl' / 'SMPL_NEUTRAL.pkl'
    mesh_pose(
        'export', '--system', 'pose2mesh', '--variant', joints, '--checkpoint', file,
        '--body-model', body, '--set', 'crop=own_pose', '--out', tmp_path / 'model',
    )  # fmt: skip
    picture = photo(tmp_path / 'photo')
    mesh_pose(
        'image', picture, '--model', tmp_path / 'model', '--boxes',
        tmp_path / 'photo' / 'boxes.json', '--out', tmp_path / 'photo' / 'out', '--obj',
    )  # fmt: skip
    assert obj_vertices(tmp_path / 'photo').shape == (6890, 3)
    assert (tmp_path / 'photo' / 'out' / 'photo_overlay.jpg').stat().st_size > 1000
    assert_node_sees(tmp_path / 'model', count, 6890)


def test_a_lift_model_that_takes_metres_cannot_lift_a_file(tmp_path):
    np.save(tmp_path / 'input.npy', np.zeros((27, 2)))
    done = subprocess.run(
        [sys.executable, '-m', 'mesh_pose_ros.cli', 'lift', tmp_path / 'input.npy', '--model',
         'open_body_lift'], capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 3
    assert 'takes no pixels' in done.stderr
