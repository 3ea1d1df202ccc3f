"""Folders of frames: ``rgb/``, ``depth/`` (16-bit PNG) and ``info.json``, as the TUM RGB-D extracts have them.

Source: TUM RGB-D benchmark for the meaning of the depth files (z-depth, 0 = unknown).
"""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depthart_core.geometry import Intrinsics
from training.data.files import read_depth_png, read_rgb
from training.data.frames import Frames
from training.data.sample import DataError, Sample, listed

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
LAYOUT = "rgb/NAME.jpg (or .png), depth/NAME.png (16-bit) and info.json"


@dataclass(frozen=True)
class FolderInfo:
    """What ``info.json`` states.

    Attributes:
        intrinsics: of the colour image; pixel centres at integers.
        unit: metres per step of the depth files.
        invalid: the value of a depth file that means unknown, as 0 always does.
        meta: all of the file.
    """

    intrinsics: Intrinsics
    unit: float
    invalid: int
    meta: dict[str, Any]


@dataclass(frozen=True)
class FolderReader:
    """Reads the frames of one folder; knows its name and what its ``info.json`` states."""

    name: str
    info: FolderInfo

    def __call__(self, files: tuple[Path, Path]) -> Sample:
        """Read one pair of image and depth.

        Raises:
            DataError: a file is missing, corrupt or of another size than ``info.json`` states.
        """
        image, depth = files
        rgb = read_rgb(image)
        metres = read_depth_png(depth, self.info.unit, invalid=self.info.invalid)
        expected = (self.info.intrinsics.height, self.info.intrinsics.width)
        for path, shape in ((image, rgb.shape[:2]), (depth, metres.shape)):
            if shape != expected:
                raise DataError(f"{path}: size {shape}, expected {expected} (height, width) as info.json states")
        return Sample(f"{self.name}/{image.stem}", rgb, metres, self.info.intrinsics, self.info.meta)


def matches(path: Path) -> bool:
    """Whether a folder has ``rgb/`` and ``info.json`` or ``depth/``."""
    return (path / "info.json").exists() or ((path / "rgb").is_dir() and (path / "depth").is_dir())


def read_folder(path: Path) -> Frames:
    """Find the pairs of a folder, in the order of their numbers; frames without a partner are left out with a warning.

    Raises:
        DataError: when the layout is another one; says what was expected where.
    """
    for part in ("rgb", "depth", "info.json"):
        if not (path / part).exists():
            raise DataError(f"{path / part} is not there, expected {path} to hold {LAYOUT}")
    info = _read_info(path / "info.json")
    images, depths = _by_name(path / "rgb", PICTURES), _by_name(path / "depth", frozenset({".png"}))
    frames = [(images[stem], depths[stem]) for stem in sorted(images, key=_numbered) if stem in depths]
    if not frames:
        there = f"{len(images)} pictures in rgb{_first(images)} and {len(depths)} .png in depth{_first(depths)}"
        raise DataError(f"{path} holds no pair of equal names among {there}, expected {LAYOUT}")
    lonely = sorted(images.keys() ^ depths.keys())
    if lonely:
        warnings.warn(f"{path}: skipped {len(lonely)} frames without a partner: {listed(lonely, ', ')}", stacklevel=2)
    return Frames(frames, FolderReader(path.name, info))


def _by_name(folder: Path, suffixes: Collection[str]) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in suffixes}


def _numbered(name: str) -> list[tuple[float, str]]:
    """Key that sorts 2 before 10 and seconds as the decimals they are, so that a stretch is one of the recording."""
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)|([^0-9]+)", name)
    return [(float(number or -1), text) for number, text in parts]


def _first(paths: Mapping[str, Path]) -> str:
    return f" ({next(iter(paths.values())).name}, ...)" if paths else ""


def _read_info(path: Path) -> FolderInfo:
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
        size = int(meta["width"]), int(meta["height"])
        intrinsics = Intrinsics(*size, *(float(meta[key]) for key in ("fx", "fy", "cx", "cy")))
        unit = float(meta["depth_file_unit_m"])
        if not 0 < unit < math.inf:
            raise ValueError(f"depth_file_unit_m is {unit}")
        return FolderInfo(intrinsics, unit, int(meta.get("invalid", 0)), meta)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        expected = "width, height, fx, fy, cx, cy and depth_file_unit_m"
        raise DataError(f"{path}: expected an object with {expected} ({error!r})") from error
