"""Folders of frames: ``rgb/``, ``depth/`` (16-bit PNG) and ``info.json``, as the TUM RGB-D extracts have them.

Source: TUM RGB-D benchmark for the meaning of the depth files (z-depth, 0 = unknown).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import cv2
import numpy as np

from depthart_core.geometry import Intrinsics
from training.data.sample import DataError, Sample, decode_image

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
LAYOUT = "rgb/NAME.jpg (or .png), depth/NAME.png (16-bit) and info.json"


@dataclass(frozen=True)
class FolderInfo:
    """What ``info.json`` states.

    Attributes:
        intrinsics: of the colour image; pixel centres at integers.
        unit: metres per step of the depth files.
        invalid: the value of a depth file that means unknown.
        meta: all of the file.
    """

    intrinsics: Intrinsics
    unit: float
    invalid: int
    meta: dict[str, Any]


class FrameFolder(Sequence[Sample]):
    """Frames of one folder, read from the disk at each access."""

    def __init__(self, name: str, info: FolderInfo, frames: Sequence[tuple[Path, Path]]) -> None:
        """Hold the (image, depth) paths of ``frames`` in their order."""
        self._name = name
        self._info = info
        self._frames = tuple(frames)

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._frames)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> FrameFolder: ...

    def __getitem__(self, index: int | slice) -> Sample | FrameFolder:
        """Read one frame, or select several without reading.

        Raises:
            DataError: when a file is corrupt or of another size than ``info.json`` states.
        """
        if isinstance(index, slice):
            return FrameFolder(self._name, self._info, self._frames[index])
        image, depth = self._frames[index]
        return _read_frame(f"{self._name}/{image.stem}", image, depth, self._info)


def read_folder(path: Path) -> FrameFolder:
    """Find the pairs of a folder; frames without a partner are left out with a warning.

    Raises:
        DataError: when the layout is another one; says what was expected where.
    """
    for part in ("rgb", "depth", "info.json"):
        if not (path / part).exists():
            raise DataError(f"{path / part} is not there, expected {path} to hold {LAYOUT}")
    info = _read_info(path / "info.json")
    images = {p.stem: p for p in sorted((path / "rgb").iterdir()) if p.suffix.lower() in PICTURES}
    depths = {p.stem: p for p in (path / "depth").glob("*.png")}
    frames = [(image, depths[stem]) for stem, image in images.items() if stem in depths]
    if not frames:
        raise DataError(f"{path} holds no pair of equal names, expected {LAYOUT}")
    lonely = sorted(images.keys() ^ depths.keys())
    if lonely:
        warnings.warn(f"{path}: skipped {len(lonely)} frames without a partner: {', '.join(lonely)}", stacklevel=2)
    return FrameFolder(path.name, info, frames)


def _read_info(path: Path) -> FolderInfo:
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
        size = int(meta["width"]), int(meta["height"])
        intrinsics = Intrinsics(*size, *(float(meta[key]) for key in ("fx", "fy", "cx", "cy")))
        return FolderInfo(intrinsics, float(meta["depth_file_unit_m"]), int(meta.get("invalid", 0)), meta)
    except (ValueError, KeyError, TypeError) as error:
        expected = "width, height, fx, fy, cx, cy and depth_file_unit_m"
        raise DataError(f"{path}: expected an object with {expected} ({error!r})") from error


def _read_frame(name: str, image: Path, depth: Path, info: FolderInfo) -> Sample:
    bgr = decode_image(str(image), image.read_bytes(), cv2.IMREAD_COLOR)
    steps = decode_image(str(depth), depth.read_bytes(), cv2.IMREAD_UNCHANGED)
    if steps.dtype != np.uint16 or steps.ndim != 2:
        raise DataError(f"{depth}: {steps.dtype} {steps.shape}, expected 16-bit grey")
    expected = (info.intrinsics.height, info.intrinsics.width)
    for path, shape in ((image, bgr.shape[:2]), (depth, steps.shape)):
        if shape != expected:
            raise DataError(f"{path}: size {shape}, expected {expected} (height, width) as info.json states")
    metres = np.where(steps == info.invalid, np.nan, steps * np.float32(info.unit)).astype(np.float32)
    return Sample(name, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), metres, info.intrinsics, info.meta)
