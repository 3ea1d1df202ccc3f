"""Whether a frame is young enough to be processed, by its stamp."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from depthart_ros.diagnostics.problems import Problems
from depthart_ros.diagnostics.statistics import Statistics
from depthart_ros.parameters.settings import Settings

if TYPE_CHECKING:
    from builtin_interfaces.msg import Time

FUTURE = 0.5  # seconds that a stamp may be ahead of the clock
UNSTAMPED = "image: header.stamp is 0; expected the time of the picture, without which max_age does not count"


class Timeliness:
    """Looks at the frames of one camera.

    Args:
        now: the node's clock [ns], simulated time under use_sim_time; 0 before the first /clock.
        problems: where to report stamps that are not as they should be.
        statistics: where to count frames that are too old.
    """

    def __init__(self, now: Callable[[], int], problems: Problems, statistics: Statistics) -> None:
        self._now, self._problems, self._statistics = now, problems, statistics

    def age(self, stamp: Time) -> float | None:
        """Return the seconds since a stamp, None where the clock does not run or the stamp is 0."""
        now, then = self._now(), _nanoseconds(stamp)
        return (now - then) * 1e-9 if now and then else None

    def passes(self, stamp: Time, settings: Settings, *, waited: float) -> bool:
        """Whether a frame is to be processed, as one of unknown age is; reports a stamp too old, or ahead of the clock.

        Args:
            stamp: of the frame.
            settings: that hold for it.
            waited: seconds since it came.
        """
        if not _nanoseconds(stamp):  # some drivers give none
            self._problems.say_once(UNSTAMPED)
        age = self.age(stamp)
        if age is None:
            self._problems.clear("future", "age", "waited")
            return True
        if age < -FUTURE:
            self._problems.report("future", f"image: its stamp is {-age:.3f} s ahead of the node's clock")
        else:
            self._problems.clear("future")
        if not settings.max_age or age <= settings.max_age or settings.process_all:
            self._problems.clear("age", "waited")
            return True
        self._statistics.count("too_old")
        came_in_time = age - waited <= settings.max_age and waited > age / 2  # else waiting was but the last straw
        kind, other = ("waited", "age") if came_in_time else ("age", "waited")
        why = f", as it waited {waited:.3f} s for its turn" if came_in_time else ""
        expected = f"expected at most {settings.max_age:g} (parameter max_age)"
        self._problems.report(kind, f"image: its stamp is {age:.3f} s old{why}; {expected}")
        self._problems.clear(other)
        return False


def _nanoseconds(stamp: Time) -> int:
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)
