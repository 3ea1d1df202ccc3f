"""Does a confidence mean what it says? Of the pixels with confidence 0.8, eight in ten should be right."""

from __future__ import annotations

import numpy as np

from training.scoring.metrics import DELTA

BINS = 20


def reliability(confidence: np.ndarray, depth: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """What is stated and what holds, by confidence.

    Args:
        confidence: (n,) in 0..1, n at least 1.
        depth: (n,) aligned [m].
        truth: (n,) [m].

    Returns:
        (BINS, 2) float64: by bin of confidence, the sums of confidence and of right pixels, over n.
    """
    right = np.maximum(depth / truth, truth / depth) < DELTA
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    sums = [np.bincount(place, weights=values, minlength=BINS) for values in (confidence, right)]
    return np.stack(sums, axis=1) / len(confidence)


def calibration_error(bins: np.ndarray) -> float:
    """Expected calibration error (Guo et al. 2017, arXiv 1706.04599): |stated - right| of the bins, by their pixels."""
    return float(np.abs(bins[:, 0] - bins[:, 1]).sum())
