"""Every encoding a camera sends becomes the picture it was; what is no picture says why."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_pose_ros.errors import BadImageError
from mesh_pose_ros.messages.images import ENCODINGS, compressed_message, image_message, to_rgb
from mesh_pose_ros.messages.types import decode, encode

HEIGHT, WIDTH = 6, 8


@pytest.fixture
def picture() -> np.ndarray:
    """Smooth colours: what a mosaic or half-resolution chroma can carry."""
    rows, cols = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([90 + 4 * rows, 100 + 4 * cols, 80 + 3 * (rows + cols)], -1).astype(np.uint8)


def fake_image(encoding, data, width=WIDTH, height=HEIGHT, step=None, is_bigendian=0):
    """A message by its shape; rows are padded to the step if one is given."""
    data = np.ascontiguousarray(data).view(np.uint8).reshape(-1)
    rows = height * ENCODINGS[encoding].planes // 2 if encoding in ENCODINGS else height
    used = data.size // rows if rows else 0
    if step is not None and step >= used and data.size == rows * used:
        data = np.pad(data.reshape(rows, used), ((0, 0), (0, step - used)), constant_values=255)
    return SimpleNamespace(
        encoding=encoding,
        width=width,
        height=height,
        step=step or used,
        is_bigendian=is_bigendian,
        data=data.tobytes(),
    )


def packed_yuv(picture, order):
    """BT.601 in studio range, chroma of every second pixel."""
    to_yuv = np.array([[0.257, 0.504, 0.098], [-0.148, -0.291, 0.439], [0.439, -0.368, -0.071]])
    yuv = picture @ to_yuv.T + [16, 128, 128]
    luma = iter((yuv[:, ::2, 0], yuv[:, 1::2, 0]))
    chroma = {'u': yuv[:, ::2, 1], 'v': yuv[:, ::2, 2]}
    parts = [next(luma) if name == 'y' else chroma[name] for name in order]
    return np.stack(parts, -1).round().astype(np.uint8)


def mosaic(picture, pattern):
    out = np.empty((HEIGHT, WIDTH), np.uint8)
    for place, colour in enumerate(pattern):
        row, col = divmod(place, 2)
        out[row::2, col::2] = picture[row::2, col::2, 'rgb'.index(colour)]
    return out


ALPHA = np.full((HEIGHT, WIDTH, 1), 7, np.uint8)
EXACT = {
    'rgb8': lambda p: p,
    'bgr8': lambda p: p[..., ::-1],
    '8UC3': lambda p: p[..., ::-1],
    'rgba8': lambda p: np.concatenate([p, ALPHA], -1),
    'bgra8': lambda p: np.concatenate([p[..., ::-1], ALPHA], -1),
    'rgb16': lambda p: p.astype('<u2') << 8 | 13,
    'bgr16': lambda p: p[..., ::-1].astype('<u2') << 8 | 13,
}


@pytest.mark.parametrize('encoding', EXACT)
@pytest.mark.parametrize('step', [None, 100])
def test_colour_encodings_give_the_same_picture(picture, encoding, step):
    msg = fake_image(encoding, EXACT[encoding](picture), step=step)
    np.testing.assert_array_equal(to_rgb(msg), picture)


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_grey_becomes_three_equal_channels(picture, encoding):
    rgb = to_rgb(fake_image(encoding, picture[..., 0], step=11))
    np.testing.assert_array_equal(rgb, np.repeat(picture[..., :1], 3, -1))


@pytest.mark.parametrize('big', [0, 1])
def test_sixteen_bits_keep_their_high_byte_in_either_byte_order(picture, big):
    deep = (picture[..., 0].astype(np.uint16) << 8 | 200).astype('>u2' if big else '<u2')
    rgb = to_rgb(fake_image('mono16', deep, is_bigendian=big))
    np.testing.assert_array_equal(rgb[..., 0], picture[..., 0])


@pytest.mark.parametrize('order', ['uyvy', 'yuyv'])
@pytest.mark.parametrize('step', [None, 20])
def test_packed_yuv_gives_nearly_the_same_picture(picture, order, step):
    names = {'uyvy': ('uyvy', 'yuv422'), 'yuyv': ('yuyv', 'yuv422_yuy2')}[order]
    for name in names:
        rgb = to_rgb(fake_image(name, packed_yuv(picture, order), step=step))
        np.testing.assert_allclose(rgb.astype(int), picture.astype(int), atol=12)


@pytest.mark.parametrize('encoding', ['nv12', 'nv21'])
@pytest.mark.parametrize('step', [None, 16])
def test_planar_yuv_gives_nearly_the_same_picture(picture, encoding, step):
    packed = packed_yuv(picture, 'yuyv')
    luma = packed[..., ::2].reshape(HEIGHT, WIDTH)
    chroma = packed[::2][..., [1, 3] if encoding == 'nv12' else [3, 1]].reshape(-1, WIDTH)
    rgb = to_rgb(fake_image(encoding, np.concatenate([luma, chroma]), step=step))
    assert rgb.shape == picture.shape
    np.testing.assert_allclose(rgb.astype(int), picture.astype(int), atol=14)


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
@pytest.mark.parametrize('depth', [8, 16])
def test_mosaics_put_each_colour_in_its_channel(pattern, depth):
    picture = np.broadcast_to(np.array([200, 120, 40], np.uint8), (HEIGHT, WIDTH, 3))
    raw = mosaic(picture, pattern)
    raw = raw if depth == 8 else raw.astype('<u2') << 8
    rgb = to_rgb(fake_image(f'bayer_{pattern}{depth}', raw, step=20))
    np.testing.assert_array_equal(rgb, picture)


def test_every_encoding_gives_contiguous_rgb():
    for name, encoding in ENCODINGS.items():
        rows = HEIGHT * encoding.planes // 2
        data = np.zeros((rows, WIDTH * encoding.channels * encoding.depth), np.uint8)
        rgb = to_rgb(fake_image(name, data))
        assert rgb.shape == (HEIGHT, WIDTH, 3), name
        assert rgb.dtype == np.uint8, name
        assert rgb.flags.c_contiguous, name


def test_plain_rgb_is_not_copied(picture):
    msg = fake_image('rgb8', picture)
    msg.data = np.frombuffer(msg.data, np.uint8).copy()
    assert np.shares_memory(to_rgb(msg), msg.data)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 5))
def test_any_size_and_padding_survives_the_message(width, height, padding):
    picture = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)
    msg = fake_image('rgb8', picture, width, height, step=3 * width + padding)
    np.testing.assert_array_equal(to_rgb(msg), picture)
    sent = decode(encode(image_message(picture, 12, 'eye')), 'sensor_msgs/Image')
    np.testing.assert_array_equal(to_rgb(sent), picture)
    assert (sent.header.stamp.nanosec, sent.header.frame_id) == (12, 'eye')


def test_jpeg_and_png_are_read(picture):
    big = cv2.resize(picture, (64, 48))
    jpeg = decode(encode(compressed_message(big, 5, 'eye')), 'sensor_msgs/CompressedImage')
    np.testing.assert_allclose(to_rgb(jpeg).astype(int), big.astype(int), atol=8)
    png = SimpleNamespace(format='png', data=cv2.imencode('.png', big[..., ::-1])[1].tobytes())
    np.testing.assert_array_equal(to_rgb(png), big)


BAD = [  # what arrives -> what the message must name
    (fake_image('yuv999', np.zeros(144, np.uint8)), r"'yuv999' is not supported.*bgr8"),
    (fake_image('rgb8', np.zeros(0, np.uint8), width=0), r'rgb8 image of 0x6 has no pixels'),
    (fake_image('rgb8', np.zeros(0, np.uint8), height=0), r'rgb8 image of 8x0 has no pixels'),
    (fake_image('rgb8', np.zeros(100, np.uint8), step=24), r'100 bytes.*need 144'),
    (fake_image('nv12', np.zeros(48, np.uint8), step=8), r'48 bytes.*need 72'),
    (fake_image('bgr8', np.zeros(144, np.uint8), step=20), r'step is 20 bytes, a row needs 24'),
    (fake_image('yuyv', np.zeros((6, 14), np.uint8), width=7), r'yuyv image of 7x6'),
    (SimpleNamespace(format='jpeg', data=b'\xff\xd8nonsense'), r"'jpeg', 10 bytes"),
    (SimpleNamespace(format='png', data=b''), r"'png', 0 bytes"),
    (SimpleNamespace(format='16UC1; compressedDepth png', data=b'1'), r'depth, not colour'),
]


@pytest.mark.parametrize(('msg', 'complaint'), BAD, ids=[c for _, c in BAD])
def test_what_is_no_image_says_why(msg, complaint):
    with pytest.raises(BadImageError, match=complaint):
        to_rgb(msg)
