"""Counters and time percentiles of the node; one thread writes while another reads."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

COUNTERS = ("received", "processed", "replaced", "too_old", "idle", "failed", "publish_failed", "late")
STAGES = ("decode", "infer", "publish", "stamp_to_arrival", "stamp_to_publish", "arrival_to_publish")
PERCENTILES = (50, 95, 99)
WINDOW = 300  # frames that the percentiles look back: ten seconds of a usual camera
LOOK_BACK = 10  # snapshots, a second apart, that the rates look back: a large model needs seconds for a frame
SHORTEST = 1.0  # seconds over which a rate is taken at least, or the first image alone would make a huge one


@dataclass(frozen=True)
class StatisticsSnapshot:
    """The state of the statistics at one moment.

    Attributes:
        counters: by name, since the node started; received = processed + replaced + too_old + idle + failed + those
            that wait or are at work.
            Of the processed ones, `late` were published after their deadline.
        rates: received, processed and idle frames a second, over the last LOOK_BACK snapshots.
        latencies_ms: for each stage measured so far its percentiles over the last frames [ms], keyed by percentile.
        scales: how many scales each of the last frames was decoded from, the newest last.
        recent: mean of each stage since the snapshot before [s], of those that were measured since.
    """

    counters: Mapping[str, int]
    rates: Mapping[str, float]
    latencies_ms: Mapping[str, Mapping[int, float]]
    scales: Sequence[int] = ()
    recent: Mapping[str, float] = field(default_factory=dict)


class Statistics:
    """Counts frames and collects how long their stages took.

    Args:
        clock: seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counters = dict.fromkeys(COUNTERS, 0)
        self._seconds: dict[str, deque[float]] = {stage: deque(maxlen=WINDOW) for stage in STAGES}
        self._scales: deque[int] = deque(maxlen=WINDOW)
        # By stage how often and how many seconds since the last snapshot.
        self._recent: dict[str, tuple[int, float]] = {}
        self._before: deque[tuple[float, dict[str, int]]] = deque(maxlen=LOOK_BACK)
        self.restart_rates()

    def restart_rates(self) -> None:
        """Let rates count from now on: what was before a pause says nothing of what comes after it."""
        with self._lock:
            self._before.clear()
            self._before.append((self._clock(), dict(self._counters)))

    def count(self, name: str) -> None:
        """Add one to a counter of COUNTERS."""
        with self._lock:
            self._counters[name] += 1

    def record(self, stage: str, seconds: float | None) -> None:
        """Add one duration to a stage of STAGES, unless it is unknown."""
        if seconds is None:
            return
        with self._lock:
            self._seconds[stage].append(seconds)
            count, total = self._recent.get(stage, (0, 0.0))
            self._recent[stage] = count + 1, total + seconds

    def record_scales(self, scales: int) -> None:
        """Note how many scales a frame was decoded from."""
        with self._lock:
            self._scales.append(scales)

    def snapshot(self) -> StatisticsSnapshot:
        """Return counters, rates, percentiles, and means since the last call."""
        with self._lock:
            now, counters = self._clock(), dict(self._counters)
            windows = {stage: list(values) for stage, values in self._seconds.items() if values}
            scales, sums = tuple(self._scales), self._recent
            self._recent = {}
            then, before = self._before[0]
            self._before.append((now, counters))
        elapsed = max(now - then, SHORTEST)
        rates = {name: (counters[name] - before[name]) / elapsed for name in ("received", "processed", "idle")}
        latencies = {stage: percentiles_ms(values) for stage, values in windows.items()}
        recent = {stage: total / count for stage, (count, total) in sums.items()}
        return StatisticsSnapshot(counters, rates, latencies, scales, recent)


def processed_share(rates: Mapping[str, float]) -> float:
    """Return the share of the images that is processed; 1 where some were left idle, for which there was time then.

    Idle are those that nobody wants, and those that make no cloud by request (`points.max_rate`).

    Args:
        rates: as of a snapshot.
    """
    received = rates.get("received", 0.0)
    return 1.0 if rates.get("idle") or not received else rates.get("processed", 0.0) / received


def values_of(snapshot: StatisticsSnapshot) -> dict[str, str]:
    """Return counters, rates [1/s], latencies and numbers of scales as text by name, for example `infer_p95_ms`."""
    values = {name: str(count) for name, count in snapshot.counters.items()}
    values |= {f"{name}_rate": f"{rate:.2f}" for name, rate in snapshot.rates.items()}
    for stage, latencies in snapshot.latencies_ms.items():
        values |= {f"{stage}_p{percentile}_ms": f"{latency:.3f}" for percentile, latency in latencies.items()}
    if snapshot.scales:
        counts = sorted(Counter(snapshot.scales).items())
        values["scales_last"] = str(snapshot.scales[-1])
        values["scales_mean"] = f"{sum(snapshot.scales) / len(snapshot.scales):.2f}"
        values |= {f"scales_{scales}_frames": str(count) for scales, count in counts}
    return values


def percentiles_ms(seconds: list[float]) -> dict[int, float]:
    """Return the PERCENTILES of durations in seconds, as milliseconds."""
    values = np.percentile(seconds, PERCENTILES) * 1e3
    return {percentile: float(value) for percentile, value in zip(PERCENTILES, values, strict=True)}
