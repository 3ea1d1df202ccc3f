"""Pinhole geometry: intrinsics and point clouds, in the optical frame of REP-103 (x right, y down, z forward)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from depthart_core.errors import ImageError, IntrinsicsError

FloatArray = npt.NDArray[Any]

FLOAT32_REACH = 40.0
"""Up to this far from the optical axis [m] products in float32 stay within 5e-6 m; beyond they are made in float64."""

STRIP = 1 << 16
"""Points that are made at a time: x, y and z of so many stay in the processor's cache."""


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera without distortion; pixel centres have integer coordinates.

    Attributes:
        width: columns of the picture [px].
        height: rows of the picture [px].
        fx: horizontal focal length [px].
        fy: vertical focal length [px].
        cx: column of the principal point [px].
        cy: row of the principal point [px].
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        """Refuse what describes no camera.

        Raises:
            IntrinsicsError: a size that is not whole or below 1, a focal length not finite and above 0, or a principal
                point not finite.
        """
        for name in ("width", "height"):
            value = getattr(self, name)
            if not isinstance(value, Integral):
                raise IntrinsicsError(f"intrinsics: {name} is {value!r}; expected a whole number of px")
            if value < 1:
                raise IntrinsicsError(f"intrinsics: {name} is {value}; expected at least 1 px")
        for name in ("fx", "fy"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise IntrinsicsError(f"intrinsics: {name} is {value}; expected a finite focal length above 0 px")
        for name in ("cx", "cy"):
            if not math.isfinite(getattr(self, name)):
                raise IntrinsicsError(f"intrinsics: {name} is {getattr(self, name)}; expected a finite number of px")

    def scaled(self, width: int, height: int) -> Intrinsics:
        """Return the intrinsics of the same picture resized to width x height [px].

        Every horizontal value is multiplied by the ratio of the widths and every vertical one by that of the heights,
        as image_proc's resize node does (no half-pixel shift).

        Raises:
            IntrinsicsError: width or height is below 1.
        """
        sx, sy = width / self.width, height / self.height
        return Intrinsics(width, height, self.fx * sx, self.fy * sy, self.cx * sx, self.cy * sy)


def point_planes(
    depth: FloatArray, intrinsics: Intrinsics, *, stride: int = 1
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Turn depth along the optical axis into points ((u - cx) z / fx, (v - cy) z / fy, z), one plane per coordinate.

    Args:
        depth: (H, W) [m]; every value that is not finite gives a NaN point.
        intrinsics: of the whole depth image, whatever the stride.
        stride: keep every stride-th column and row, beginning with the first.

    Returns:
        x, y, z [m] in the optical frame, each (ceil(H / stride), ceil(W / stride)) and contiguous; z may be `depth`.

    Raises:
        ImageError: depth is not of the size that the intrinsics are for.
    """
    z, x_per_z, y_per_z = _rays(depth, intrinsics, stride)
    x = np.multiply(z, x_per_z, out=np.empty_like(z), casting="same_kind")
    y = np.multiply(z, y_per_z, out=np.empty_like(z), casting="same_kind")
    return x, y, z


def point_strips(
    depth: FloatArray, intrinsics: Intrinsics, *, stride: int = 1
) -> Iterator[tuple[slice, npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Yield the points of `point_planes` some rows at a time: which rows, and their x, y and z, valid until the next.

    Raises:
        ImageError: depth is not of the size that the intrinsics are for.
    """
    z, x_per_z, y_per_z = _rays(depth, intrinsics, stride)
    count = max(1, STRIP // z.shape[1])
    x, y = np.empty_like(z[:count]), np.empty_like(z[:count])
    for first in range(0, len(z), count):
        rows = slice(first, first + count)
        some = z[rows]
        np.multiply(some, x_per_z, out=x[: len(some)], casting="same_kind")
        np.multiply(some, y_per_z[rows], out=y[: len(some)], casting="same_kind")
        yield rows, x[: len(some)], y[: len(some)], some


def _rays(depth: FloatArray, intrinsics: Intrinsics, stride: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return z (rows, columns) as of `point_planes`, x / z of every column and y / z of every row, (rows, 1)."""
    if depth.shape != (intrinsics.height, intrinsics.width):
        expected = (intrinsics.height, intrinsics.width)
        raise ImageError(f"depth has shape {depth.shape}; expected {expected}, the size of the intrinsics")
    z, farthest = _finite_or_nan(depth[::stride, ::stride])
    rows, columns = z.shape
    x_per_z = (np.arange(columns) * stride - intrinsics.cx) / intrinsics.fx
    y_per_z = ((np.arange(rows) * stride - intrinsics.cy) / intrinsics.fy)[:, None]
    reach = farthest * max(np.abs(x_per_z).max(), np.abs(y_per_z).max())
    if reach < FLOAT32_REACH:  # NaN says no
        return z, x_per_z.astype(np.float32), y_per_z.astype(np.float32)
    return z, x_per_z, y_per_z


def _finite_or_nan(depth: FloatArray) -> tuple[npt.NDArray[np.float32], float]:
    """Return depth as contiguous float32 with NaN for infinities, and its maximum, NaN where there is a NaN.

    The memory is shared where nothing changes.
    """
    nearest, farthest = depth.min(), depth.max()
    if np.isfinite(nearest) and np.isfinite(farthest):
        return np.ascontiguousarray(depth, np.float32), float(farthest)
    return np.where(np.isfinite(depth), depth, np.nan).astype(np.float32, copy=False), math.nan


def point_cloud(depth: FloatArray, intrinsics: Intrinsics, *, stride: int = 1) -> npt.NDArray[np.float32]:
    """Return the points of `point_planes` as one (H, W, 3) float32 array [m].

    Raises:
        ImageError: depth is not of the size that the intrinsics are for.
    """
    return np.stack(point_planes(depth, intrinsics, stride=stride), axis=-1)
