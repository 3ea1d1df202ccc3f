"""Overload is a latency that grows while images come too fast."""

import pytest

from depthart_ros.diagnostics.overload import REMEMBERED, LatencyTrend, grows
from depthart_ros.diagnostics.statistics import StatisticsSnapshot


def falls_behind(latencies, *, received=30.0, processed=8.0, idle=0.0, full=False):
    trend = LatencyTrend()
    rates = {"received": received, "processed": processed, "idle": idle}
    for latency in latencies:
        trend.add(snapshot_of(rates, latency), full=full)
    return trend.falls_behind


def snapshot_of(rates, latency, age=0.0):
    """A second in which depth came so late after arrival (None: no depth came) of images of an age [s]."""
    stages = {"stamp_to_arrival": age, "stamp_to_publish": age + (latency or 0.0), "arrival_to_publish": latency}
    return StatisticsSnapshot({}, rates, {}, recent={} if latency is None else stages)


def idle(trend):
    trend.add(StatisticsSnapshot({}, {"received": 0.0, "processed": 0.0}, {}), full=False)


def test_a_latency_that_grows_while_images_come_too_fast_is_overload():
    growing = [0.1 + 0.1 * second for second in range(REMEMBERED)]
    assert falls_behind(growing)
    assert not falls_behind(growing, processed=30.0)
    assert falls_behind(growing, processed=30.0, full=True)


def test_images_that_are_older_and_older_when_they_arrive_are_no_overload_unless_they_wait_for_room():
    found = {}
    for full in (False, True):
        trend, rates = LatencyTrend(), {"received": 30.0, "processed": 8.0}
        for second in range(REMEMBERED):
            trend.add(snapshot_of(rates, 0.1, age=0.5 * second), full=full)
        found[full] = trend.falls_behind
    assert found == {False: False, True: True}


def test_images_that_are_left_out_by_request_are_no_overload():
    growing = [0.1 + 0.1 * second for second in range(REMEMBERED)]
    assert not falls_behind(growing, processed=2.0, idle=20.0)
    assert falls_behind(growing, processed=2.0, idle=20.0, full=True)


def test_a_steady_latency_is_none_however_many_images_are_replaced():
    assert not falls_behind([0.1, 0.12, 0.09] * REMEMBERED)


def test_an_idle_second_begins_anew():
    trend, rates = LatencyTrend(), {"received": 30.0, "processed": 8.0}
    found = []
    for latency in [0.1] * 5 + [None] + [1.0] * 5:
        if latency is None:
            idle(trend)
        else:
            trend.add(snapshot_of(rates, latency), full=False)
            found.append(trend.falls_behind)
    assert not any(found)


def test_seconds_in_which_no_frame_was_done_are_not_idle_while_images_come():
    latencies = [value for second in range(REMEMBERED) for value in (None, None, 2.0 + second)]
    assert falls_behind(latencies, processed=0.3)
    assert falls_behind(latencies, received=0.0, processed=0.3, full=True)


def test_stages_are_those_of_the_newest_second_with_depth_and_none_when_idle():
    trend, stages = LatencyTrend(), ("arrival_to_publish", "stamp_to_arrival")
    assert [trend.newest(stage) for stage in stages] == [0.0, 0.0]
    for latency in (0.5, 2.0, None):
        rates = {"received": 30.0, "processed": 1.0}
        trend.add(snapshot_of(rates, latency, age=5.0), full=False)
    assert [trend.newest(stage) for stage in stages] == [2.0, 5.0]
    idle(trend)
    assert [trend.newest(stage) for stage in stages] == [0.0, 0.0]


@pytest.mark.parametrize("last", [0.1, 0.24])
def test_little_growth_does_not_count(last):
    assert not grows([0.1] * (REMEMBERED - 3) + [last] * 3)


@pytest.mark.parametrize("ahead", [0.3, 2.0, 1.7e9])
def test_a_camera_whose_clock_is_ahead_is_overloaded_only_where_depth_comes_later_and_later(ahead):
    assert not grows([-ahead] * REMEMBERED)
    assert grows([0.5 * second - ahead for second in range(REMEMBERED)])
