"""Snappy's elements, one by one."""

import pytest

from training.snappy import decompressed


@pytest.mark.parametrize(
    ('data', 'wanted'),
    [
        (b'\x00', b''),
        (b'\x03\x08abc', b'abc'),  # a literal
        (b'\x46' + b'\xf0\x45' + b'q' * 70, b'q' * 70),  # its length in a byte of its own
        (b'\x07\x08abc\x01\x03', b'abcabca'),  # a copy of 4 from 3 before, overlapping
        (b'\x05\x08abc\x06\x02\x00', b'abcbc'),  # of 2, offset in two bytes
        (b'\x05\x08abc\x07\x03\x00\x00\x00', b'abcab'),  # offset in four bytes
    ],
)
def test_elements_are_undone(data, wanted):
    assert decompressed(data) == wanted


@pytest.mark.parametrize(
    'data',
    [
        b'\x04\x08abc',  # shorter than it says
        b'\x07\x08abc\x01\x04',  # repeats what was before the start
        b'\x07\x08abc\x01\x00',
    ],
)
def test_broken_data_is_refused(data):
    with pytest.raises(ValueError, match=r'bytes'):
        decompressed(data)
