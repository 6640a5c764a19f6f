"""A model is written whole or not at all, and never one that says other numbers than torch."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from mesh_pose_ros.runtime.card import read_card
from mesh_pose_ros.skeletons import COCO17
from training.systems.system import Draft, Order, unfinished_card
from training.systems.writing import ExportError, write


class Doubling(nn.Module):
    """Says twice what it gets."""

    outputs = ('vertices',)

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(2.0))

    def forward(self, joints3d):
        return (joints3d * self.factor,)


class Forgetful(Doubling):
    """Says something else in torch than was exported."""

    def forward(self, joints3d):
        (doubled,) = super().forward(joints3d)
        return (doubled if torch.compiler.is_exporting() else doubled + 1.0,)


class Searching(Doubling):
    """Uses an operator that TensorRT cannot compile."""

    def forward(self, joints3d):
        (doubled,) = super().forward(joints3d)
        return (doubled * torch.linalg.det(torch.eye(3) * joints3d[:1, :1, :1])[..., None, None],)


@pytest.fixture
def order(tmp_path):
    return Order(tmp_path / 'weights.pth', 'toy', 'body')


def draft_of(graph):
    generator = torch.Generator().manual_seed(0)
    card = unfinished_card(
        'toy', 'lift', licence='CC0-1.0', skeleton=COCO17, outputs={'vertices': 'root_relative_m'}
    )
    faces = {'faces': np.array([[0, 1, 2]], np.int32)}
    inputs = {'joints3d': torch.randn(3, 17, 3, generator=generator)}
    return Draft(graph, inputs, card, faces, {'order': {'perm': np.arange(4)}})


def test_a_written_model_has_all_that_the_runtime_needs(order, tmp_path):
    card, shares = write(draft_of(Doubling()), order, tmp_path / 'out')
    assert read_card(tmp_path / 'out' / 'toy.yaml') == card
    assert shares['vertices'] < 1e-6
    with np.load(card.topology) as file:
        np.testing.assert_array_equal(file['faces'], [[0, 1, 2]])
    with np.load(tmp_path / 'out' / 'toy_order.npz') as file:
        np.testing.assert_array_equal(file['perm'], np.arange(4))


def test_a_graph_that_says_other_numbers_than_torch_is_refused(order, tmp_path):
    with pytest.raises(ExportError, match='vertices by'):
        write(draft_of(Forgetful()), order, tmp_path / 'out')
    assert not list((tmp_path / 'out').iterdir())


def test_a_stated_tolerance_lets_it_pass(order, tmp_path):
    draft = replace(draft_of(Forgetful()), tolerance=10.0)
    _, shares = write(draft, order, tmp_path)
    assert shares['vertices'] > 0.01


def test_an_operator_that_does_not_compile_everywhere_is_refused(order, tmp_path):
    with pytest.raises(ExportError, match='Det'):
        write(draft_of(Searching()), order, tmp_path / 'out')


def test_an_exported_batch_is_symbolic(order, tmp_path):
    card, _ = write(draft_of(Doubling()), order, tmp_path)
    (taken,) = onnx.load(card.path).graph.input
    assert taken.type.tensor_type.shape.dim[0].dim_param
