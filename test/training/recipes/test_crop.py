"""The crop recipe: what its losses mean, that it learns, resumes and is exported whole."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from forking import assert_forking_cases_pass
from nvidia import assert_compiles

from mesh_pose_ros.runtime.card import read_card, write_card
from mesh_pose_ros.runtime.session import open_session
from training.data.crops import CropBatch
from training.data.joint_sets import BODY30
from training.graph_file import LARGE
from training.loop import OtherRunError, Schedule, Trainer
from training.losses import root_depth
from training.networks.crop_net import DESIGNS, CropNetSettings, Sight
from training.networks.trunk import TrunkSettings
from training.recipes.crop import HIPS, CropRecipe, CropTask
from training.recipes.crop_card import CropGraph
from training.recipes.crop_losses import CropLosses, CropWeights

SIDE, JOINTS, FOCAL = 96, len(BODY30), 180.0
SMALL = TrunkSettings(stem=8, widths=(12, 16, 24, 32), blocks=(0, 0, 1, 1), fused=24)
REFUSED = {'NonMaxSuppression', 'NonZero', 'Det', 'AffineGrid', 'ScatterND', 'Loop', 'If', 'TopK'}


def people(count, generator):
    """Draw random people, whole and true to their cameras, in noise that tells each apart."""
    joints3d = 0.3 * torch.randn(count, JOINTS, 3, generator=generator)
    joints3d = joints3d - joints3d[:, HIPS].mean(dim=1, keepdim=True)
    root = torch.tensor([0.0, 0.0, 3.5]).expand(count, 3)
    middle = (SIDE - 1) / 2
    there = joints3d + root[:, None]
    coarse = torch.randint(0, 256, (count, 3, 6, 6), generator=generator, dtype=torch.uint8)
    return CropBatch(
        image=coarse.repeat_interleave(16, 2).repeat_interleave(16, 3),
        joints2d=FOCAL * there[..., :2] / there[..., 2:] + middle,
        seen2d=torch.ones(count, JOINTS),
        joints3d=joints3d,
        seen3d=torch.ones(count, JOINTS),
        root=root,
        intrinsics=torch.tensor([[FOCAL, 0, middle], [0, FOCAL, middle], [0, 0, 1]]).expand(
            count, 3, 3
        ),
        hidden=torch.zeros(count, JOINTS, dtype=torch.bool),
        swappable=torch.zeros(count, dtype=torch.bool),
        real=torch.zeros(count, dtype=torch.bool),
        source=torch.zeros(count, dtype=torch.int64),
        turn=torch.eye(3).expand(count, 3, 3),
    )


class SamePeople:
    """A source that always draws the same crops."""

    def batch(self, count, generator):
        return people(count, torch.Generator().manual_seed(5))


class NewPeople:
    """A source that draws other crops for each state of the generator."""

    def batch(self, count, generator):
        return people(count, generator)


def recipe_of(design='peaks', steps=60, **more):
    """Small, and every batch fresh: what is kept for later steps does not outlive a break."""
    return CropRecipe(
        network=CropNetSettings(side=SIDE, design=design, trunk=SMALL, hidden=32, **more),
        schedule=Schedule(steps=steps, batch=4, warm_up=5, rate=4e-3, average=0.9),
        precision='float32',
        echo=1,
    )


def perfect(crops):
    """Return what a network that knows the labels would say."""
    from training.networks.heatmaps import cell_centres, targets

    cells = SIDE // 8
    target = targets(crops.joints2d, cell_centres(cells, 8, crops.joints2d), 8)
    heat = (target + 1e-9).log().unflatten(2, (cells, cells))
    sure = 20 * (2 * crops.inside.float() - 1)
    there = 20 * torch.ones(len(crops))
    return Sight(heat, crops.joints2d, crops.joints2d, crops.joints3d, sure, there)


@pytest.fixture
def losses():
    return CropLosses(BODY30, CropWeights(), SIDE)


def total(parts):
    return sum(part.item() for part in parts.values())


def test_who_knows_the_labels_loses_nothing(losses, draw):
    crops = people(3, draw)
    parts = losses(perfect(crops), crops)
    named = {'heat', 'joints', 'places', 'depth', 'outline', 'trust', 'score'}
    assert set(parts) == named
    assert total(parts) < 0.01


def test_labels_that_are_not_there_ask_nothing(losses, draw):
    crops = people(3, draw)
    unseen = replace(crops, seen2d=torch.zeros(3, JOINTS), seen3d=torch.zeros(3, JOINTS))
    wrong = replace(
        unseen, joints2d=crops.joints2d + 30, joints3d=crops.joints3d + torch.rand(3, JOINTS, 3)
    )
    sight = replace(perfect(crops), score=-20 * torch.ones(3))
    assert total(losses(sight, wrong)) < 1e-3


def test_sides_matter_only_where_labels_can_be_trusted(losses, draw):
    crops = people(3, draw)
    mirror = torch.from_numpy(BODY30.mirror)
    swapped = replace(crops, joints2d=crops.joints2d[:, mirror], seen3d=torch.zeros(3, JOINTS))
    doubtful = replace(swapped, swappable=torch.ones(3, dtype=torch.bool))
    assert losses(perfect(crops), swapped)['heat'] > 1
    assert losses(perfect(crops), doubtful)['heat'] < 0.01


def test_sides_are_settled_without_heatmaps_too(losses, draw):
    crops = people(3, draw)
    mirror = torch.from_numpy(BODY30.mirror)
    swapped = replace(
        crops, joints2d=crops.joints2d[:, mirror], swappable=torch.ones(3, dtype=torch.bool)
    )
    blind = replace(perfect(crops), heat=torch.zeros(3, JOINTS, 0, 0))
    assert losses(blind, swapped)['places'] < 0.01
    sure = replace(swapped, swappable=torch.zeros(3, dtype=torch.bool))
    assert losses(blind, sure)['places'] > 0.1


def test_a_photograph_corrects_what_the_camera_sees_and_not_the_scale(losses, draw):
    crops = people(3, draw)
    flat = torch.cat([crops.joints2d / 50, torch.rand(3, JOINTS, 1)], dim=-1)
    photograph = replace(
        crops, seen3d=torch.zeros(3, JOINTS), real=torch.ones(3, dtype=torch.bool)
    )
    for factor in (1.0, 1.3):
        sight = replace(perfect(crops), joints3d=factor * flat)
        assert losses(sight, photograph)['outline'] < 0.01
    bent = flat * torch.tensor([1.0, 1.5, 1.0])
    stretched = losses(replace(perfect(crops), joints3d=bent), photograph)
    assert stretched['outline'] > 0.025 * CropWeights().outline


def test_a_person_taken_for_larger_is_placed_farther(losses, draw):
    crops = people(3, draw)
    rays = (crops.joints2d - (SIDE - 1) / 2) / FOCAL
    seen = crops.inside.float()
    np.testing.assert_allclose(root_depth(rays, crops.joints3d, seen), 3.5, atol=1e-3)
    np.testing.assert_allclose(root_depth(rays, 1.1 * crops.joints3d, seen), 3.85, atol=1e-3)
    larger = replace(perfect(crops), joints3d=1.1 * crops.joints3d)
    expected = np.log(1.1) * CropWeights().depth
    assert losses(larger, crops)['depth'].item() == pytest.approx(expected, rel=0.01)


def test_a_joint_far_off_in_the_picture_asks_for_no_shift(losses, draw):
    crops = people(2, draw)
    for away, wanted in ((0.03, 0.03), (0.5, 0.15)):
        off = (crops.joints2d + away * SIDE * torch.tensor([1.0, 0.0])).requires_grad_()
        lost = losses(replace(perfect(crops), joints2d=off), crops)['places']
        assert lost.item() == pytest.approx(CropWeights().places * wanted, rel=1e-3)
        lost.backward()
        assert (off.grad.abs().max() > 0) == (away < 0.1)


@pytest.mark.parametrize('design', DESIGNS)
def test_every_design_learns_a_batch_by_heart(design, tmp_path):
    trainer = Trainer(CropTask(recipe_of(design, steps=90), SamePeople()), tmp_path)
    first = trainer.run(until=1, quiet=True)
    trainer.run(quiet=True)
    with torch.no_grad():
        last = trainer.task.losses(0, torch.Generator())
    assert last['heat'].item() < 0.6 * first['heat']
    assert last['joints'].item() < 0.6 * first['joints']


def test_a_broken_run_ends_where_a_whole_one_does(tmp_path):
    whole = Trainer(CropTask(recipe_of(), NewPeople()), tmp_path / 'whole')
    whole.run(until=6, quiet=True)
    Trainer(CropTask(recipe_of(), NewPeople()), tmp_path / 'broken').run(until=3, quiet=True)
    resumed = Trainer(CropTask(recipe_of(), NewPeople()), tmp_path / 'broken')
    assert resumed.step == 3
    resumed.run(until=6, quiet=True)
    for kind in ('network', 'average'):
        states = [
            torch.load(tmp_path / name / 'last.pt', weights_only=True)[kind]
            for name in ('whole', 'broken')
        ]
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_the_average_follows_the_statistics_of_batches(tmp_path):
    trainer = Trainer(CropTask(recipe_of(), NewPeople()), tmp_path)
    trainer.run(until=5, quiet=True)
    now, mean = (net.trunk.stem[1].running_mean for net in (trainer.task.network, trainer.average))
    assert 0 < (now - mean).abs().max() < now.abs().max()


def test_another_design_does_not_go_on_with_a_run(tmp_path):
    Trainer(CropTask(recipe_of('peaks'), NewPeople()), tmp_path).run(until=1, quiet=True)
    with pytest.raises(OtherRunError, match='peaks'):
        Trainer(CropTask(recipe_of('volume'), NewPeople()), tmp_path)


@pytest.mark.parametrize(
    ('less', 'more'),
    [
        ({}, {'correction': 16}),
        ({}, {'correction': 16, 'size': 8}),
        ({'correction': 16}, {'correction': 16, 'size': 8}),
    ],
)
def test_a_correction_is_put_on_what_has_learned_without(tmp_path, less, more):
    first = Trainer(CropTask(recipe_of(**less), NewPeople()), tmp_path / 'first')
    first.run(until=3, quiet=True)
    first.save_weights(tmp_path / 'first.pt')
    second = Trainer(
        CropTask(recipe_of(**more), NewPeople()), tmp_path / 'second', start=tmp_path / 'first.pt'
    )
    crops = people(2, torch.Generator().manual_seed(3)).image.float()
    with torch.no_grad():
        before, after = (t.average.eval()(crops).joints3d for t in (first, second))
    np.testing.assert_allclose(after, before, atol=5e-3)  # weights were kept in float16
    with pytest.raises(OtherRunError, match='design'):
        Trainer(
            CropTask(recipe_of('mixed', correction=16), NewPeople()),
            tmp_path / 'third',
            start=tmp_path / 'first.pt',
        )


PARTS = {'metres': ('correction.space', 'joints'), 'size': ('size', 'depth')}


@pytest.mark.parametrize('part', PARTS)
def test_a_part_learns_while_all_else_rests(tmp_path, part):
    of_this, loss = PARTS[part]
    recipe = recipe_of('mixed', correction=16, size=16, steps=40)
    whole = Trainer(CropTask(recipe, SamePeople()), tmp_path / 'whole')
    whole.run(until=20, quiet=True)
    whole.save_weights(tmp_path / 'whole.pt')
    partly = replace(recipe.learning(part), schedule=recipe.schedule)
    trainer = Trainer(
        CropTask(partly, SamePeople()), tmp_path, start=tmp_path / 'whole.pt', anew=True
    )
    before = {k: v.clone() for k, v in trainer.task.network.state_dict().items()}
    first = trainer.run(until=1, quiet=True)
    last = trainer.run(quiet=True)
    for name, value in trainer.task.network.state_dict().items():
        same = torch.equal(value, before[name])
        assert same != name.startswith(of_this), name
    assert last[loss] < first[loss]
    assert 'heat' not in last
    assert Trainer(CropTask(recipe, NewPeople()), tmp_path).step == 40


def test_what_forks_works_in_a_process_of_its_own():
    assert_forking_cases_pass(__file__)


def forking_workers_change_nothing_that_is_learned(tmp_path):
    recipe = recipe_of('mixed', correction=16, learning='metres')
    learned = []
    for workers in (0, 2):  # building sets the seed of what is dropped out by chance
        trainer = Trainer(CropTask(recipe, NewPeople(), workers), tmp_path / str(workers))
        trainer.run(until=4, quiet=True)
        learned.append(trainer.task.network.state_dict())
    for name, part in learned[0].items():
        assert torch.equal(part, learned[1][name]), name


def test_larger_batches_go_on_at_the_same_place(tmp_path):
    Trainer(CropTask(recipe_of(), NewPeople()), tmp_path).run(until=4, quiet=True)
    larger = recipe_of()
    larger = replace(larger, schedule=replace(larger.schedule, batch=8, steps=30))
    assert Trainer(CropTask(larger, NewPeople()), tmp_path).step == 2


LESS_USED = [pytest.param(design, marks=pytest.mark.slow) for design in DESIGNS]


@pytest.fixture(scope='module', params=['corrected', 'sized', *LESS_USED])
def exported(request, tmp_path_factory):
    """Train a few steps; return the averaged network and the card of its file."""
    folder = tmp_path_factory.mktemp('exported')
    with_more = {'corrected': {'correction': 16}, 'sized': {'correction': 16, 'size': 16}}
    if request.param in with_more:
        recipe = recipe_of('mixed', **with_more[request.param])
    else:
        recipe = recipe_of(request.param)
    Trainer(CropTask(recipe, NewPeople()), folder).run(until=3, quiet=True)
    recipe = replace(recipe, network=CropNetSettings())  # the run knows better
    card = recipe.export(folder, folder / 'toy_pose.onnx')
    write_card(card, folder / 'toy_pose.yaml')
    network = recipe.of_run(folder).trainer(folder).average.eval()
    return network, read_card(folder / 'toy_pose.yaml')


@pytest.mark.parametrize('count', [1, 3])
def test_onnx_runtime_agrees_with_torch(exported, count, draw):
    network, card = exported
    crops = people(count, draw)
    inputs = {'image': crops.image.permute(0, 2, 3, 1).contiguous()}
    if network.size is not None:
        inputs['intrinsics'] = crops.intrinsics.contiguous()
    session = open_session(card, threads=1)
    assert set(session.inputs) == set(inputs)
    found = session(**{name: value.numpy() for name, value in inputs.items()})
    graph = CropGraph(network)
    with torch.no_grad():
        for array in graph.state_dict().values():  # as in the file
            if array.numel() >= LARGE:
                array.copy_(array.half())
        wanted = graph(**inputs)
    for name, value in zip(CropGraph.outputs, wanted, strict=True):
        tolerance = 0.02 if name == 'joints2d' else 1e-4
        np.testing.assert_allclose(found[name], value, atol=tolerance, err_msg=name)


def test_graph_keeps_to_the_rules(exported):
    model = onnx.load(exported[1].path)
    assert max(entry.version for entry in model.opset_import) <= 20
    kinds = [node.op_type for node in model.graph.node]
    assert not REFUSED & set(kinds)
    assert kinds.index('Cast') < kinds.index('Transpose')
    for tensor in (*model.graph.input, *model.graph.output):
        assert tensor.type.tensor_type.shape.dim[0].dim_param, f'{tensor.name}: fixed batch'


@pytest.mark.slow
def test_tensorrt_compiles_it(exported):
    assert_compiles(exported[1].path.with_suffix('.yaml'))


def test_card_tells_the_runtime_what_it_needs(exported):
    card = exported[1]
    assert card.kind == 'crop'
    assert card.skeleton == BODY30
    assert (card.image.height, card.image.width, card.image.dtype) == (SIDE, SIDE, 'uint8')
    assert set(card.outputs) == set(CropGraph.outputs)
    assert 'research only' in card.licence


def test_the_published_network_is_as_small_as_promised():
    network = CropRecipe().build()
    assert sum(p.numel() for p in network.parameters()) * 2 <= 13e6  # bytes, float16
