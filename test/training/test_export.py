"""A written lifter is the trained one, and keeps to the rules for graphs."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from mesh_pose_ros.runtime.card import read_card, write_card
from mesh_pose_ros.runtime.session import open_session
from training.data.joint_sets import LIFT27
from training.export import LifterGraph, export_lifter, lifter_card, main
from training.loop import OtherRunError, Trainer
from training.networks.lifter import LifterSettings
from training.recipes.lifter import LifterRecipe

REFUSED = {'NonMaxSuppression', 'NonZero', 'Det', 'AffineGrid', 'ScatterND', 'Loop', 'If'}


@pytest.fixture(scope='module')
def recipe(body_path):
    return LifterRecipe(body=body_path, network=LifterSettings(hidden=32, frame_hidden=16))


@pytest.fixture(scope='module')
def network(recipe):
    lifter = recipe.build()
    torch.manual_seed(2)
    for correction in (lifter.first, lifter.again):
        torch.nn.init.normal_(correction.last.weight, std=0.05)
    return lifter.eval()


@pytest.fixture(scope='module')
def card_path(recipe, network, tmp_path_factory, body_path):
    folder = tmp_path_factory.mktemp('exported')
    graph = folder / 'toy_lift.onnx'
    export_lifter(network, graph)
    card = lifter_card(recipe, graph, {'vertices_mm': 1.0})
    write_card(card, folder / 'toy_lift.yaml')
    (folder / body_path.name).symlink_to(body_path)
    return folder / 'toy_lift.yaml'


@pytest.mark.parametrize('count', [1, 3])
def test_onnx_runtime_agrees_with_torch(card_path, network, count, draw):
    joints = 0.4 * torch.randn(count, 27, 3, generator=draw)
    confidence = torch.rand(count, 27, generator=draw)
    session = open_session(read_card(card_path), threads=1)
    found = session(joints3d=joints.numpy(), confidence=confidence.numpy())
    with torch.no_grad():
        wanted = LifterGraph(network)(joints, confidence)
    for name, value in zip(LifterGraph.outputs, wanted, strict=True):
        np.testing.assert_allclose(found[name], value, atol=1e-4, err_msg=name)


def test_graph_keeps_to_the_rules(card_path):
    model = onnx.load(card_path.with_suffix('.onnx'))
    assert max(entry.version for entry in model.opset_import) <= 20
    assert not REFUSED & {node.op_type for node in model.graph.node}
    for tensor in (*model.graph.input, *model.graph.output):
        assert tensor.type.tensor_type.shape.dim[0].dim_param, f'{tensor.name}: fixed batch'


def test_card_tells_the_runtime_what_it_needs(card_path):
    card = read_card(card_path)
    assert card.kind == 'lift'
    assert card.skeleton == LIFT27
    assert card.topology.name == 'open_body.npz'
    assert card.options['root'] == ['left_hip', 'right_hip']
    assert set(card.outputs) == set(LifterGraph.outputs)
    assert card.name == 'toy_lift'
    assert card.licence.startswith('Apache-2.0')


def test_a_lifter_of_the_research_line_says_so_and_begets_no_other(recipe, card_path, tmp_path):
    research = replace(recipe, line='research')
    trainer = Trainer(research.task(), tmp_path / 'run')
    trainer.save()
    trainer.save_weights(tmp_path / 'lift.pt')
    assert recipe.of_run(tmp_path / 'run') == research
    card = lifter_card(research, card_path.with_suffix('.onnx'), {})
    assert card.licence.startswith('research only')
    with pytest.raises(OtherRunError, match='trained with line research, not permissive'):
        Trainer(recipe.task(), tmp_path / 'other', start=tmp_path / 'lift.pt')


def test_a_lifter_of_the_research_line_begins_with_a_free_one(recipe, tmp_path):
    free = Trainer(recipe.task(), tmp_path / 'free')
    free.save_weights(tmp_path / 'lift.pt')
    bound = Trainer(
        replace(recipe, line='research').task(), tmp_path / 'bound', start=tmp_path / 'lift.pt'
    )
    assert torch.equal(bound.average.first.first.weight, free.average.first.first.weight.half())


@pytest.mark.parametrize('name', ['lifter', 'crop', 'detector'])
def test_a_run_that_cannot_be_exported_is_named(name, recipe, tmp_path, monkeypatch):
    of_another_kind = recipe.task()
    of_another_kind.settings = {}
    run = tmp_path / 'run'
    words = ['export', name, '--run', str(run), '--out', str(tmp_path / 'models')]
    monkeypatch.setattr('sys.argv', words)
    with pytest.raises(SystemExit, match='run holds no run'):
        main()
    Trainer(of_another_kind, run).save()
    with pytest.raises(SystemExit, match='says no line'):
        main()
