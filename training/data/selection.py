"""What is taken of one's own recordings: a stretch of their frames, and depth within limits.

Frames that follow each other are nearly the same picture, so that a model is judged on a stretch that it never saw, and
its heads learn on another one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from training.data.frames import Frames
from training.data.protocol import Protocol
from training.data.sample import DataError, Sample

OPTIONS = ("part", "nearest", "cap")
"""Of ``PATH?name=value``, see `select`."""


@dataclass(frozen=True)
class Limited:
    """Frames whose depth is unknown outside limits."""

    frames: Frames
    limits: Protocol

    def __call__(self, index: int) -> Sample:
        """Read one frame."""
        return self.limits.restrict(self.frames[index])


def select(frames: Frames, *, part: str = "0:100", nearest: str = "0", cap: str = "inf") -> Frames:
    """Some of the frames, with depth within limits.

    Args:
        frames: in the order in which they were recorded.
        part: "FROM:TO" in percent of them.
        nearest: nearest depth that is known [m].
        cap: farthest depth that is known [m].

    Raises:
        DataError: an option has another form, or no frame is left.
    """
    begin, end = stretch(part)
    count = len(frames)
    chosen = frames[round(begin * count / 100) : round(end * count / 100)]
    if not len(chosen):
        raise DataError(f"part={part}, in percent, of {count} frames holds none of them")
    limits = Protocol(cap=_metres("cap", cap), nearest=_metres("nearest", nearest))
    if not limits.nearest < limits.cap:
        raise DataError(f"nearest={nearest} and cap={cap} leave no depth, expected nearest below cap")
    if (limits.nearest, limits.cap) == (0.0, math.inf):
        return chosen
    return Frames(range(len(chosen)), Limited(chosen, limits))


def stretch(part: str) -> tuple[float, float]:
    """Where a part "FROM:TO" begins and ends, in percent.

    Raises:
        DataError: it has another form.
    """
    try:
        begin, end = map(float, part.split(":"))
    except ValueError:
        begin, end = math.nan, math.nan
    if not 0 <= begin < end <= 100:
        raise DataError(f"part={part}, expected FROM:TO in percent of the frames, such as part=0:80")
    return begin, end


def _metres(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value >= 0:
        raise DataError(f"{name}={text}, expected metres from 0 up")
    return value
