"""Whether a camera falls behind: the age of its published depth grows because images come faster than they are done."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from statistics import fmean

from depthart_ros.diagnostics.statistics import Snapshot, processed_share

REMEMBERED = 9
"""Snapshots of which the first third is compared with the last."""
FACTOR, MARGIN = 1.5, 0.1
"""Growth that counts: beyond this factor and this many seconds."""


class LatencyTrend:
    """Looks at one snapshot after the other, a second apart."""

    def __init__(self) -> None:
        self._ages: deque[float] = deque(maxlen=REMEMBERED)
        self._newest: Mapping[str, float] = {}

    def newest(self, stage: str) -> float:
        """Return the mean of a stage [s] in the newest second in which something was published; 0 when idle."""
        return self._newest.get(stage, 0.0)

    def falls_behind(self, snapshot: Snapshot, *, full: bool) -> bool:
        """Whether it does, this snapshot included.

        Args:
            snapshot: the newest.
            full: whether the camera's queue has no room.
        """
        if "arrival_to_publish" in snapshot.recent:
            self._newest = snapshot.recent
            if "stamp_to_publish" in snapshot.recent:
                self._ages.append(snapshot.recent["stamp_to_publish"])
        elif not snapshot.rates["received"] and not full:  # else one frame takes longer than from snapshot to snapshot
            self._newest = {}
            self._ages.clear()
        behind = full or processed_share(snapshot.rates) < 0.5
        return behind and grows(self._ages)


def grows(ages: Sequence[float]) -> bool:
    """Whether the last third of REMEMBERED ages of published depth [s] is well above the first."""
    if len(ages) < REMEMBERED:
        return False
    third = REMEMBERED // 3
    values = list(ages)
    first, last = fmean(values[:third]), fmean(values[-third:])
    return last - first > (FACTOR - 1) * max(first, 0.0) + MARGIN  # below 0 where the camera's clock is ahead
