"""Says in the log what the diagnostics say, where nothing else has: not everybody looks at /diagnostics."""

from __future__ import annotations

from collections.abc import Callable, Collection

from depthart_ros.diagnostics.verdicts import OK, Verdict

LASTS = 3
"""Verdicts in a row that a state has to last: everybody needs a moment to find each other."""


class Announcer:
    """Hears one verdict after the other.

    Args:
        warn: writes a warning.
        inform: writes that all is well again.
    """

    def __init__(self, warn: Callable[[str], None], inform: Callable[[str], None]) -> None:
        self._warn, self._inform = warn, inform
        self._state, self._times = ("", ""), 0
        self._told, self._advice = ("", ""), ""

    def mark_logged(self, advice: str) -> None:
        """Note advice that the log has: it is not given again."""
        self._advice = advice

    def update(self, verdict: Verdict, known: Collection[str]) -> None:
        """Say a state that lasts and needs a cure, and once it is over, that it is.

        Args:
            verdict: the newest.
            known: causes that the log has already.
        """
        state = verdict.state, verdict.cure  # causes hold numbers that change
        self._times = self._times + 1 if state == self._state else 1
        self._state = state
        if self._times != LASTS or self._told == state:
            return
        if verdict.level != OK and verdict.cure != self._advice and not any(cause in verdict.cause for cause in known):
            self._told, self._advice = state, verdict.cure
            self._warn(verdict.sentence)
        elif verdict.level == OK and any(self._told):
            self._told, self._advice = ("", ""), ""
            self._inform(verdict.state)
