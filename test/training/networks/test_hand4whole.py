"""Hand4Whole's numbers are its authors', and it runs outside torch."""

import numpy as np
import pytest
import torch
from exported import assert_exports
from parity import agree, official_state, parity_case, parity_file, stand_ins

from training.checkpoints import fill, unwrapped
from training.networks.hand4whole import CELL, NAMING, STEP, Hand4Whole, Hand4WholeSettings
from training.networks.hand4whole_graph import Hand4WholeBodyGraph, Hand4WholeGraph
from training.networks.smplx_layer import JOINTS_137, SmplxLayer

TOLERANCES = {  # five times what rounding moves
    'joint_img': 2.5e-5,
    'smplx_joint_proj': 6.5e-5,
    'smplx_mesh_cam': 2e-5,
    'smplx_joints': 1.4e-5,
    **{f'smplx_{part}_pose': 7e-5 for part in ('root', 'body', 'lhand', 'rhand', 'jaw')},
    'smplx_shape': 2.5e-6,
    'smplx_expr': 2.5e-6,
    'cam_trans': 3e-7,
    'cam_param': 5e-7,
    'lhand_bbox': 2.15e-3,
    'rhand_bbox': 8.5e-4,
    'face_bbox': 1.55e-3,
    'crop_lhand_unflipped': 4.5e-5,
    'crop_rhand': 4.5e-5,
    'crop_face': 4e-5,
    'body_hm': 4.5e-6,
    'body_joint_img': 2e-5,
    'box_raw': 5e-5,
    'hand_joint_img_raw': 4e-5,
    'hand_pose6d': 9e-6,
    'root6d': 8.5e-6,
    'body6d': 8.5e-6,
    'jaw6d': 8.5e-6,
    'expr': 2.5e-6,
    'body_feat_mean': 1e-5,
    'hand_feat_mean': 1e-5,
    'face_feat_mean': 1e-5,
}


@pytest.fixture(scope='module')
def loaded():
    state = official_state(parity_file('keys/hand4whole.txt'), 'hand4whole')
    network = Hand4Whole().eval()
    report = fill(network, unwrapped({'epoch': 6, 'network': state}), NAMING)
    return network, report


@pytest.fixture(scope='module')
def surface():
    return SmplxLayer(stand_ins().smplx('neutral'))


def by_hand(values):
    """Put all left hands first, then all right ones, as the authors' code does."""
    return values.transpose(0, 1).flatten(0, 1)


def named(body, squares, hands, face, turn):
    """What is seen on the way, by the reference's names."""
    places = hands.places.clone()
    places[:, 0, :, 0] = 7 - places[:, 0, :, 0]
    return {
        'body_hm': body.chance,
        'body_joint_img': body.places,
        'box_raw': torch.stack([body.boxes.middles, body.boxes.sizes], dim=2).flatten(1, 2),
        'lhand_bbox': squares[:, 0],
        'rhand_bbox': squares[:, 1],
        'face_bbox': squares[:, 2],
        'hand_joint_img_raw': by_hand(places),
        'hand_pose6d': by_hand(hands.six),
        'root6d': turn.root,
        'body6d': turn.pose,
        'cam_param': turn.camera,
        'jaw6d': face.jaw,
        'expr': face.expression,
        'body_feat_mean': body.features.mean(dim=(2, 3)),
        'hand_feat_mean': by_hand(hands.features.mean(dim=(3, 4))),
        'face_feat_mean': face.features.mean(dim=(2, 3)),
    }


def results(whole, surface, camera):
    """What comes out, by the reference's names."""
    pose = whole.pose
    told = surface(pose, whole.betas, whole.expression)
    projected = camera.project(told.joints[:, list(JOINTS_137)], whole.translation)
    return {
        'joint_img': whole.places,
        'smplx_joint_proj': projected / CELL,
        'smplx_mesh_cam': told.vertices + whole.translation.unsqueeze(1),
        'smplx_joints': told.joints,
        'smplx_root_pose': pose.root,
        'smplx_body_pose': pose.body.flatten(1),
        'smplx_lhand_pose': pose.left_hand.flatten(1),
        'smplx_rhand_pose': pose.right_hand.flatten(1),
        'smplx_jaw_pose': pose.jaw,
        'smplx_shape': whole.betas,
        'smplx_expr': whole.expression,
        'cam_trans': whole.translation,
    }


@pytest.mark.slow
def test_all_of_a_checkpoint_is_used(loaded):
    _, report = loaded
    assert all(name.endswith('num_batches_tracked') for name in report.skipped)
    assert len(report.loaded) + len(report.skipped) == 834
    assert all(name.endswith('num_batches_tracked') for name in report.missing)


@pytest.mark.slow
@torch.no_grad()
def test_gives_the_authors_numbers(loaded, surface):
    network, _ = loaded
    case = parity_case('hand4whole/case.npz')
    image = torch.from_numpy(case['img']).float().permute(0, 3, 1, 2).contiguous() / 255
    body = network.see_body(image)
    squares = body.boxes.squares(CELL * STEP)
    crops, faces = network.hand_crops(image, squares), network.face_crops(image, squares)
    hands, face = network.see_hands(crops), network.see_face(faces)
    whole = network.joined(body, squares, hands, face)
    found = {
        'crop_lhand_unflipped': crops[:, 0, :, ::8, ::8],
        'crop_rhand': crops[:, 1, :, ::8, ::8],
        'crop_face': faces[..., ::6, ::6],
        **named(body, squares, hands, face, network.body(body, hands)),
        **results(whole, surface, network.settings.camera),
    }
    for name, tolerance in TOLERANCES.items():
        agree(found[name], case[name], tolerance, name)


@pytest.mark.slow
def test_onnx_runtime_agrees_with_torch(loaded, surface, tmp_path):
    images = parity_case('hand4whole/case.npz')['img']
    images = torch.from_numpy(np.concatenate([images, images[:1, ::-1]]))
    assert_exports(Hand4WholeBodyGraph(loaded[0], surface), {'image': images}, tmp_path)


def small_network():
    """A network of few weights, spread as the reference's so that places differ."""
    settings = Hand4WholeSettings(18, 18, 18, height=128, width=128, hand_side=64, face_side=32)
    network = Hand4Whole(settings).eval()
    shapes = {name: tuple(array.shape) for name, array in network.state_dict().items()}
    network.load_state_dict(official_state(shapes, 'hand4whole'))
    with torch.no_grad():  # parts have a size
        for part in network.boxes.sizes.values():
            part[-1].bias += 1.0
    return network


@pytest.fixture(scope='module')
def small():
    return small_network()


@pytest.mark.slow
def test_a_small_one_runs_outside_torch(small, tmp_path, draw):
    images = torch.randint(256, (3, 128, 128, 3), generator=draw, dtype=torch.uint8)
    assert_exports(Hand4WholeGraph(small), {'image': images}, tmp_path)


@torch.no_grad()
def test_batches_like_it_loops(small, draw):
    # the authors' code mixes up the axes of three people
    images = torch.rand(3, 3, 128, 128, generator=draw)
    together = small(images)
    for i in range(3):
        alone = small(images[i : i + 1])
        np.testing.assert_allclose(together.places[i], alone.places[0], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(together.pose.bones()[i], alone.pose.bones()[0], atol=1e-3)


@torch.no_grad()
def test_a_left_hand_is_a_right_hand_in_a_mirror(small, draw):
    hands = torch.rand(2, 3, 64, 64, generator=draw)
    pairs = torch.stack([hands.flip(3), hands], dim=1)
    seen = small.see_hands(pairs)
    left, right = seen.places.unbind(1)
    np.testing.assert_allclose(left[..., 0] + right[..., 0], 1, atol=1e-5)
    np.testing.assert_allclose(left[..., 1:], right[..., 1:], atol=1e-5)
    turned = seen.pose[:, 0] * torch.tensor([1.0, -1, -1])
    np.testing.assert_allclose(turned, seen.pose[:, 1], atol=1e-4)
    np.testing.assert_allclose(seen.features[:, 0].flip(3), seen.features[:, 1], atol=1e-5)


def test_the_corners_of_a_hands_square_are_in_the_body(small):
    places = torch.tensor([[[[0.0, 0, 3], [2, 2, 5]]]]).expand(1, 2, 2, 3)
    squares = torch.tensor([[[0.0, 64, 64, 128], [-64, 0, 64, 128], [0, 0, 1, 1]]])
    found = small._in_body_cells(places, squares)
    np.testing.assert_allclose(found[0, 0], [[0, 1, 3], [1, 2, 5]])
    np.testing.assert_allclose(found[0, 1], [[-1, 0, 3], [1, 2, 5]])
