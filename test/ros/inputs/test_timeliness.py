"""What is said of frames that are too old."""

import pytest
from builtin_interfaces.msg import Time

from depthart_ros.diagnostics.problems import Problems
from depthart_ros.diagnostics.statistics import Statistics
from depthart_ros.inputs.timeliness import Timeliness
from depthart_ros.parameters.settings import Settings


@pytest.mark.parametrize(
    ("age", "waited", "kind"),
    [(1.01, 0.06, "age"), (1.01, 0.9, "waited"), (60.0, 59.0, "age"), (60.0, 59.9, "waited"), (0.9, 0.9, None)],
)
def test_waiting_is_blamed_where_it_is_what_made_a_frame_too_old(age, waited, kind):
    problems = Problems(lambda _: None)
    timeliness = Timeliness(lambda: 100 * 10**9, problems, Statistics())
    stamp = Time(sec=int(100 - age), nanosec=round((100 - age) % 1 * 1e9))
    assert timeliness.passes(stamp, Settings(max_age=1.0), waited=waited) == (kind is None)
    assert problems.current().keys() == ({kind} if kind else set())


def test_a_stamp_of_0_says_nothing_of_the_age_and_ends_what_was_wrong_with_it():
    log = []
    problems, settings = Problems(log.append), Settings(max_age=1.0)
    timeliness = Timeliness(lambda: 1_700_000_000 * 10**9, problems, Statistics())
    for sec, kind in ((1_600_000_000, "age"), (1_800_000_000, "future")):
        timeliness.passes(Time(sec=sec), settings, waited=0.0)
        assert kind in problems.current()
        assert timeliness.passes(Time(), settings, waited=0.0)
        assert not problems.current()
    assert timeliness.age(Time()) is None
    assert sum("header.stamp is 0" in line for line in log) == 1
