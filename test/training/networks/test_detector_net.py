"""The detector learns what it is shown, tells boxes in pixels, and runs in the pipeline."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from nvidia import assert_compiles

from mesh_pose_ros.pipeline.detection import DetectionOptions, Detector
from mesh_pose_ros.runtime.card import read_card, write_card
from mesh_pose_ros.runtime.session import open_session
from training.data.detection import DetectorBatch
from training.loop import Schedule, Trainer
from training.networks.detector_net import DetectorGraph, DetectorNet, DetectorSettings, peaks
from training.networks.trunk import TrunkSettings, folded
from training.recipes.detector import DetectorRecipe, DetectorTask
from training.recipes.detector_losses import (
    DetectorWeights,
    Hills,
    detector_losses,
    focal_loss,
    generalised_overlap,
    hills_of,
    side_error,
)

SIZE = (128, 96)
SMALL = DetectorSettings(
    size=SIZE, trunk=TrunkSettings(8, (16, 24, 32, 32), (0, 1, 1, 0), fused=24), head=24
)
REFUSED = {'NonMaxSuppression', 'NonZero', 'Det', 'AffineGrid', 'ScatterND', 'Loop', 'If', 'TopK'}


def pictures(boxes, ignore=None, seed=0):
    """Bright rectangles on noise; boxes (N, M, 4), of no height where there is nobody."""
    boxes = torch.as_tensor(boxes, dtype=torch.float32)
    count, (width, height) = len(boxes), SIZE
    noise = torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))
    image = 60 * noise
    valid = boxes[..., 3] > boxes[..., 1]
    for n, m in torch.nonzero(valid):
        x0, y0, x1, y1 = (boxes[n, m] + 0.5).int().tolist()
        image[n, :, y0:y1, x0:x1] += torch.tensor([180.0, 120, 60])[:, None, None]
    none = torch.zeros(count, height, width, dtype=torch.bool)
    unknown = none if ignore is None else ignore
    return DetectorBatch(image.byte(), boxes, valid, unknown, torch.zeros(count, dtype=torch.bool))


class Rectangles:
    """An endless source of one or two of them; see `training.data.detection.Pictures`."""

    def batch(self, count, generator):
        size = torch.rand(count, 2, 2, generator=generator) * torch.tensor([24, 40]) + 14
        corner = torch.rand(count, 2, 2, generator=generator) * (torch.tensor(SIZE) - size)
        boxes = torch.cat([corner, corner + size], -1).round() - 0.5
        boxes[torch.rand(count, generator=generator) < 0.4, 1] = 0
        return pictures(boxes, seed=int(torch.randint(1 << 30, (1,), generator=generator)))


@pytest.fixture(scope='module')
def recipe():
    schedule = Schedule(steps=130, batch=8, rate=5e-3, warm_up=15, average=0.95)
    return replace(
        DetectorRecipe(), network=SMALL, schedule=schedule, precision='float32', prior=0
    )


@pytest.fixture(scope='module')
def trained(recipe, tmp_path_factory):
    """The card of a detector after some seconds of training."""
    folder = tmp_path_factory.mktemp('detector')
    Trainer(DetectorTask(recipe, Rectangles()), folder).run(quiet=True)
    card = recipe.export(folder, folder / 'toy_detector.onnx')
    write_card(card, folder / 'toy_detector.yaml')
    return folder / 'toy_detector.yaml'


def test_the_published_network_is_small():
    count = sum(p.numel() for p in DetectorNet().parameters())
    assert 1_000_000 < count < 1_800_000


def test_a_trained_one_finds_rectangles_in_the_pipeline(trained):
    card = read_card(trained)
    detector = Detector(open_session(card, threads=1), card)
    shown = Rectangles().batch(12, torch.Generator().manual_seed(99))
    right = 0
    for image, boxes, valid in zip(shown.image, shown.boxes, shown.valid, strict=True):
        large = image.permute(1, 2, 0).repeat_interleave(2, 0).repeat_interleave(2, 1)
        found = detector(large.contiguous().numpy(), DetectionOptions(min_box_px=4))
        corners = torch.tensor([[b.x, b.y, b.x + b.width, b.y + b.height] for b in found])
        for box in (boxes[valid] + 0.5) * 2 - 0.5:
            overlap = generalised_overlap(corners.reshape(-1, 4), box.double())
            right += bool((overlap > 0.5).any())
    assert right >= 0.8 * shown.valid.sum()


def test_onnx_runtime_agrees_with_torch(recipe, trained):
    network = recipe.of_run(trained.parent).trainer(trained.parent).average.eval()
    image = np.random.default_rng(0).integers(0, 255, (3, *SIZE[::-1], 3), dtype=np.uint8)
    found = open_session(read_card(trained), threads=1)(image=image)
    with torch.no_grad():
        boxes, scores = DetectorGraph(network, recipe.prior, recipe.tall)(torch.from_numpy(image))
    np.testing.assert_allclose(found['boxes'], boxes, atol=0.05)
    # a peak may be one in one library and not in the other where two cells are equal
    agree = np.isclose(found['scores'], scores, atol=1e-4)
    assert agree.mean() > 0.99


def test_graph_keeps_to_the_rules(trained):
    model = onnx.load(trained.with_suffix('.onnx'))
    assert max(entry.version for entry in model.opset_import) <= 20
    kinds = [node.op_type for node in model.graph.node]
    assert not REFUSED & set(kinds)
    assert kinds.index('Cast') < kinds.index('Transpose')
    for tensor in (*model.graph.input, *model.graph.output):
        assert tensor.type.tensor_type.shape.dim[0].dim_param, f'{tensor.name}: fixed batch'


@pytest.mark.slow
def test_tensorrt_compiles_it(trained):
    assert_compiles(trained)


def test_folding_changes_nothing_but_time(recipe):
    network = recipe.build().eval()
    image = 255 * torch.rand(1, 3, *SIZE[::-1])
    with torch.no_grad():
        for plain, fast in zip(network(image), folded(network)(image), strict=True):
            torch.testing.assert_close(plain.heat, fast.heat, atol=1e-3, rtol=1e-3)


def test_only_tops_are_left_of_heat():
    heat = torch.full((1, 5, 5), -3.0)
    heat[0, 2, 2], heat[0, 2, 3], heat[0, 0, 0] = 2.0, 1.0, 0.5
    left = peaks(heat)[0]
    assert left[2, 2] > 0.8
    assert left[2, 3] == 0
    assert left[0, 0] > 0.5


def test_higher_boxes_score_higher_by_the_prior(recipe):
    network, image = recipe.build().eval(), torch.zeros(1, *SIZE[::-1], 3, dtype=torch.uint8)
    with torch.no_grad():
        boxes, plain = DetectorGraph(network, 0.0, 240.0)(image)
        _, scores = DetectorGraph(network, 0.5, 240.0)(image)
    share = (boxes[..., 3] - boxes[..., 1]) / 240
    torch.testing.assert_close(scores, plain * share.clamp_max(1).sqrt())


BOX = [19.5, 9.5, 59.5, 79.5]


@pytest.fixture
def maps(recipe):
    with torch.no_grad():
        return recipe.build()(pictures([[BOX]]).image.float())


def test_a_hill_stands_on_the_middle_of_a_person(maps):
    batch = pictures([[BOX, [0, 0, 0, 0]]])
    hills = hills_of(maps[0], batch)
    top = torch.nonzero(hills.height[0] == hills.height.max())
    assert hills.height.max() == 1
    assert len(top) == 1
    v, u = (top[0] * 8 + 3.5).tolist()
    assert abs(u - 39.5) <= 4
    assert abs(v - 44.5) <= 4
    np.testing.assert_allclose(hills.boxes[0, top[0, 0], top[0, 1]], BOX)


def test_sizes_go_to_their_stride(maps):
    small, large = [10.5, 10.5, 30.5, 60.5], [1.5, 1.5, 119.5, 94.5]
    fine = [hills_of(m, pictures([[small]])).height.max() for m in maps]
    coarse = [hills_of(m, pictures([[large]])).height.max() for m in maps]
    assert fine == [1, 0]
    assert coarse == [0, 1]


def test_nobody_is_wrong_where_the_picture_does_not_know(maps):
    unknown = torch.ones(1, SIZE[1], SIZE[0], dtype=torch.bool)
    empty = [[[0, 0, 0, 0]]]
    sure = [replace(m, heat=torch.full_like(m.heat, 5.0)) for m in maps]
    weights = DetectorWeights()
    assert detector_losses(sure, pictures(empty), weights)['heat'] > 100
    assert detector_losses(sure, pictures(empty, unknown), weights)['heat'] == 0


def test_true_boxes_cost_nothing(maps):
    batch = pictures([[BOX]])
    perfect = []
    for cells in maps:
        hills = hills_of(cells, batch)
        heat = torch.where(hills.height == 1, 12.0, -12.0)
        perfect.append(replace(cells, heat=heat, boxes=hills.boxes))
    for name, part in detector_losses(perfect, batch, DetectorWeights()).items():
        assert part < 1e-3, name


def test_focal_loss_asks_most_where_most_is_wrong():
    height = torch.tensor([[[1.0, 0.9, 0.0]]])
    hills = Hills(height, torch.zeros(1, 1, 3, 4), torch.ones(1, 1, 3, dtype=torch.bool))
    heat = torch.zeros(1, 1, 3, requires_grad=True)
    focal_loss(heat, hills).backward()
    top, slope, far = heat.grad[0, 0].tolist()
    assert top < 0 < far  # rise at the top, fall elsewhere
    assert abs(slope) < 0.01 * far


def test_overlap_of_known_boxes():
    box, far = torch.tensor([0.0, 0, 10, 10]), torch.tensor([30.0, 0, 40, 10])
    half = torch.tensor([0.0, 0, 10, 5])
    assert generalised_overlap(box, box) == 1
    assert generalised_overlap(box, half) == pytest.approx(0.5)
    assert generalised_overlap(box, far) == pytest.approx(-0.5)
    assert side_error(half, box) == pytest.approx(0.125)
