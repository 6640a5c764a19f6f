"""Pixels arrive as the card says."""

import numpy as np
import pytest

from mesh_pose_ros.pipeline.tensors import image_tensor
from mesh_pose_ros.runtime.card import ImageInput

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 3), dtype=np.uint8)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.mark.parametrize('colour', ['rgb', 'bgr'])
@pytest.mark.parametrize('layout', ['nhwc', 'nchw'])
@pytest.mark.parametrize('dtype', ['uint8', 'float32'])
def test_layout_and_colour(dtype, layout, colour):
    tensor = image_tensor(IMAGES, ImageInput(4, 6, dtype, layout, colour))
    assert tensor.dtype == dtype
    assert tensor.flags.c_contiguous
    channels_last = tensor if layout == 'nhwc' else tensor.transpose(0, 2, 3, 1)
    expected = IMAGES if colour == 'rgb' else IMAGES[..., ::-1]
    np.testing.assert_array_equal(channels_last, expected)


@pytest.mark.parametrize(
    ('scale', 'mean', 'std'),
    [(1 / 255, MEAN, STD), (1 / 127.5, (1,) * 3, (1,) * 3), (1.0, (0,) * 3, (1,) * 3)],
)
def test_normalisation(scale, mean, std):
    wanted = ImageInput(4, 6, 'float32', scale=scale, mean=mean, std=std)
    expected = (IMAGES * scale - np.array(mean)) / std
    np.testing.assert_allclose(image_tensor(IMAGES, wanted), expected, rtol=1e-5, atol=1e-5)
