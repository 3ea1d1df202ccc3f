"""Fewer frames a second than come, by their stamps: a bag played fast gives the same frames."""

from __future__ import annotations


class Throttle:
    """Lets frames pass up to a mean rate, evenly."""

    def __init__(self) -> None:
        self._passed = self._due = 0.0  # when a frame passed last, and when the next may, by the beat of the rate
        self._newest = 0.0

    def passes(self, stamp: float, rate: float) -> bool:
        """Whether the frame of a stamp [s] may pass at this rate [1/s], 0: always.

        Time that runs back or stands still begins anew: some drivers stamp every image with 0.
        """
        back, self._newest = stamp <= self._newest, stamp
        period = 1 / rate if rate else 0.0
        self._due = min(self._due, self._passed + period)  # a rate that was raised meanwhile holds at once
        if not rate or back or stamp >= self._due:
            # a frame a little late does not delay the next, a long gap earns no burst
            self._due = period + (self._due if not back and stamp - self._due < period else stamp)
            self._passed = stamp
            return True
        return False
