"""How sharp depth is: do its steps from pixel to pixel lie where those of the truth lie?"""

from __future__ import annotations

import numpy as np

RATIOS = np.linspace(1.05, 1.25, 10)


def boundary_f1(depth: np.ndarray, truth: np.ndarray, valid: np.ndarray) -> float:
    """Agreement of the occluding contours of both, from 0 to 1; a factor on the depth changes nothing.

    Between two pixels side by side or above each other there is a contour where one lies more than a ratio farther
    than the other; both maps must agree which one. F1 is the harmonic mean of precision and recall over all such pairs,
    and the result its mean over ten ratios from 1.05 to 1.25, weighted by the ratio. Pairs with a pixel that is not
    valid do not count, nor do ratios at which the truth has no contour.

    Args:
        depth: (H, W), above 0 where valid, any unit.
        truth: (H, W), above 0 where valid.
        valid: (H, W) bool.

    Returns:
        NaN when the truth has no contour at all.

    Source: Bochkovskii et al., Depth Pro, arXiv 2410.02073, section 3, "Evaluation metrics for sharp boundaries"; the
    authors' code takes the means of precision and recall in four directions, where the formulas count all pairs.
    """
    predicted, true = log_steps(depth, valid), log_steps(truth, valid)
    agreed = np.where(predicted * true > 0, np.minimum(np.abs(predicted), np.abs(true)), 0)
    hits, found, wanted = (_larger(steps, np.log(RATIOS)) for steps in (agreed, np.abs(predicted), np.abs(true)))
    judged = wanted > 0
    if not judged.any():
        return float("nan")
    f1 = 2 * hits[judged] / (found + wanted)[judged]
    return float(np.average(f1, weights=RATIOS[judged]))


def log_steps(depth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Log of the depth ratio, float64, of every pair of valid neighbours: first the rows' pairs, then the columns'."""
    log = np.log(np.where(valid, depth, 1), dtype=np.float64)
    along = (log[:, 1:] - log[:, :-1])[valid[:, 1:] & valid[:, :-1]]
    down = (log[1:] - log[:-1])[valid[1:] & valid[:-1]]
    return np.concatenate([along, down])


def _larger(steps: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """How many of the steps (n,) exceed each of the limits (m,): (m,) int."""
    return np.array([np.count_nonzero(steps > limit) for limit in limits])
