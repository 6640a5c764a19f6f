"""A sensor changes the picture's grain, not what it shows."""

import numpy as np
import pytest

from training.synthetic.sensor import Sensor

RAMP = np.repeat(np.linspace(40, 200, 96).astype(np.uint8)[None, :, None], 64, 0).repeat(3, 2)


def test_a_perfect_sensor_changes_nothing():
    perfect = Sensor(blur=0, grain=0)
    np.testing.assert_array_equal(perfect(RAMP, np.random.default_rng(0)), RAMP)


@pytest.mark.parametrize('jpeg', [0, 50, 95])
def test_the_mean_stays_and_colours_keep_their_order(jpeg):
    red = np.zeros((64, 96, 3), np.uint8) + np.uint8([200, 60, 40])
    taken = Sensor(grain=3, jpeg=jpeg)(red, np.random.default_rng(1))
    np.testing.assert_allclose(taken.mean((0, 1)), [200, 60, 40], atol=2)


def test_gain_is_brightness():
    taken = Sensor(blur=0, grain=0, gain=0.5)(RAMP, np.random.default_rng(0))
    np.testing.assert_allclose(taken, RAMP / 2, atol=1)


def test_grain_is_as_strong_as_told_and_by_seed():
    grey = np.full((128, 128, 3), 120, np.uint8)
    weak, strong = (Sensor(grain=g)(grey, np.random.default_rng(0)).std() for g in (2, 8))
    assert 3 < strong / weak < 5
    again = Sensor(grain=2)(grey, np.random.default_rng(0))
    np.testing.assert_array_equal(again, Sensor(grain=2)(grey, np.random.default_rng(0)))


def test_random_sensors_take_usable_pictures():
    rng = np.random.default_rng(4)
    for _ in range(20):
        taken = Sensor.random(rng)(RAMP, rng)
        assert taken.shape == RAMP.shape
        assert taken.dtype == np.uint8
        assert np.corrcoef(taken.ravel(), RAMP.ravel())[0, 1] > 0.95
