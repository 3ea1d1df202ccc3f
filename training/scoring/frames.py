"""Frames as they are scored: cropped, at the size of the protocol, masked, and aligned with the truth."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from depthart_core.align import Alignment, fit_scale, fit_scale_shift
from depthart_core.errors import DepthartError
from depthart_core.estimator import RelativeDepth
from training.data.protocol import Protocol
from training.data.sample import DataError, Sample, attempt, listed, resize_sample
from training.scoring.metrics import ScoreError, Scores, score

FLOOR = 1e-3
ALIGNMENTS = ("scale", "scale_shift", "none")
T = TypeVar("T")

# (H, W, 3) uint8 RGB -> depth at that size.
Predictor = Callable[[np.ndarray], RelativeDepth]


@dataclass(frozen=True)
class ScoringSettings:
    """How a data set is scored.

    Attributes:
        protocol: which pixels count, and the size.
        alignments: of ``ALIGNMENTS``, each scored on its own. "scale": one factor, median(truth / prediction) over the
            valid pixels of the image. "scale_shift": factor and shift of least squares in depth; what falls below 1 mm
            is raised to it. "none": no look at the truth, the metres are the model's own.
        metres_per_unit: for "none", instead of the model's own guess.
    """

    protocol: Protocol = field(default_factory=Protocol)
    alignments: tuple[str, ...] = ("scale",)
    metres_per_unit: float | None = None

    def __post_init__(self) -> None:
        """Refuse an unknown alignment and a scale that is none.

        Raises:
            ScoreError: one of these.
        """
        scale = self.metres_per_unit
        if scale is not None and not (math.isfinite(scale) and scale > 0):
            raise ScoreError(f"scale {scale}: expected metres per unit of prediction, finite and above 0")
        for how in self.alignments:
            if how not in ALIGNMENTS:
                raise ScoreError(f"alignment {how!r}: expected one of {', '.join(ALIGNMENTS)}")


@dataclass(frozen=True)
class Frame:
    """One frame at the size at which it is scored.

    Attributes:
        index: in its data set.
        sample: image and truth, NaN in pixels that do not count; at least one does.
    """

    index: int
    sample: Sample

    @property
    def valid(self) -> np.ndarray:
        """(H, W) bool: the pixels that count."""
        return np.isfinite(self.sample.depth)


@dataclass(frozen=True)
class Judged:
    """One frame, aligned and scored.

    Attributes:
        frame: what it was compared with.
        prediction: what the model said.
        how: one of ``ALIGNMENTS``.
        alignment: what made the depth metric.
        depth: (H, W) float32, metres.
        scores: its errors.
    """

    frame: Frame
    prediction: RelativeDepth
    how: str
    alignment: Alignment
    depth: np.ndarray
    scores: Scores


def prepare(index: int, sample: Sample, settings: ScoringSettings) -> Frame | None:
    """Restrict a sample to the pixels that count, and resize it; None when none is left."""
    sample = settings.protocol.restrict(sample)
    if settings.protocol.size is not None:
        sample = resize_sample(sample, settings.protocol.size)
    frame = Frame(index, sample)
    return frame if frame.valid.any() else None


def for_each_frame(
    use: Callable[[Frame], T],
    samples: Sequence[Sample],
    settings: ScoringSettings,
    *,
    title: str,
    progress: bool = False,
) -> list[T]:
    """What ``use`` returns for every frame that can be scored; the others are named in one warning at the end.

    Raises:
        ScoreError: there is none.
    """
    results: list[T] = []
    left_out: list[str] = []
    # disable=None: no bar where stderr is a file.
    with tqdm(range(len(samples)), desc=title, disable=None if progress else True, leave=False) as indices:
        for index in indices:
            sample = attempt(samples, index)
            frame = None if isinstance(sample, DataError) else prepare(index, sample, settings)
            if frame is None:
                left_out.append(
                    str(sample) if isinstance(sample, DataError) else _without_depth(sample, settings.protocol)
                )
            else:
                results.append(use(frame))
    if left_out:
        warnings.warn(f"{title}: left out {len(left_out)} of {len(samples)} frames: {listed(left_out)}", stacklevel=3)
    if not results:
        raise ScoreError(f"{title}: no image was scored, expected at least one with valid depth")
    return results


def _without_depth(sample: Sample, protocol: Protocol) -> str:
    known = sample.depth[np.isfinite(sample.depth)]
    if not known.size or (known.max() >= protocol.nearest and known.min() <= protocol.cap):
        return f"{sample.name} has no valid depth" + f" in the {protocol.crop_name} crop" * bool(protocol.crop)
    counted = f"{protocol.nearest:g} to {protocol.cap:g} m count"
    return f"{sample.name} has no valid depth: it is {known.min():.2f} to {known.max():.2f} m, {counted}"


def align(how: str, prediction: RelativeDepth, frame: Frame, settings: ScoringSettings) -> tuple[Alignment, np.ndarray]:
    """Turn a prediction into metres: the alignment and (H, W) float32.

    Raises:
        AlignmentError: no alignment fits.
        ScoreError: "none" without a scale.
    """
    values, truth = prediction.values, frame.sample.depth
    if how == "scale":
        alignment = fit_scale(values, truth, frame.valid)
    elif how == "scale_shift":
        alignment = fit_scale_shift(values, truth, frame.valid)
        return alignment, np.maximum(alignment.apply(values), np.float32(FLOOR))
    else:
        alignment = own_scale(prediction, frame, settings)
    return alignment, alignment.apply(values)


def own_scale(prediction: RelativeDepth, frame: Frame, settings: ScoringSettings) -> Alignment:
    """Scale that needs no truth: the one given, else the model's guess.

    Raises:
        ScoreError: neither is there.
    """
    if settings.metres_per_unit is not None:
        return Alignment(settings.metres_per_unit)
    guess = prediction.guess_scale(frame.sample.intrinsics)
    if guess is None:
        raise ScoreError("the model guesses no scale: alignment none needs --scale METRES_PER_UNIT")
    return Alignment(guess.metres_per_unit)


def judge(prediction: RelativeDepth, frame: Frame, settings: ScoringSettings) -> list[Judged]:
    """Score what a model says of a frame in every alignment.

    Raises:
        ScoreError: what was predicted cannot be aligned or compared; names the frame.
    """
    judged = []
    for how in settings.alignments:
        try:
            alignment, depth = align(how, prediction, frame, settings)
            scores = score(depth, frame.sample.depth, frame.valid)
        except DepthartError as error:
            raise ScoreError(f"{frame.sample.name}: {error}") from error
        judged.append(Judged(frame, prediction, how, alignment, depth, scores))
    return judged
