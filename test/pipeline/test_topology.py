"""Meshes get their triangles and joints from the file the card names."""

from pathlib import Path

import numpy as np
import pytest

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.pipeline.topology import read_topology
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.skeletons import ROOT, SMPL24

FACES = np.array([[0, 1, 2], [0, 2, 3]])


def card_with(path):
    return ModelCard('toy', 'lift', Path('toy.onnx'), '', 'CC0', topology=path)


def test_a_body_model_in_smpl_layout_will_do(tmp_path):
    parents = np.array(SMPL24.parents)
    parents[0] = 2**32 - 1
    table = np.stack([parents, np.arange(24)])
    np.savez(tmp_path / 'body.npz', f=FACES, v_template=np.zeros((7, 3)), kintree_table=table)
    topology = read_topology(card_with(tmp_path / 'body.npz'))
    assert (topology.name, topology.vertex_count) == ('body', 7)
    assert topology.skeleton == SMPL24
    np.testing.assert_array_equal(topology.faces, FACES)


def test_joints_may_bring_their_own_names(tmp_path):
    np.savez(tmp_path / 'arm.npz', faces=FACES, parents=[0, 0], joint_names=['upper', 'lower'])
    topology = read_topology(card_with(tmp_path / 'arm.npz'))
    assert topology.vertex_count == 4
    assert topology.skeleton.names == ('upper', 'lower')
    assert topology.skeleton.parents == (ROOT, 0)


def test_no_topology_no_mesh():
    assert read_topology(card_with(None)) is None


def test_a_missing_or_wrong_file_is_told(tmp_path):
    with pytest.raises(ModelError, match=r'gone\.npz.*missing'):
        read_topology(card_with(tmp_path / 'gone.npz'))
    np.savez(tmp_path / 'empty.npz', other=1)
    with pytest.raises(ModelError, match=r'empty\.npz.*cannot read'):
        read_topology(card_with(tmp_path / 'empty.npz'))
    (tmp_path / 'text.npz').write_text('hello')
    with pytest.raises(ModelError, match=r'text\.npz'):
        read_topology(card_with(tmp_path / 'text.npz'))
    whole = (tmp_path / 'empty.npz').read_bytes()
    for name, data in (('nothing', b''), ('cut', whole[: len(whole) // 2])):
        (tmp_path / f'{name}.npz').write_bytes(data)
        with pytest.raises(ModelError, match=rf'{name}\.npz.*cannot read'):
            read_topology(card_with(tmp_path / f'{name}.npz'))
