"""DIODE: indoor and outdoor laser scans, as the download unpacks.

``indoors|outdoor/scene_XXXXX/scan_XXXXX/`` holds ``NAME.png``, ``NAME_depth.npy`` ((768, 1024, 1) float32 metres along
the optical axis) and ``NAME_depth_mask.npy`` (1 = the laser returned).

Source: Vasiljevic et al., 2019; intrinsics.txt of the devkit, the same camera for every picture.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from depthart_core.geometry import Intrinsics
from training.data.files import known_depth, read_npy, read_rgb
from training.data.frames import Frames
from training.data.sample import DataError, Sample

LAYOUT = "scene_XXXXX/scan_XXXXX/ with NAME.png, NAME_depth.npy and NAME_depth_mask.npy (at most two folders down)"
SPLITS = ("train", "val", "all")
SCANS = ("scene_*/scan_*", "*/scene_*/scan_*", "*/*/scene_*/scan_*")
WIDTH, HEIGHT = 1024, 768
FX, FY, CX, CY = 886.81, 927.06, 512.0, 384.0


def matches(path: Path) -> bool:
    """Whether scans lie where DIODE has them."""
    return any(next(path.glob(pattern), None) for pattern in SCANS)


def holds_val(path: Path) -> bool:
    """Whether a folder holds that of the split which models are scored on, is it, or lies in it."""
    return (path / "val").is_dir() or "val" in path.resolve().parts[-2:]


def open_diode(path: Path, *, split: str | None = None) -> Frames:
    """Find all pictures below a folder, such as ``val/indoors``, ``val`` or one that holds both splits.

    Args:
        path: the folder.
        split: ``train`` or ``val``, which are folders in it, or ``all``; by default val where it is there, else all.

    Raises:
        DataError: the layout is another one, or the split is unknown or not there.
    """
    if split not in (None, *SPLITS):
        raise DataError(f"split={split}: expected {', '.join(SPLITS[:-1])} or {SPLITS[-1]}")
    chosen = split or ("val" if (path / "val").is_dir() else "all")
    folder = path if chosen == "all" else path / chosen
    pictures = sorted(file for pattern in SCANS for file in folder.glob(f"{pattern}/*.png"))
    if not pictures:
        raise DataError(f"{folder} holds no picture of DIODE, expected {LAYOUT}")
    return Frames(pictures, read_frame)


def read_frame(image: Path) -> Sample:
    """Read one picture.

    Raises:
        DataError: a file is missing, corrupt or of another size.
    """
    rgb = read_rgb(image)
    height, width = rgb.shape[:2]
    depth, mask = (read_npy(image.with_name(f"{image.stem}{end}.npy")).reshape(-1) for end in ("_depth", "_depth_mask"))
    if not depth.size == mask.size == height * width:
        raise DataError(f"{image}: {depth.size} depths, {mask.size} in the mask; expected {height * width} of each")
    known = known_depth(np.where(mask > 0, depth, np.nan)).reshape(height, width)
    # The devkit has the middle of the picture at (width / 2, height / 2), that is, pixel centres at half integers.
    x, y = width / WIDTH, height / HEIGHT
    intrinsics = Intrinsics(width, height, FX * x, FY * y, CX * x - 0.5, CY * y - 0.5)
    return Sample(f"diode/{image.stem}", rgb, known, intrinsics)
