"""Pictures for the detector: boxes hold people, and unknown ground is left alone."""

import pytest

torch = pytest.importorskip('torch')

from training.data.augment import UNTREATED  # noqa: E402
from training.data.detection import (  # noqa: E402
    DetectorPhotos,
    DetectorScenes,
    MixedPictures,
    PhotoSceneMix,
    PhotoScenes,
    SceneMix,
)


@pytest.fixture(scope='module')
def scenes(photos):
    return PhotoScenes.read(photos)


def test_boxes_hold_the_people_and_nothing_else(layers, plain, draw):
    mix = SceneMix((0, 1), close=0.4, things=0, treatment=UNTREATED)
    batch = DetectorScenes(layers, plain, mix=mix).batch(12, draw)
    people = (batch.image.int() - 90).abs().sum(1) > 12
    for mask, boxes, valid in zip(people, batch.boxes, batch.valid):
        if valid.any():
            v, u = torch.nonzero(mask, as_tuple=True)
            found = torch.stack([u.min(), v.min(), u.max(), v.max()])
            assert (found - boxes[0]).abs().max() <= 3


def test_an_empty_place_has_no_boxes(layers, plain, draw):
    batch = DetectorScenes(layers, plain, mix=SceneMix((1,))).batch(3, draw)
    assert not batch.valid.any()
    assert not batch.ignore.any()


def test_boxes_stay_within_the_picture(layers, plain, draw):
    batch = DetectorScenes(layers, plain).batch(20, draw)
    boxes = batch.boxes[batch.valid]
    assert (boxes[:, :2] >= -0.5).all()
    assert (boxes[:, 2:] <= torch.tensor([319.5, 255.5])).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_boxes_of_photographs_hold_the_hands(scenes, plain, draw):
    mix = PhotoSceneMix(tiled=0, smallest=0.9, largest=1.0, treatment=UNTREATED)
    batch = DetectorPhotos(scenes, plain, mix=mix).batch(16, draw)
    red = (batch.image[:, 0] > 200) & (batch.image[:, 1] < 60)
    for mask, boxes, valid in zip(red, batch.boxes, batch.valid):
        if valid.any() and mask.any():
            v, u = torch.nonzero(mask, as_tuple=True)
            x0, y0, x1, y1 = boxes[0].tolist()
            assert u.min() > x0 - 2
            assert v.min() > y0 - 2
            assert u.max() < x1 + 2
            assert v.max() < y1 + 2


def test_ground_where_not_everybody_is_boxed_is_ignored(scenes, plain, draw):
    mix = PhotoSceneMix(tiled=0, shares={'lsp': 1.0, 'parse': 1.0}, treatment=UNTREATED)
    one = [row for row in range(len(scenes)) if scenes.source[row] == 'lsp']
    photos = DetectorPhotos(scenes, plain, mix=mix)
    photos._weight = torch.zeros(len(scenes)).index_fill(0, torch.tensor(one), 1.0)
    batch = photos.batch(8, draw)
    assert batch.ignore.flatten(1).any(1).all()
    for ignore, boxes, valid in zip(batch.ignore, batch.boxes, batch.valid):
        for x0, y0, x1, y1 in boxes[valid].tolist():
            u, v = round((x0 + x1) / 2), round((y0 + y1) / 2)
            assert not ignore[v, u]


def test_two_mirrors_show_what_was(layers, plain, draw):
    batch = DetectorScenes(layers, plain).batch(4, draw)
    everyone = torch.ones(4, dtype=torch.bool)
    twice = batch.mirrored(everyone).mirrored(everyone)
    assert torch.equal(twice.image, batch.image)
    torch.testing.assert_close(twice.boxes, batch.boxes)


def test_a_mixture_holds_both(layers, plain, scenes, draw):
    parts = [(DetectorScenes(layers, plain), 1.0), (DetectorPhotos(scenes, plain), 3.0)]
    assert MixedPictures(parts).batch(8, draw).real.sum() == 6
