"""Motion capture files become a pose bank and keep their poses."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mesh_pose_ros.skeletons import SMPL24
from training.synthetic.bvh import read_bvh
from training.synthetic.pose_bank import (
    BANK_JOINTS,
    Clip,
    PoseBank,
    is_held_out,
    read_amass,
    save_bank,
)


@pytest.fixture
def clip():
    vectors = np.random.default_rng(0).normal(scale=0.5, size=(40, BANK_JOINTS, 3))
    turns = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix()
    return Clip('walk', turns.reshape(40, BANK_JOINTS, 3, 3))


def write_amass(path, vectors, rate):
    np.savez(path, poses=vectors.reshape(len(vectors), -1), mocap_framerate=rate)


def test_a_bank_gives_back_what_it_was_given(clip, tmp_path):
    save_bank([clip, Clip('run', clip.rotations[:7])], tmp_path / 'bank.npz')
    bank = PoseBank.load(tmp_path / 'bank.npz')
    assert bank.names == ('walk', 'run')
    assert bank.start.tolist() == [0, 40, 47]
    parts = {held: bank.rotations(held) for held in (False, True)}
    assert sum(map(len, parts.values())) == 47
    found = parts[is_held_out('walk')][:40]
    cosines = (np.einsum('tjab,tjab->tj', found, clip.rotations) - 1) / 2
    np.testing.assert_allclose(cosines, 1, atol=1e-3)


def test_refuses_a_file_that_is_no_bank(tmp_path):
    np.savez(tmp_path / 'other.npz', a=1)
    with pytest.raises(ValueError, match='not a pose bank'):
        PoseBank.load(tmp_path / 'other.npz')


def test_amass_stands_up_and_slows_to_thirty_frames(tmp_path):
    """In AMASS z is up: a person who stands is turned a quarter about x."""
    vectors = np.zeros((120, 52, 3))
    vectors[:, 0] = [np.pi / 2, 0, 0]
    write_amass(tmp_path / 'stand.npz', vectors, 120.0)
    clip = read_amass(tmp_path / 'stand.npz')
    assert clip.rotations.shape == (30, BANK_JOINTS, 3, 3)
    np.testing.assert_allclose(
        clip.rotations, np.broadcast_to(np.eye(3), clip.rotations.shape), atol=1e-9
    )


def test_amass_needs_enough_joints(tmp_path):
    write_amass(tmp_path / 'few.npz', np.zeros((3, 10, 3)), 30.0)
    with pytest.raises(ValueError, match='66 columns'):
        read_amass(tmp_path / 'few.npz')


# A skeleton that rests with its arms down; channels in the order of Maya's and CMU's exports.
BVH_LIMBS = {
    'LeftUpLeg': ((0.1, -0.1, 0), 'Hips'), 'LeftLeg': ((0, -0.4, 0), 'LeftUpLeg'),
    'LeftFoot': ((0, -0.4, 0), 'LeftLeg'), 'RightUpLeg': ((-0.1, -0.1, 0), 'Hips'),
    'RightLeg': ((0, -0.4, 0), 'RightUpLeg'), 'RightFoot': ((0, -0.4, 0), 'RightLeg'),
    'Spine': ((0, 0.2, 0), 'Hips'), 'Neck': ((0, 0.3, 0), 'Spine'), 'Head': ((0, 0.1, 0), 'Neck'),
    'LeftArm': ((0.2, 0.2, 0), 'Spine'), 'LeftForeArm': ((0, -0.3, 0), 'LeftArm'),
    'LeftHand': ((0, -0.25, 0.01), 'LeftForeArm'), 'RightArm': ((-0.2, 0.2, 0), 'Spine'),
    'RightForeArm': ((0, -0.3, 0), 'RightArm'), 'RightHand': ((0, -0.25, 0.01), 'RightForeArm'),
}  # fmt: skip


def bvh_text(angles, rate=60):
    """A BVH file of the skeleton above; angles (T, 16, 3) degrees Z X Y, root first."""

    def joint(name, offset, depth):
        kind = 'ROOT' if name == 'Hips' else 'JOINT'
        channels = '6 Xposition Yposition Zposition' if name == 'Hips' else '3'
        inside = [joint(n, o, depth + 1) for n, (o, p) in BVH_LIMBS.items() if p == name]
        ends = ['End Site\n{ OFFSET 0 0.1 0 }'] if not inside else []
        offset = ' '.join(map(str, offset))
        head = f'{kind} {name}\n{{ OFFSET {offset}\nCHANNELS {channels} '
        return head + 'Zrotation Xrotation Yrotation\n' + '\n'.join(inside + ends) + '\n}'

    frames = [' '.join(map(str, [0, 0.9, 0, *frame.ravel()])) for frame in angles]
    motion = f'MOTION\nFrames: {len(frames)}\nFrame Time: {1 / rate}\n' + '\n'.join(frames)
    return f'HIERARCHY\n{joint("Hips", (0, 0, 0), 0)}\n{motion}\n'


def bvh_order(name='Hips'):
    return [name] + [x for n, (_, p) in BVH_LIMBS.items() if p == name for x in bvh_order(n)]


def bvh_bones(angles):
    """Direction of limbs in space by the file's own forward kinematics."""
    order, turned, bones = bvh_order(), {}, {}
    for name in order:
        own = Rotation.from_euler('ZXY', angles[order.index(name)], degrees=True).as_matrix()
        offset, parent = BVH_LIMBS.get(name, ((0, 0, 0), None))
        turned[name] = turned[parent] @ own if parent else own
        if parent:
            way = turned[parent] @ np.array(offset)
            bones[name] = way / np.linalg.norm(way)
    return bones


def test_bvh_limbs_point_where_the_recording_points(layer, tmp_path):
    import torch

    from training.synthetic.poses import to_global

    angles = np.random.default_rng(4).uniform(-50, 50, size=(8, 16, 3))
    (tmp_path / 'move.bvh').write_text(bvh_text(angles))
    clip = read_bvh(tmp_path / 'move.bvh')
    assert len(clip.rotations) == 4  # 60 frames a second to 30
    full = np.tile(np.eye(3), (4, 24, 1, 1))
    full[:, :22] = clip.rotations
    poses = to_global(torch.tensor(full, dtype=torch.float32))
    joints = layer.joints(poses, torch.zeros(4, layer.shape_count))[0].numpy()
    pairs = {
        'LeftLeg': ('left_hip', 'left_knee'), 'RightFoot': ('right_knee', 'right_ankle'),
        'LeftForeArm': ('left_shoulder', 'left_elbow'),
        'RightHand': ('right_elbow', 'right_wrist'),
    }  # fmt: skip
    for frame in range(4):
        for bone, (start, end) in pairs.items():
            way = joints[frame, SMPL24.index(end)] - joints[frame, SMPL24.index(start)]
            cosine = way @ bvh_bones(angles[2 * frame])[bone] / np.linalg.norm(way)
            assert cosine > np.cos(np.radians(3)), bone


def test_bvh_without_a_limb_says_which(tmp_path):
    text = bvh_text(np.zeros((1, 16, 3))).replace('LeftForeArm', 'Tentacle')
    (tmp_path / 'odd.bvh').write_text(text)
    with pytest.raises(ValueError, match='left_elbow'):
        read_bvh(tmp_path / 'odd.bvh')


def test_bvh_that_is_none_is_refused(tmp_path):
    (tmp_path / 'not.bvh').write_text('hello')
    with pytest.raises(ValueError, match='not a readable BVH'):
        read_bvh(tmp_path / 'not.bvh')


def test_command_makes_a_bank_of_both_kinds(tmp_path):
    (tmp_path / 'a.bvh').write_text(bvh_text(np.zeros((6, 16, 3))))
    write_amass(tmp_path / 'b.npz', np.zeros((5, 22, 3)), 30.0)
    bank = tmp_path / 'bank.npz'
    command = [sys.executable, '-m', 'training.synthetic.pose_bank', '--out', bank]
    subprocess.run([*command, tmp_path / 'a.bvh', tmp_path / 'b.npz'], check=True)
    assert PoseBank.load(bank).names == ('a', 'b')
