"""One image with its true depth, and the error every reader raises."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from depthart_core.errors import DepthartError
from depthart_core.geometry import Intrinsics
from depthart_core.preprocess import to_input

NAMED = 10


class DataError(DepthartError):
    """A data set, shard or member that cannot be read; names the file and what was expected."""


@dataclass(frozen=True)
class Sample:
    """One image and its depth.

    Attributes:
        name: identifies the sample in tables and warnings, as ``shard/member``.
        rgb: (H, W, 3) uint8, sRGB.
        depth: (H, W) float32, metres along the optical axis; NaN where unknown.
        intrinsics: of this image; pixel centres at integer coordinates, as in ROS.
        meta: what the data set states beside the picture.
    """

    name: str
    rgb: np.ndarray
    depth: np.ndarray
    intrinsics: Intrinsics
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an image and a depth map that do not belong together."""
        if self.rgb.dtype != np.uint8 or self.rgb.ndim != 3 or self.rgb.shape[2] != 3:
            raise DataError(f"{self.name}: image is {self.rgb.dtype} {self.rgb.shape}, expected uint8 (H, W, 3)")
        if self.depth.shape != self.rgb.shape[:2]:
            raise DataError(f"{self.name}: depth is {self.depth.shape}, expected {self.rgb.shape[:2]} as the image")


def resize_sample(sample: Sample, size: int) -> Sample:
    """Image, depth and intrinsics at size x size; the aspect is not kept, and the image is what the model is shown.

    Depth takes the nearest pixel, so that no value is invented across an edge.
    """
    if sample.depth.shape == (size, size):
        return sample
    depth = cv2.resize(sample.depth, (size, size), interpolation=cv2.INTER_NEAREST_EXACT)
    intrinsics = _resized_intrinsics(sample.intrinsics, size, size)
    return Sample(sample.name, to_input(sample.rgb, size), depth, intrinsics, sample.meta)


def _resized_intrinsics(old: Intrinsics, width: int, height: int) -> Intrinsics:
    """Intrinsics after a resize that maps pixel areas onto each other (half-pixel exact)."""
    sx, sy = width / old.width, height / old.height
    cx, cy = (old.cx + 0.5) * sx - 0.5, (old.cy + 0.5) * sy - 0.5
    return Intrinsics(width, height, old.fx * sx, old.fy * sy, cx, cy)


def decode_image(name: str, encoded: bytes, flags: int) -> np.ndarray:
    """Decode a compressed image.

    Raises:
        DataError: when the bytes are no image.
    """
    buffer = np.frombuffer(encoded, np.uint8)
    try:
        image = cv2.imdecode(buffer, flags) if buffer.size else None
    except cv2.error:
        image = None
    if image is None:
        raise DataError(f"{name}: {len(encoded)} bytes that do not decode as an image")
    return np.asarray(image)


def listed(items: Sequence[object], separator: str = "; ") -> str:
    """The first `NAMED` of the items, and how many there are besides: for warnings, which thousands would drown."""
    more = [f"and {len(items) - NAMED} more"] if len(items) > NAMED else []
    return separator.join([*map(str, items[:NAMED]), *more])


def attempt(samples: Sequence[Sample], index: int) -> Sample | DataError:
    """Return the sample, or why it cannot be read."""
    try:
        return samples[index]
    except DataError as error:
        return error


def readable(samples: Sequence[Sample]) -> Iterator[Sample]:
    """Every sample that can be read; the others are counted and named in one warning at the end."""
    refused: list[DataError] = []
    for index in range(len(samples)):
        sample = attempt(samples, index)
        if isinstance(sample, DataError):
            refused.append(sample)
        else:
            yield sample
    if refused:
        warnings.warn(f"skipped {len(refused)} of {len(samples)} samples: {listed(refused)}", stacklevel=2)
