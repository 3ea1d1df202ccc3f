"""Scores of one depth map against the truth, and their average over a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from depthart_core.errors import DepthartError
from training.scoring.boundaries import boundary_f1

DELTA = 1.25
"""Depth within this factor of the truth is right: what delta1 counts, and what the confidence is the probability of."""


class ScoreError(DepthartError):
    """Depth maps that cannot be compared."""


@dataclass(frozen=True)
class Scores:
    """Errors of aligned depth over the valid pixels of one image, or their average over images.

    Attributes:
        abs_rel: mean of |d - t| / t.
        delta1: share of pixels with max(d / t, t / d) below 1.25.
        delta2: the same for 1.25 squared.
        delta3: the same for 1.25 cubed.
        rmse: root mean square error, metres.
        mae: mean absolute error, metres.
        log10: mean of |log10 d - log10 t|.
        silog: 100 times the standard deviation of ln d - ln t.
        boundary: sharpness, F1 of the steps in depth (training.scoring.boundaries); NaN where the truth has none.
    """

    abs_rel: float
    delta1: float
    delta2: float
    delta3: float
    rmse: float
    mae: float
    log10: float
    silog: float
    boundary: float


METRICS = tuple(field.name for field in fields(Scores))


def score(depth: np.ndarray, truth: np.ndarray, valid: np.ndarray) -> Scores:
    """Compare aligned depth with the truth, in float64.

    Args:
        depth: (H, W), metres.
        truth: (H, W), metres.
        valid: (H, W) bool.

    Raises:
        ScoreError: when shapes differ, no pixel is valid, or depth is not positive and finite there.
    """
    d, t = comparable(depth, truth, valid)
    log_ratio = np.log(d / t)
    return Scores(
        abs_rel=abs_rel(d, t),
        delta1=share_within(d, t, DELTA),
        delta2=share_within(d, t, DELTA**2),
        delta3=share_within(d, t, DELTA**3),
        rmse=float(np.sqrt(np.mean((d - t) ** 2))),
        mae=float(np.mean(np.abs(d - t))),
        log10=float(np.mean(np.abs(log_ratio)) / np.log(10)),
        silog=float(100 * np.std(log_ratio)),
        boundary=boundary_f1(depth, truth, valid),
    )


def abs_rel(depth: np.ndarray, truth: np.ndarray) -> float:
    """Mean of |d - t| / t over pixels (n,)."""
    return float(np.mean(np.abs(depth - truth) / truth))


def share_within(depth: np.ndarray, truth: np.ndarray, factor: float) -> float:
    """Share of the pixels (n,) whose depth is less than a factor away from the truth."""
    return float(np.mean(np.maximum(depth / truth, truth / depth) < factor))


def comparable(depth: np.ndarray, truth: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both at the valid pixels, as two float64 vectors.

    Raises:
        ScoreError: when shapes differ, no pixel is valid, or depth is not positive and finite there.
    """
    if not depth.shape == truth.shape == valid.shape:
        raise ScoreError(f"depth {depth.shape}, truth {truth.shape}, mask {valid.shape}: expected one shape")
    d, t = depth[valid].astype(np.float64), truth[valid].astype(np.float64)
    if d.size == 0:
        raise ScoreError("no valid pixel in the true depth, expected at least one")
    if not (np.isfinite(d) & (d > 0)).all():
        raise ScoreError("depth is not positive and finite on every valid pixel")
    return d, t


def average(scores: Sequence[Scores]) -> Scores:
    """Mean over images; every image counts the same, however many valid pixels it has.

    A score that is NaN (boundary, where the truth has no step) leaves its image out; NaN when that is all of them.

    Raises:
        ScoreError: when there are none.
    """
    if not scores:
        raise ScoreError("no image was scored, expected at least one with valid depth")
    return Scores(**{name: _mean([getattr(one, name) for one in scores]) for name in METRICS})


def _mean(values: Sequence[float]) -> float:
    """Mean of the values that are not NaN; NaN when there are none."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
