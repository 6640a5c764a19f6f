"""Treatments keep pictures pictures; compression loses what JPEG loses."""

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch')

from training.data.augment import RENDERED, UNTREATED, treated  # noqa: E402
from training.data.draws import Draws  # noqa: E402
from training.data.jpeg import compressed  # noqa: E402


@pytest.fixture
def images(draw):
    coarse = torch.rand(6, 3, 7, 9, generator=draw) * 255
    return torch.nn.functional.interpolate(coarse, (50, 70), mode='bilinear').round()


def test_values_stay_values_of_pixels(images, draw):
    out = treated(images, Draws(6, draw), RENDERED)
    assert out.shape == images.shape
    assert out.min() >= 0
    assert out.max() <= 255


def test_no_treatment_changes_nothing(images, draw):
    out = treated(images, Draws(6, draw), UNTREATED)
    torch.testing.assert_close(out, images, atol=1e-3, rtol=0)


@pytest.mark.parametrize('quality', [20, 50, 90])
def test_loses_what_a_jpeg_file_loses(images, quality):
    ours = compressed(images[:1], quality)[0].permute(1, 2, 0).numpy()
    picture = images[0].permute(1, 2, 0).byte().numpy()
    _, file = cv2.imencode('.jpg', picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    theirs = cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1].astype(float)
    assert np.abs(ours - theirs).mean() < 1.5
    assert np.abs(ours - theirs).mean() < np.abs(picture - theirs).mean() + 0.3
