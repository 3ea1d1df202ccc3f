"""The image-blind baseline: one depth map for every picture."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from depthart_core.estimator import RelativeDepth
from training.data.sample import DataError, Sample, resize_sample

SIZE = 256


class MeanMap:
    """Answers every picture with the same map."""

    def __init__(self, values: np.ndarray) -> None:
        """Keep ``values``: (S, S) float32, up to one factor."""
        self._values = values

    def __call__(self, rgb: np.ndarray) -> RelativeDepth:
        """Return the map at the size of ``rgb``; the colours are not looked at."""
        height, width = rgb.shape[:2]
        return RelativeDepth(np.asarray(cv2.resize(self._values, (width, height), interpolation=cv2.INTER_LINEAR)))


def mean_map(samples: Iterable[Sample]) -> MeanMap:
    """Geometric mean of the depth maps, (SIZE, SIZE), each divided by its median.

    Raises:
        DataError: when some pixel is known in none of the samples.
    """
    total, count = np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE))
    for sample in samples:
        depth = resize_sample(sample, SIZE).depth
        known = np.isfinite(depth)
        if known.any():
            total[known] += np.log(depth[known] / np.median(depth[known]))
            count += known
    unknown = int((count == 0).sum())
    if unknown:
        raise DataError(f"{unknown} pixels of the mean map have no depth in any sample, expected some in each")
    return MeanMap(np.exp(total / count).astype(np.float32))
