"""Designs of the crop network are compared on the same crops, by the errors that are meant."""

import pytest

torch = pytest.importorskip('torch')

from training import compare  # noqa: E402
from training.data.crops import MixedCrops, SyntheticCrops  # noqa: E402
from training.data.nobody import NobodyCrops  # noqa: E402
from training.loop import Schedule, Trainer  # noqa: E402
from training.networks.crop_net import CropNetSettings, Sight  # noqa: E402
from training.networks.trunk import TrunkSettings  # noqa: E402
from training.recipes.crop import CropRecipe  # noqa: E402

SIDE = 64


class Remembering:
    """A source of crops that keeps the last batch for the network that is to know it."""

    def __init__(self, source):
        self._source, self.crops = source, None

    def batch(self, count, generator):
        self.crops = self._source.batch(count, generator)
        return self.crops


class Knowing(torch.nn.Module):
    """A network that says the labels, its metres times ``scale``."""

    def __init__(self, source, scale=1.0):
        super().__init__()
        self._source, self._scale = source, scale
        self.anything = torch.nn.Parameter(torch.zeros(1))

    def forward(self, image):
        crops = self._source.crops
        crops = crops[crops.root[:, 2] > 0]
        assert len(crops) == len(image)
        sure = torch.full_like(crops.seen2d, 9.0)
        joints3d = self._scale * crops.joints3d
        return Sight(None, crops.joints2d, crops.joints2d, joints3d, sure, sure[:, 0])


@pytest.fixture
def source(layers, plain):
    """People, and now and then nobody, as in training."""
    people = SyntheticCrops(layers, plain, SIDE)
    return Remembering(MixedCrops([(people, 0.8), (NobodyCrops(plain, SIDE), 0.2)]))


def small_recipe():
    trunk = TrunkSettings(stem=8, widths=(12, 16, 24, 32), blocks=(0, 0, 1, 1), fused=24)
    return CropRecipe(
        network=CropNetSettings(side=SIDE, trunk=trunk, hidden=16),
        schedule=Schedule(steps=3, batch=2, warm_up=1),
        echo=1,
    )


def test_who_knows_the_labels_makes_no_error(source):
    found = compare.measure(Knowing(source), source, 24, batch=8)
    assert found['near2d'] == 1
    assert found['mpjpe'] == pytest.approx(0, abs=1e-3)
    assert found['depth'] < 1


def test_people_seen_too_large_are_put_too_far_away(source):
    found = compare.measure(Knowing(source, 1.2), source, 24, batch=8)
    assert found['pa_mpjpe'] == pytest.approx(0, abs=1e-2)
    assert found['mpjpe'] > 20
    assert found['depth'] == pytest.approx(20, abs=2)


def test_designs_see_the_same_crops_and_are_not_trained_twice(source, tmp_path):
    seen = []

    class Told:
        def batch(self, count, generator):
            crops = source.batch(count, generator)
            seen.append(crops.image)
            return crops

    comparison = compare.Comparison(small_recipe(), Told(), source, 4, tmp_path)
    row = comparison.row('regress', 0)
    assert row['samples'] == 3 * 2
    comparison.row('mixed', 0)
    assert all(torch.equal(a, b) for a, b in zip(seen[:3], seen[3:], strict=True))
    assert comparison.row('regress', 0) == row
    assert len(seen) == 6


def test_who_is_told_to_stop_measures_nothing(source, tmp_path, monkeypatch):
    comparison = compare.Comparison(small_recipe(), source, source, 4, tmp_path)
    to_the_end = Trainer.run
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, 'run', lambda self: to_the_end(self, until=1))
        with pytest.raises(SystemExit, match='goes on'):
            comparison.row('regress', 0)
    assert comparison.row('regress', 0)['samples'] == 3 * 2
