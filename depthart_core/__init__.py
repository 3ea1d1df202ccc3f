"""Monocular depth by autoregressive refinement: a picture in, depth up to one positive factor out.

The names here need numpy and OpenCV alone; a backend's library is imported when `DepthEstimator.load` chooses it.
"""

from depthart_core.align import Alignment, fit_scale, fit_scale_shift, limit_range
from depthart_core.backends.choice import BACKENDS
from depthart_core.errors import (
    AlignmentError,
    BackendError,
    CheckpointError,
    ConfigError,
    DepthartError,
    ImageError,
    IntrinsicsError,
)
from depthart_core.estimator import DepthEstimator, RelativeDepth
from depthart_core.geometry import Intrinsics, point_cloud
from depthart_core.inference import DECODES, LARGEST_SEED, MOST_THREADS, PRECISIONS, ScaleGuess

__all__ = [
    "BACKENDS",
    "DECODES",
    "LARGEST_SEED",
    "MOST_THREADS",
    "PRECISIONS",
    "Alignment",
    "AlignmentError",
    "BackendError",
    "CheckpointError",
    "ConfigError",
    "DepthEstimator",
    "DepthartError",
    "ImageError",
    "Intrinsics",
    "IntrinsicsError",
    "RelativeDepth",
    "ScaleGuess",
    "fit_scale",
    "fit_scale_shift",
    "limit_range",
    "point_cloud",
]
