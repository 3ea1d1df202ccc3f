"""What makes relative depth metres: the scale that is given, or the model's guess, smoothed against flicker."""

from __future__ import annotations

import math
from dataclasses import replace

from depthart_core import BackendError, Intrinsics, RelativeDepth, ScaleGuess
from depthart_ros.parameters.settings import Settings

USUAL_INTERVAL = 1 / 30
"""Seconds between frames whose stamps do not tell."""


def given_scale(settings: Settings) -> ScaleGuess | None:
    """Return the scale that the parameters give, which claims no error; None where they give none."""
    given = settings.scale_source == "given" and settings.scale > 0.0
    return ScaleGuess(settings.scale, 0.0) if given else None


def scale_possible(settings: Settings, *, heads: bool) -> bool:
    """Whether relative depth can become metres with these parameters (the model's guess needs a calibration, too).

    Args:
        settings: which say where the scale comes from.
        heads: whether the model guesses it.
    """
    return heads if settings.scale_source == "model" else given_scale(settings) is not None


class Scaling:
    """Remembers the guess of the frames before."""

    def __init__(self) -> None:
        self._before: tuple[float, float] | None = None  # logarithm of the canonical factor, and its stamp [s]

    def of(
        self, relative: RelativeDepth, intrinsics: Intrinsics | None, settings: Settings, *, stamp: float
    ) -> ScaleGuess | None:
        """Return what makes relative depth metres, None where it is unknown.

        Args:
            relative: depth with the model's guess.
            intrinsics: of its picture.
            settings: that hold for this frame.
            stamp: of the frame [s].

        Raises:
            BackendError: the model's guess is no factor.
        """
        if settings.scale_source == "given":
            self._before = None
            return given_scale(settings)
        if intrinsics is None or relative.canonical is None:
            return None
        factor = relative.canonical.metres_per_unit
        if not (math.isfinite(factor) and factor > 0.0):
            raise BackendError(f"the model guesses {factor:g} metres per unit; expected a finite number above 0")
        smooth = self._smooth(factor, settings.scale_smoothing, stamp)
        return replace(relative, canonical=replace(relative.canonical, metres_per_unit=smooth)).guess_scale(intrinsics)

    def _smooth(self, factor: float, time_constant: float, stamp: float) -> float:
        """Exponential smoothing of the logarithm over the time between frames; begins anew where that runs back.

        Some drivers send an image twice, or stamp every image with 0: then a usual interval counts.
        """
        now = math.log(factor)
        if time_constant and self._before is not None and stamp >= self._before[1]:
            before, when = self._before
            passed = stamp - when or USUAL_INTERVAL
            now = before + (now - before) * -math.expm1(-passed / time_constant)
        self._before = (now, stamp)
        return math.exp(now)
