"""What is wrong at the moment, said in the log once in a while instead of once a frame."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

REPEAT_AFTER = 10.0  # seconds until the same sentence is logged again, whatever its numbers are
SPACING = 0.2  # seconds between two sentences of one kind, however often they change


class Problems:
    """The current problem of each kind, by kind; reporting one also warns, throttled.

    Args:
        warn: writes a sentence to the log.
        clock: seconds that never run backwards.
    """

    def __init__(self, warn: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._warn = warn
        self._clock = clock
        self._lock = threading.Lock()
        self._current: dict[str, str] = {}
        self._said: set[str] = set()
        self._logged: dict[str, tuple[str, float]] = {}

    def report(self, kind: str, sentence: str) -> None:
        """Note the problem of a kind, and log it unless it was logged a short time ago."""
        now = self._clock()
        with self._lock:
            self._current[kind] = sentence
            words = re.sub(r"[\d.]+", "", sentence)
            before, when = self._logged.get(kind, ("", -REPEAT_AFTER))
            if now - when < (REPEAT_AFTER if words == before else SPACING):
                return
            self._logged[kind] = (words, now)
        self._warn(sentence)

    def say_once(self, sentence: str) -> None:
        """Log what somebody should know but that is no problem, the first time only."""
        with self._lock:
            if sentence in self._said:
                return
            self._said.add(sentence)
        self._warn(sentence)

    def clear(self, *kinds: str) -> None:
        """Forget the problems of these kinds."""
        with self._lock:
            for kind in kinds:
                self._current.pop(kind, None)

    def current(self) -> Mapping[str, str]:
        """Return the sentences that hold now, by kind."""
        with self._lock:
            return MappingProxyType(dict(self._current))
