"""Depth as a colour picture over a fixed range, so that one colour means one distance in every frame."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

COLOR_MAPS: dict[str, int] = {
    "turbo": cv2.COLORMAP_TURBO,
    "viridis": cv2.COLORMAP_VIRIDIS,
    "magma": cv2.COLORMAP_MAGMA,
    "inferno": cv2.COLORMAP_INFERNO,
    "bone": cv2.COLORMAP_BONE,
}

HUGE = 2.0**24
"""Places in a palette below this are safe to round: OpenCV turns them into 32-bit integers on the way."""


@lru_cache(maxsize=len(COLOR_MAPS))
def palette(name: str) -> npt.NDArray[np.uint8]:
    """Return the 256 colours of a map of COLOR_MAPS as (256, 1, 3) uint8 RGB, from the far end to the near end."""
    bgr = cv2.applyColorMap(np.arange(256, dtype=np.uint8), COLOR_MAPS[name])
    colors = np.ascontiguousarray(bgr[..., ::-1], np.uint8)
    colors.flags.writeable = False  # every caller gets the same ones
    return colors


def colorize(
    depth: npt.NDArray[np.floating[Any]],
    limits: tuple[float, float],
    colors: npt.NDArray[np.uint8],
    *,
    out: npt.NDArray[np.uint8] | None = None,
) -> npt.NDArray[np.uint8]:
    """Return depth as colours: warm is near, cold is far, black is no measurement.

    Args:
        depth: (H, W); infinities take the colour of their end, NaN becomes black.
        limits: depth at the near and at the far end of the colours, in the unit of `depth`.
        colors: of `palette`.
        out: (H, W, 3) uint8 to write into; allocated by default.

    Returns:
        `out`: (H, W, 3) uint8 RGB.
    """
    near, far = limits
    place = np.subtract(far, depth, dtype=np.float32)
    place *= 255.0 / (far - near)
    invalid = None
    if not place.max() < HUGE:  # NaN says no
        invalid = np.isnan(place)
        place[invalid] = 0.0
        np.minimum(place, 255.0, out=place)
    shades = cv2.add(place, np.zeros(4), dtype=cv2.CV_8U)  # rounds half to even, and keeps to 0..255
    picture = cv2.applyColorMap(shades, colors, out)
    if invalid is not None:
        picture[invalid] = 0
    return np.asarray(picture, np.uint8)
