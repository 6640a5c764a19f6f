"""Counts, rates and complaints."""

import math
import sys
import threading
import time

import pytest

from mesh_pose_ros.ros.diagnostics import figures
from mesh_pose_ros.ros.statistics import Complaints, Statistics, kind_of


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_before_the_first_image_nothing_is_known(clock):
    statistics = Statistics(clock)
    assert statistics.rate == 0
    assert all(math.isnan(value) for value in statistics.latency())


def test_rate_is_that_of_the_last_seconds(clock):
    statistics = Statistics(clock)
    for _ in range(50):
        clock.now += 0.1
        statistics.finished({'total': 0.02}, persons=1, left_out={'too far': 2})
    assert statistics.rate == pytest.approx(10, abs=0.5)
    clock.now += 60
    assert statistics.rate == 0


def test_who_asks_and_who_counts_do_not_disturb_each_other():
    statistics, going_on = Statistics(), threading.Event()

    def count():
        while not going_on.is_set():
            statistics.finished({'total': 0.1}, 1, {})
            statistics.bad(chr(int(100_000 * time.monotonic()) % 50_000))

    other = threading.Thread(target=count)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    other.start()
    try:
        for _ in range(2000):
            assert figures(statistics)['rate (Hz)'] >= 0
    finally:
        sys.setswitchinterval(before)
        going_on.set()
        other.join()


def test_latency_is_median_and_95th_percentile(clock):
    statistics = Statistics(clock)
    for i in range(101):
        statistics.finished({'total': i / 100}, persons=0, left_out={})
    assert statistics.latency() == pytest.approx((0.5, 0.95))


def test_bad_images_are_counted_by_kind(clock):
    statistics = Statistics(clock)
    for size in (10, 20):
        statistics.bad(kind_of(f'image has {size} bytes'))
    assert statistics.counts['bad'] == 2
    assert statistics.bad_kinds == {'image has # bytes': 2}


def test_a_complaint_is_said_once_and_again_after_a_while(clock):
    complaints = Complaints(clock)
    assert complaints.is_new('image has 10 bytes')
    assert not complaints.is_new('image has 20 bytes')
    assert complaints.is_new('no pixels')
    clock.now += 31
    assert complaints.is_new('image has 30 bytes')


def test_trouble_is_told_while_it_is_fresh(clock):
    statistics = Statistics(clock)
    assert statistics.trouble == ''
    statistics.bad('image has # bytes')
    clock.now += 1
    assert statistics.trouble == 'image has # bytes'
    clock.now += 60
    assert statistics.trouble == ''
