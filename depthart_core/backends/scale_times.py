"""How long scales and decoding took lately, and whether another scale still fits before a deadline."""

from __future__ import annotations

import time
from collections import deque

import numpy as np

REMEMBERED = 8
"""Runs that an expectation rests on."""

QUANTILE = 0.75
"""Of these, so that a deadline holds in more than half the runs."""

FADING = 0.95
"""What refusing a scale does to its expectation: one slow run must not shut it out for ever."""


class ScaleTimes:
    """How long every scale and decoding are expected to take.

    Args:
        scales: Number of scales.
    """

    def __init__(self, scales: int) -> None:
        self._scales = [deque[float](maxlen=REMEMBERED) for _ in range(scales)]
        self._decoding = deque[float](maxlen=REMEMBERED)

    @property
    def scales(self) -> int:
        """Number of scales."""
        return len(self._scales)

    def scale(self, k: int) -> float:
        """Expected seconds of scale k, 0 where it never ran: then it is tried."""
        return expected_seconds(self._scales[k])

    def decoding(self) -> float:
        """Expected seconds of decoding."""
        return expected_seconds(self._decoding)

    def latest(self, k: int | None) -> float:
        """Seconds that scale k, or decoding (None), took when it was last noted."""
        return (self._decoding if k is None else self._scales[k])[-1]

    def note_scale(self, k: int, seconds: float) -> None:
        """Remember how long scale k took."""
        self._scales[k].append(seconds)

    def note_decoding(self, seconds: float) -> None:
        """Remember how long decoding took."""
        self._decoding.append(seconds)

    def fade(self, k: int) -> None:
        """Expect a little less of a scale that was refused."""
        self._scales[k].append(FADING * self.scale(k))


class DeadlineRun:
    """One picture on its way through the scales: begin before the first one, ask after each, finish at the end.

    Args:
        scale_times: What is expected; learns from this run.
        deadline: Moment of `time.monotonic` by which the result should be there; None: all scales.
    """

    def __init__(self, scale_times: ScaleTimes, deadline: float | None) -> None:
        self._scale_times, self._deadline, self._last, self.done = scale_times, deadline, time.monotonic(), 0

    def begin(self) -> None:
        """Note that the first scale begins now: what came before is no part of it."""
        self._lap()

    def another(self) -> bool:
        """Note that a scale is done; whether there is a next one and it still fits."""
        now = self._lap()
        self._scale_times.note_scale(self.done, now)
        self.done += 1
        if self.done == self._scale_times.scales:
            return False
        times = self._scale_times
        fits = self._deadline is None or self._last + times.scale(self.done) + times.decoding() <= self._deadline
        if not fits:
            self._scale_times.fade(self.done)
        return fits

    def finish(self) -> None:
        """Note that decoding is done."""
        self._scale_times.note_decoding(self._lap())

    def _lap(self) -> float:
        before, self._last = self._last, time.monotonic()
        return self._last - before


def expected_seconds(seconds: deque[float]) -> float:
    """What is expected of something that took so long lately, the newest last; 0 where it never was done."""
    return float(np.quantile(seconds, QUANTILE)) if seconds else 0.0
