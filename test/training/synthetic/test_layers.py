"""Rendered people are where their labels say, and nothing is rendered twice."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from training.data.layer_set import LayerSet  # noqa: E402
from training.networks.body_layer import BodyLayer  # noqa: E402
from training.synthetic.layers import (  # noqa: E402
    SHARD,
    SIDE,
    Request,
    Studio,
    body30_regressor,
    missing,
    render,
)


@pytest.fixture(scope='module')
def layers(layers_folder):
    return LayerSet(layers_folder)


def test_joints_lie_on_the_person(layers):
    pixels = layers.joints[..., :2] / layers.joints[..., 2:] * layers.focal[:, None, None]
    pixels = (pixels + (SIDE - 1) / 2).round().long()
    inside = ((pixels >= 0) & (pixels < SIDE)).all(-1)
    coverage = layers.pixels(torch.arange(len(layers)))[:, 3]
    u, v = pixels.clamp(0, SIDE - 1).unbind(-1)
    covered = coverage[torch.arange(len(layers))[:, None], v, u] > 0
    assert covered[inside].float().mean() > 0.97


def test_a_box_holds_all_that_is_seen(layers):
    coverage = layers.pixels(torch.arange(len(layers)))[:, 3] > 127
    for mask, box in zip(coverage, layers.box):
        v, u = torch.nonzero(mask, as_tuple=True)
        found = torch.tensor([u.min() - 0.5, v.min() - 0.5, u.max() + 0.5, v.max() + 0.5])
        torch.testing.assert_close(found, box)


def test_pixels_are_premultiplied(layers):
    pixels = layers.pixels(torch.arange(len(layers))).int()
    assert (pixels[:, :3] <= pixels[:, 3:] + 1).all()


def test_the_body_behind_the_labels_has_the_labelled_joints(layers, body_path):
    body = BodyLayer.load(body_path)
    with np.load(body_path) as file:
        regressor = torch.from_numpy(body30_regressor(file))
    vertices, _ = body(layers.rotations, layers.betas)
    joints = regressor @ (vertices + layers.place[:, None])
    torch.testing.assert_close(joints, layers.joints, atol=2e-4, rtol=0)


def test_the_same_request_gives_the_same_people(body_path):
    first, second = (Studio(Request(body_path, seed=3)).shard(0, 2) for _ in range(2))
    np.testing.assert_array_equal(first.pixels, second.pixels)
    np.testing.assert_array_equal(first.joints, second.joints)


def test_rendering_goes_on_where_it_stopped(body_path, tmp_path):
    assert list(missing(tmp_path, SHARD + 5)) == [(0, SHARD), (1, 5)]
    render(Request(body_path), tmp_path, 1)
    written = (tmp_path / '00000.npy').stat().st_mtime_ns
    render(Request(body_path), tmp_path, 1)
    assert (tmp_path / '00000.npy').stat().st_mtime_ns == written
    assert len(LayerSet(tmp_path)) == 1


def test_an_empty_folder_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(ValueError, match=r'python -m training\.synthetic\.layers'):
        LayerSet(tmp_path)
