"""Photographs: marks stay on what they mark, and validation stays out of training."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from training.data.backgrounds import Backgrounds  # noqa: E402
from training.data.crops import PhotoCrops, PhotoMix, PhotoPeople  # noqa: E402
from training.data.encoded import Encoded  # noqa: E402
from training.data.joint_sets import BODY30  # noqa: E402
from training.data.photo_people import SIDE  # noqa: E402
from training.data.synthetic_crops import PLAIN  # noqa: E402
from training.data.views import Wander  # noqa: E402

LEFT, RIGHT = BODY30.index('left_wrist'), BODY30.index('right_wrist')


@pytest.fixture(scope='module')
def people(photos):
    return PhotoPeople.read(photos)


def test_sources_kept_for_validation_are_not_trained_on(photos, people):
    assert set(people.source) == {'lsp', 'parse', 'rb_teacher', 'coco128_train'}
    assert set(PhotoPeople.read(photos, 'val').source) == {'coco_mini_train'}


def test_the_permissive_line_sees_free_pictures_alone(photos):
    free = PhotoPeople.read(photos, line='permissive')
    assert sorted(free.source) == ['coco128_train', 'rb_teacher']


def test_marks_stay_on_what_they_mark(people, draw):
    mix = PhotoMix(Wander(roll=0.5, shift=0.1, cut=(0, 0, 0, 0)), PLAIN.treatment)
    batch = PhotoCrops(people, 128, mix).batch(24, draw)
    for joint, channel in ((LEFT, 0), (RIGHT, 2)):
        for image, (x, y), inside in zip(batch.image, batch.joints2d[:, joint], batch.inside):
            if inside.all():
                # a mirrored person's red left hand is a red right hand
                pixel = image[:, round(float(y)), round(float(x))].tolist()
                assert max(pixel[0], pixel[2]) > 140
                assert min(pixel[0], pixel[2]) < 90
        plain = PhotoCrops(people, 128).all()
        x, y = plain.joints2d[0, joint].round().long().tolist()
        assert plain.image[0, :, y, x].argmax() == channel


def test_what_lies_beyond_a_square_can_be_filled(people, draw):
    wide = Wander(cut=(0, 0, 0, 0), near=0, roll=0.6)
    grey = Encoded.of([np.full((SIDE, SIDE, 3), 60, np.uint8)] * len(people))
    endless = np.tile(np.array([-500, -500, 800, 800], np.float32), (len(people), 1))
    near = replace(people, pictures=grey, frame=endless)
    bright = Backgrounds(torch.full((1, 3, 256, 320), 200, dtype=torch.uint8))
    mix = PhotoMix(wide, PLAIN.treatment, filled=1.0)
    batch = PhotoCrops(near, 64, mix, bright).batch(24, draw)
    assert (batch.image > 25).all()
    assert (batch.image.amin(1) > 190).any(), 'some are rolled beyond the square'


def test_says_what_is_known_of_a_photograph(people):
    batch = PhotoCrops(people, 64).all()
    assert batch.real.all()
    assert not batch.seen3d.any()
    assert not batch.intrinsics.any()
    assert batch.swappable.tolist() == [source == 'parse' for source in people.source]
    nose, neck, head = (BODY30.index(name) for name in ('nose', 'neck', 'head_top'))
    assert (batch.seen2d[:, nose] == 0).all()
    assert (batch.seen2d[:, [neck, head]] == 1).all()


def test_the_neck_is_halfway_between_the_shoulders(people):
    shoulders = [BODY30.index(f'{side}_shoulder') for side in ('left', 'right')]
    joints = torch.from_numpy(people.joints)
    torch.testing.assert_close(joints[:, BODY30.index('neck')], joints[:, shoulders].mean(1))


@pytest.mark.parametrize(('split', 'line'), [('test', 'research'), ('train', 'free')])
def test_refuses_unknown_parts(photos, split, line):
    with pytest.raises(ValueError, match='is none of'):
        PhotoPeople.read(photos, split, line)
