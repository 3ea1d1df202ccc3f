"""Fewer frames a second than come: the mean rate, and stamps that jump."""

import numpy as np
import pytest

from depthart_ros.inputs.throttle import Throttle


@pytest.mark.parametrize(("rate", "expected"), [(0.0, 300), (10.0, 100), (7.0, 70), (100.0, 300)])
def test_a_throttle_keeps_the_mean_rate_of_a_camera_of_30_hz(rate, expected):
    throttle = Throttle()
    jitter = np.random.default_rng(0).uniform(-0.004, 0.004, 300)
    passed = [throttle.passes(1e9 + place / 30 + jitter[place], rate) for place in range(300)]
    assert abs(sum(passed) - expected) <= 3


def test_a_throttle_whose_rate_is_raised_lets_the_next_frame_of_that_rate_pass():
    throttle = Throttle()
    assert [stamp for stamp in range(100, 110) if throttle.passes(stamp, 0.01 if stamp < 105 else 0.5)] == [
        100,
        105,
        107,
        109,
    ]


def test_a_throttle_begins_anew_when_time_runs_back_and_earns_no_burst_by_a_gap():
    throttle = Throttle()
    assert [throttle.passes(stamp, 1.0) for stamp in (5.0, 5.5, 2.0, 2.5, 60.0, 60.1, 60.2)] == [
        True, False, True, False, True, False, False,
    ]  # fmt: skip


def test_a_throttle_lets_every_frame_of_a_driver_pass_whose_stamps_stand_still():
    for stamp in (0.0, 5.0):
        throttle = Throttle()
        assert all(throttle.passes(stamp, 1.0) for _ in range(5))
