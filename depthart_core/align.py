"""Alignment of relative depth with metres, and the range limits of REP-117."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from depthart_core.errors import AlignmentError

FloatArray = npt.NDArray[Any]
MaskArray = npt.NDArray[np.bool_] | npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Alignment:
    """How relative depth becomes metres: scale * relative + shift.

    Attributes:
        scale: metres per unit of relative depth.
        shift: [m].
    """

    scale: float
    shift: float = 0.0

    def apply(self, relative: FloatArray) -> npt.NDArray[np.float32]:
        """Return depth [m], float32, of the shape of `relative` (unit-less)."""
        metres = np.multiply(relative, np.float32(self.scale), dtype=np.float32)
        return metres if self.shift == 0.0 else metres + np.float32(self.shift)


def fit_scale(prediction: FloatArray, truth: FloatArray, valid: MaskArray | None = None) -> Alignment:
    """Fit the scale alone: median(truth / prediction), the evaluation protocol of DepthART.

    Args:
        prediction: relative depth, any shape.
        truth: depth [m] of the same shape; pixels without a measurement hold 0 or a value that is not finite.
        valid: of the same shape, True or not 0 where a pixel is to be used; by default all where both depths are finite
            and above 0.

    Raises:
        AlignmentError: shapes differ or no valid pixel is left.
    """
    p, t = _valid_pairs(prediction, truth, valid)
    return Alignment(float(np.median(t / p)))


def fit_scale_shift(prediction: FloatArray, truth: FloatArray, valid: MaskArray | None = None) -> Alignment:
    """Fit scale and shift that make the sum of (scale * prediction + shift - truth)^2 least.

    Args:
        prediction: relative depth, any shape.
        truth: depth [m] of the same shape; pixels without a measurement hold 0 or a value that is not finite.
        valid: of the same shape, True or not 0 where a pixel is to be used; by default all where both depths are finite
            and above 0.

    Raises:
        AlignmentError: shapes differ, no valid pixel is left, or the prediction is constant there.
    """
    p, t = _valid_pairs(prediction, truth, valid)
    centred = p - p.mean()
    spread = float(centred @ centred)
    if spread <= 1e-12 * float(p @ p):
        raise AlignmentError(
            f"prediction is constant over {p.size} valid pixels; expected two different depths to fit a shift"
        )
    scale = float(centred @ t) / spread
    return Alignment(scale, float(t.mean() - scale * p.mean()))


def limit_range(
    depth: FloatArray, min_range: float, max_range: float, *, out: npt.NDArray[np.float32] | None = None
) -> npt.NDArray[np.float32]:
    """Mark depth outside a range as REP-117 wants it.

    Args:
        depth: [m], any shape.
        min_range: nearest depth that is reported [m].
        max_range: farthest depth that is reported [m].
        out: float32 of the same shape to write into, which may be `depth`; allocated by default.

    Returns:
        `out`: float32 of the same shape: NaN where depth is no measurement (NaN, 0 or negative), -Inf where it is
        nearer than min_range, +Inf where it is beyond max_range, else unchanged. Infinities that were there stay.
    """
    limited = np.empty(depth.shape, np.float32) if out is None else out
    if limited is not depth:
        np.copyto(limited, depth, casting="same_kind")
    if limited.size and min_range <= limited.min() > 0 and limited.max() <= max_range:
        return limited  # the usual case, found without a mask
    limited[(limited <= 0) & np.isfinite(limited)] = np.nan
    np.copyto(limited, -np.inf, where=limited < min_range)
    np.copyto(limited, np.inf, where=limited > max_range)
    return limited


def _valid_pairs(
    prediction: FloatArray, truth: FloatArray, valid: MaskArray | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the valid pixels of both as two float64 vectors of one length."""
    if prediction.shape != truth.shape:
        raise AlignmentError(f"truth has shape {truth.shape}; expected {prediction.shape}, the shape of the prediction")
    keep = np.isfinite(prediction) & np.isfinite(truth) & (prediction > 0) & (truth > 0)
    if valid is not None:
        if valid.shape != truth.shape:
            raise AlignmentError(f"valid has shape {valid.shape}; expected {truth.shape}, the shape of the truth")
        keep &= valid.astype(bool)
    if not keep.any():
        raise AlignmentError("0 pixels are valid; expected at least one where both depths are finite and above 0")
    return prediction[keep].astype(np.float64), truth[keep].astype(np.float64)
