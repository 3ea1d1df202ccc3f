"""The legend of a picture of depth: a bar of its colours with ticks."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

LEAST_WIDTH, LEAST_HEIGHT = 160, 120
"""A smaller picture has no room for a legend [px]."""

WIDEST = 3
"""A legend covers no more than the picture's width over this."""

TICKS = 5
FONT = cv2.FONT_HERSHEY_SIMPLEX
WHITE = (255, 255, 255)


def draw_legend(
    shape: tuple[int, int], limits: tuple[float, float], colors: npt.NDArray[np.uint8], *, unit: str
) -> npt.NDArray[np.uint8] | None:
    """Return what covers the right edge of a picture of depth: near below, far above.

    Args:
        shape: (H, W) of the picture.
        limits: depth at the near and at the far end of the colours.
        colors: of `depthart_ros.outputs.colors.palette`.
        unit: behind the numbers, such as "m".

    Returns:
        (H, w, 3) uint8 RGB; None where the picture has no room for it.
    """
    height, width = shape
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return None
    near, far = limits
    size = max(0.35, min(height / 1000, width / 640))
    labels = {value: f"{value:g} {unit}".strip() for value in tick_values(near, far)}
    (text_width, text_height), _ = cv2.getTextSize(max(labels.values(), key=len), FONT, size, 1)
    margin, bar = text_height, max(6, width // 60)
    across = bar + text_width + 2 * margin
    if across > width / WIDEST:
        return None
    legend = np.zeros((height, across, 3), np.uint8)
    first, last = margin, height - 1 - margin
    shades = np.rint(np.linspace(0, 255, last - first + 1)).astype(int)
    legend[first : last + 1, margin // 2 : margin // 2 + bar] = colors[shades, 0][:, None]
    for value, label in labels.items():
        row = round(last - (value - near) / (far - near) * (last - first))
        cv2.line(legend, (margin // 2 + bar, row), (margin + bar - 1, row), WHITE)
        cv2.putText(legend, label, (margin + bar, row + text_height // 2), FONT, size, WHITE, 1, cv2.LINE_AA)
    return legend


def tick_values(near: float, far: float) -> list[float]:
    """Return about TICKS round values between two: whole steps of 1, 2 or 5 times a power of ten."""
    rough = (far - near) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    begin, end = math.ceil(near / step - 1e-9), math.floor(far / step + 1e-9)
    return [round(place * step, 9) for place in range(begin, end + 1)]
