"""Deadlines: which scales are still begun, by what was seen before."""

import pytest

from depthart_core.backends import scale_times as module
from depthart_core.backends.scale_times import REMEMBERED, DeadlineRun, ScaleTimes

LATER = 1e6


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The clock of the runs: a machine that stops for a moment changes nothing."""
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def experienced(scales=(1.0, 2.0, 4.0), decoding=1.0):
    """Times that saw the same often."""
    scale_times = ScaleTimes(len(scales))
    for _ in range(REMEMBERED):
        for k, seconds in enumerate(scales):
            scale_times.note_scale(k, seconds)
        scale_times.note_decoding(decoding)
    return scale_times


def scales_within(scale_times, seconds):
    """How many scales run when each takes no time, but is expected to take it."""
    run = DeadlineRun(scale_times, module.time.monotonic() + seconds)
    while run.another():
        pass
    run.finish()
    return run.done


def test_without_a_deadline_every_scale_runs():
    run = DeadlineRun(experienced((LATER, LATER)), None)
    assert (run.another(), run.another(), run.done) == (True, False, 2)


@pytest.mark.parametrize(("seconds", "scales"), [(-5.0, 1), (2.9, 1), (3.1, 2), (4.9, 2), (5.1, 3)])
def test_a_scale_is_begun_when_it_and_decoding_are_expected_to_fit(seconds, scales):
    assert scales_within(experienced(), seconds) == scales


def test_what_never_ran_is_tried():
    assert scales_within(ScaleTimes(3), 0.5) == 3


def test_a_single_slow_run_is_forgiven():
    scale_times = experienced()
    scale_times.note_scale(1, LATER)
    assert scales_within(scale_times, 5.1) == 3


def test_a_scale_that_became_slow_is_refused_and_tried_again_after_a_while():
    scale_times = experienced((1.0, 50.0))
    refused = [scales_within(scale_times, 10.0) for _ in range(400)]
    assert refused[0] == 1
    assert 2 in refused


def test_what_comes_before_the_first_scale_is_no_part_of_it(clock):
    scale_times = ScaleTimes(1)
    run = DeadlineRun(scale_times, None)
    clock.now += 0.5
    run.begin()
    clock.now += 0.25
    run.another()
    assert scale_times.latest(0) == 0.25


def test_times_are_learnt_from_runs(clock):
    scale_times = ScaleTimes(1)
    run = DeadlineRun(scale_times, None)
    clock.now += 0.25
    run.another()
    clock.now += 0.5
    run.finish()
    assert (scale_times.scale(0), scale_times.decoding()) == (0.25, 0.5)
