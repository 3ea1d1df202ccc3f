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
SCANS = ("scene_*/scan_*", "*/scene_*/scan_*", "*/*/scene_*/scan_*")
WIDTH, HEIGHT = 1024, 768
FX, FY, CX, CY = 886.81, 927.06, 512.0, 384.0


def matches(path: Path) -> bool:
    """Whether scans lie where DIODE has them."""
    return any(next(path.glob(pattern), None) for pattern in SCANS)


def open_diode(path: Path) -> Frames:
    """Find all pictures below a folder, such as ``val/indoors``, ``val`` or one that holds both splits.

    Raises:
        DataError: the layout is another one.
    """
    pictures = sorted(file for pattern in SCANS for file in path.glob(f"{pattern}/*.png"))
    if not pictures:
        raise DataError(f"{path} holds no picture of DIODE, expected {LAYOUT}")
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
