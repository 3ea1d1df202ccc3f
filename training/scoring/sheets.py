"""Picture sheets: image, truth and depth side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from depthart_core.model_files import write_atomically
from training.data.sample import DataError

CAPTION_HEIGHT_PX = 22
PICTURE_WIDTH_PX = 256
INK = (235, 235, 235)


@dataclass(frozen=True)
class SheetRow:
    """One frame of a sheet.

    Attributes:
        caption: drawn above the pictures, what is not ASCII as its code.
        rgb: (H, W, 3) uint8.
        truth: (H, W) float32, metres; NaN where unknown.
        depth: (H, W) float32, metres, aligned.
    """

    caption: str
    rgb: np.ndarray
    truth: np.ndarray
    depth: np.ndarray


def colour_depth(depth: np.ndarray, nearest: float, farthest: float) -> np.ndarray:
    """(H, W, 3) uint8 BGR: red near, blue far, logarithmic between the limits [m]; black where unknown."""
    known = np.isfinite(depth) & (depth > 0)
    log = np.log(np.where(known, depth, nearest) / nearest) / max(np.log(farthest / nearest), 1e-6)
    level = np.rint(255 * (1 - np.clip(log, 0, 1))).astype(np.uint8)
    picture = cv2.applyColorMap(level, cv2.COLORMAP_TURBO)
    picture[~known] = 0
    return np.asarray(picture)


def draw_row(row: SheetRow) -> np.ndarray:
    """Caption above image | truth | depth, each 256 px wide, both depths in the colours of the truth's range."""
    nearest, farthest = np.nanquantile(row.truth, (0.01, 0.99))
    depths = [colour_depth(depth, nearest, farthest) for depth in (row.truth, row.depth)]
    pictures = np.hstack([_to_width(picture) for picture in (cv2.cvtColor(row.rgb, cv2.COLOR_RGB2BGR), *depths)])
    caption = np.zeros((CAPTION_HEIGHT_PX, pictures.shape[1], 3), np.uint8)
    text = row.caption.encode("ascii", "backslashreplace").decode()
    cv2.putText(caption, text, (6, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    return np.vstack([caption, pictures])


def _to_width(picture: np.ndarray) -> np.ndarray:
    """The picture at the width of the sheet, its aspect kept."""
    height = max(1, round(picture.shape[0] * PICTURE_WIDTH_PX / picture.shape[1]))
    return np.asarray(cv2.resize(picture, (PICTURE_WIDTH_PX, height), interpolation=cv2.INTER_AREA))


def write_sheet(rows: Sequence[SheetRow], path: Path) -> None:
    """Write the rows below each other as one picture.

    Raises:
        DataError: when there is no row, or the file cannot be written.
    """
    if not rows:
        raise DataError("no frame for the picture sheet, expected at least one")
    sheet = np.vstack([draw_row(row) for row in rows])
    try:
        encoded, data = cv2.imencode(path.suffix, sheet)  # imwrite ends the process where a name is no UTF-8
    except cv2.error:
        encoded = False
    if not encoded:
        raise DataError(f"{path}: cannot write, expected a name that ends in .png or .jpg")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data.tobytes())
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error
