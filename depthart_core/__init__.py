"""Monocular depth by autoregressive refinement: a picture in, depth up to one positive factor out.

The names here need numpy and OpenCV alone; a backend's library is imported when `DepthEstimator.load` chooses it.
"""

import os

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

# ONNX Runtime reads it when it is imported; from 1.29 on its Linux builds else report every model to Microsoft.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

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
