"""Whether a camera falls behind: its depth comes later and later because images come faster than they are done."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from statistics import fmean

from depthart_ros.diagnostics.statistics import StatisticsSnapshot, processed_share

REMEMBERED = 9
"""Snapshots of which the first third is compared with the last."""
FACTOR, MARGIN = 1.5, 0.1
"""Growth that counts: beyond this factor and this many seconds."""


class LatencyTrend:
    """Looks at one snapshot after the other, a second apart.

    Attributes:
        falls_behind: whether the camera does, as of the newest snapshot.
    """

    def __init__(self) -> None:
        self._recent: deque[Mapping[str, float]] = deque(maxlen=REMEMBERED)
        self.falls_behind = False

    def newest(self, stage: str) -> float:
        """Return the mean of a stage [s] in the newest second in which something was published; 0 while idle."""
        return self._recent[-1].get(stage, 0.0) if self._recent else 0.0

    def add(self, snapshot: StatisticsSnapshot, *, full: bool) -> None:
        """Take the newest snapshot.

        Args:
            snapshot: of the statistics.
            full: whether the camera's queue has no room.
        """
        if "arrival_to_publish" in snapshot.recent:
            self._recent.append(snapshot.recent)
        elif not snapshot.rates["received"] and not full:  # else one frame takes longer than from snapshot to snapshot
            self._recent.clear()
        behind = full or processed_share(snapshot.rates) < 0.5
        # images that wait until there is room arrive older; whatever else makes them old is not our doing
        stage = "stamp_to_publish" if full else "arrival_to_publish"
        self.falls_behind = behind and grows([recent[stage] for recent in self._recent if stage in recent])


def grows(latencies: Sequence[float]) -> bool:
    """Whether the last third of REMEMBERED latencies [s] is well above the first."""
    if len(latencies) < REMEMBERED:
        return False
    third = REMEMBERED // 3
    first, last = fmean(latencies[:third]), fmean(latencies[-third:])
    return last - first > (FACTOR - 1) * max(first, 0.0) + MARGIN  # below 0 where the camera's clock is ahead
