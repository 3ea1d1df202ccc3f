"""Counters, rates and percentiles."""

import numpy as np
import pytest

from depthart_ros.diagnostics.reports import values_of
from depthart_ros.diagnostics.statistics import COUNTERS, STAGES, WINDOW, Statistics


def test_counters_begin_at_zero_and_count():
    statistics = Statistics()
    assert set(statistics.snapshot().counters) == set(COUNTERS)
    for _ in range(3):
        statistics.count("received")
    assert statistics.snapshot().counters["received"] == 3
    assert statistics.snapshot().counters["processed"] == 0


def test_percentiles_are_those_of_the_last_frames_in_milliseconds():
    statistics = Statistics()
    seconds = np.random.default_rng(0).uniform(0.001, 0.1, WINDOW + 50)
    for value in seconds:
        statistics.record("infer", value)
    latencies = statistics.snapshot().latencies_ms
    assert set(latencies) == {"infer"} < set(STAGES)
    for percentile in (50, 95, 99):
        assert latencies["infer"][percentile] == pytest.approx(1e3 * np.percentile(seconds[50:], percentile))


def test_recent_means_are_of_what_was_measured_since_the_last_snapshot_and_what_is_unknown_is_left_out():
    statistics = Statistics()
    for seconds in (0.1, 0.3, None):
        statistics.record("arrival_to_publish", seconds)
        statistics.record("stamp_to_publish", None)
    assert statistics.snapshot().recent == {"arrival_to_publish": pytest.approx(0.2)}
    snapshot = statistics.snapshot()
    assert (set(snapshot.recent), set(snapshot.latencies_ms)) == (set(), {"arrival_to_publish"})


def test_rates_count_from_the_snapshot_before():
    statistics = Statistics()
    statistics.count("received")
    assert statistics.snapshot().rates["received"] > 0
    assert statistics.snapshot().rates == {"received": 0, "processed": 0}


def test_scales_of_the_last_frames_are_kept_and_shown_as_counts():
    statistics = Statistics()
    for scales in (3, 1, 3, 2):
        statistics.record_scales(scales)
    snapshot = statistics.snapshot()
    assert snapshot.scales == (3, 1, 3, 2)
    values = values_of(snapshot)
    assert (values["scales_last"], values["scales_mean"]) == ("2", "2.25")
    assert [values[f"scales_{scales}_frames"] for scales in (1, 2, 3)] == ["1", "1", "2"]
