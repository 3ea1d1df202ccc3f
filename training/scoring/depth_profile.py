"""Error against true depth: AbsRel gathered in bins of distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.scoring.metrics import comparable

EDGES = np.geomspace(0.25, 80.0, 26)
"""Limits of the 25 bins [m], each 1.26 times the one before; depth outside of them is not gathered."""


def depth_profile(depth: np.ndarray, truth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Sum of |d - t| / t and number of pixels in every bin of one image: (2, bins) float64.

    Raises:
        ScoreError: as ``training.scoring.metrics.score``.
    """
    d, t = comparable(depth, truth, valid)
    return np.stack([np.histogram(t, EDGES, weights=np.abs(d - t) / t)[0], np.histogram(t, EDGES)[0]])


def mean_profile(profiles: Sequence[np.ndarray]) -> np.ndarray:
    """AbsRel of every bin over the pixels of all images; NaN in bins without a pixel."""
    total, count = np.sum(profiles, axis=0)
    return np.asarray(np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0))
