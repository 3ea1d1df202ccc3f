"""Counters, rates and percentiles."""

import numpy as np
import pytest

from depthart_ros.diagnostics.statistics import COUNTERS, LOOK_BACK, STAGES, WINDOW, Statistics, values_of


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


class Seconds:
    """Statistics whose clock a test moves."""

    def __init__(self):
        self.now = 100.0
        self.statistics = Statistics(clock=lambda: self.now)

    def pass_by(self, seconds, **rates):
        """Count frames at rates [1/s] that may be less than one, evenly; the snapshots of these seconds."""
        start, snapshots = self.now, []
        for second in range(1, seconds + 1):
            for name, rate in rates.items():
                for _ in range(int(second * rate) - int((second - 1) * rate)):
                    self.statistics.count(name)
            self.now = start + second
            snapshots.append(self.statistics.snapshot())
        return snapshots


def test_rates_of_a_model_that_needs_more_than_a_second_for_a_frame_are_steady():
    snapshots = Seconds().pass_by(60, received=5.4, processed=0.45)
    assert all(snapshot.rates["processed"] == pytest.approx(0.45, abs=0.06) for snapshot in snapshots[LOOK_BACK:])
    assert all(snapshot.rates["received"] == pytest.approx(5.4, abs=0.11) for snapshot in snapshots[LOOK_BACK:])


def test_rates_are_right_from_the_first_second_on_and_after_a_restart():
    seconds = Seconds()
    seconds.pass_by(1, received=30, processed=8)
    assert seconds.pass_by(1, received=30, processed=8)[-1].rates == {"received": 30, "processed": 8, "idle": 0}
    seconds.pass_by(60)
    seconds.statistics.restart_rates()
    assert seconds.statistics.snapshot().rates == {"received": 0, "processed": 0, "idle": 0}
    assert seconds.pass_by(2, received=10, processed=4)[-1].rates == {"received": 10, "processed": 4, "idle": 0}


def test_rates_forget_what_is_more_than_the_window_ago():
    seconds = Seconds()
    seconds.pass_by(20, received=30, processed=30)
    assert seconds.pass_by(LOOK_BACK, received=30)[-1].rates["processed"] == 0


def test_the_first_image_makes_no_rate_of_its_own():
    seconds = Seconds()
    seconds.statistics.count("received")
    seconds.now += 0.01
    assert seconds.statistics.snapshot().rates["received"] == 1


def test_scales_of_the_last_frames_are_kept_and_shown_as_counts():
    statistics = Statistics()
    for scales in (3, 1, 3, 2):
        statistics.record_scales(scales)
    snapshot = statistics.snapshot()
    assert snapshot.scales == (3, 1, 3, 2)
    values = values_of(snapshot)
    assert (values["scales_last"], values["scales_mean"]) == ("2", "2.25")
    assert [values[f"scales_{scales}_frames"] for scales in (1, 2, 3)] == ["1", "1", "2"]
