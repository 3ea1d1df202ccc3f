"""Pictures of any size -> the model's square input, and its square depth -> the size of the picture."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from depthart_core.errors import ImageError

EDGE_RATIO = 1.15
"""Neighbouring depths further apart than this factor are two sides of an edge."""


def check_rgb(rgb: npt.NDArray[np.uint8]) -> None:
    """Refuse what is no colour picture.

    Raises:
        ImageError: Wrong type, shape or an empty picture.
    """
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        got = f"{rgb.dtype} {rgb.shape}" if isinstance(rgb, np.ndarray) else type(rgb).__name__
        raise ImageError(f"expected a picture as uint8 (H, W, 3) in RGB order, got {got}")
    if rgb.size == 0:
        raise ImageError(f"expected a picture with pixels, got height {rgb.shape[0]} and width {rgb.shape[1]}")


def to_input(rgb: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """Resize uint8 (H, W, 3) to (size, size, 3), the aspect not kept (as the model was trained).

    What shrinks is averaged, what grows is interpolated, also where one side does this and the other that.
    """
    if rgb.shape[:2] == (size, size):
        return rgb
    height, width = (min(side, size) for side in rgb.shape[:2])
    if rgb.shape[:2] != (height, width):
        rgb = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return np.asarray(cv2.resize(rgb, (size, size), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def to_picture_size(depth: npt.NDArray[np.float32], height: int, width: int) -> npt.NDArray[np.float32]:
    """Resize depth float32 (h, w), above 0, to (height, width) without inventing depths between an edge's two sides.

    Linear on surfaces, nearest wherever the 3x3 neighbours differ by more than `EDGE_RATIO`. The exact kind of nearest
    takes the pixel under the centre, so that what linear would mix lies within the 3x3 neighbours at every size.
    """
    if depth.shape == (height, width):
        return depth
    kernel, size = np.ones((3, 3), np.uint8), (width, height)
    limit = np.multiply(cv2.erode(depth, kernel), np.float32(EDGE_RATIO))
    at_edges = cv2.copyTo(depth, cv2.compare(cv2.dilate(depth, kernel), limit, cv2.CMP_GT))  # 0 elsewhere
    nearest = cv2.resize(at_edges, size, interpolation=cv2.INTER_NEAREST_EXACT)
    smooth = cv2.resize(depth, size, interpolation=cv2.INTER_LINEAR)
    cv2.copyTo(nearest, (nearest > 0).view(np.uint8), smooth)
    return np.asarray(smooth, dtype=np.float32)


def resize_smooth(values: npt.NDArray[np.float32], height: int, width: int) -> npt.NDArray[np.float32]:
    """Resize float32 (h, w) to (height, width), linear everywhere: for what has no edges to keep."""
    return np.asarray(cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
