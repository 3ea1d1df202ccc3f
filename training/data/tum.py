"""TUM RGB-D sequences as they are downloaded: ``rgb.txt``, ``depth.txt`` and the pictures they list.

Depth is z-depth at 5000 steps a metre, 0 = unknown. Our extracts (``rgb/ depth/ info.json``) are read by ``folder``.

Source: Sturm et al., IROS 2012, and the benchmark's page on file formats and intrinsic camera calibration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from depthart_core.geometry import Intrinsics
from training.data.files import parsing, read_depth_png, read_rgb, read_text, require
from training.data.frames import Frames
from training.data.pairing import pair_stamps
from training.data.sample import DataError, Sample

LAYOUT = "rgb.txt and depth.txt with the pictures they list (a sequence, or a folder of sequences)"
UNIT = 1 / 5000
TOLERANCE = 0.02
CAMERAS = {
    "fr1": (517.3, 516.5, 318.6, 255.3),
    "fr2": (520.9, 521.0, 325.1, 249.7),
    "fr3": (535.4, 539.2, 320.1, 247.6),
}


@dataclass(frozen=True)
class TumFrame:
    """One pair of files and the camera (fr1, fr2, fr3) that took them."""

    sequence: Path
    stamp: str
    image: str
    depth: str
    camera: str


def matches(path: Path) -> bool:
    """Whether a folder is a sequence or holds some."""
    return any(next(path.glob(pattern), None) for pattern in ("rgb.txt", "*/rgb.txt"))


def open_tum(path: Path, *, camera: str | None = None, every: str = "1") -> Frames:
    """Pair the pictures and depth maps of a sequence, or of all sequences in a folder.

    Args:
        path: a sequence such as ``rgbd_dataset_freiburg1_rpy``, or a folder of them.
        camera: ``fr1``, ``fr2`` or ``fr3``; by default what the folder's name says.
        every: N takes the first pair of each sequence and every Nth after it, in the order of their stamps.

    Raises:
        DataError: the layout is another one, nothing pairs, the camera is unknown, or ``every`` is no number from 1 up.
    """
    if not (every.isdecimal() and int(every)):
        raise DataError(f"every={every}: expected a whole number from 1 up, such as every=12")
    sequences = [path] if (path / "rgb.txt").exists() else sorted(file.parent for file in path.glob("*/rgb.txt"))
    frames = [frame for sequence in sequences for frame in _pair(sequence, camera or _camera(sequence))[:: int(every)]]
    if not frames:
        raise DataError(f"{path} holds no sequence of TUM RGB-D, expected {LAYOUT}")
    return Frames(frames, read_frame)


def read_frame(frame: TumFrame) -> Sample:
    """Read one pair.

    Raises:
        DataError: a file is missing or corrupt.
    """
    rgb = read_rgb(frame.sequence / frame.image)
    depth = read_depth_png(frame.sequence / frame.depth, UNIT)
    height, width = depth.shape
    name = f"{frame.sequence.name}/{frame.stamp}"
    return Sample(name, rgb, depth, Intrinsics(width, height, *CAMERAS[frame.camera]))


def _camera(sequence: Path) -> str:
    """The camera that a folder's name tells of."""
    found = re.search(r"(?:freiburg|fr)([123])(?!\d)", sequence.resolve().name)
    if not found:
        raise DataError(f"{sequence}: no freiburg1, 2 or 3 in its name, expected one, or PATH?camera=fr1")
    return f"fr{found[1]}"


def _pair(sequence: Path, camera: str) -> list[TumFrame]:
    if camera not in CAMERAS:
        raise DataError(f"camera={camera}: expected one of {', '.join(CAMERAS)}")
    images, depths = (_read_list(sequence / name) for name in ("rgb.txt", "depth.txt"))
    pairs = pair_stamps(np.array([row[0] for row in images]), np.array([row[0] for row in depths]), TOLERANCE)
    if not pairs:
        raise DataError(f"{sequence}: no picture and depth map within {TOLERANCE} s, expected {LAYOUT}")
    return [TumFrame(sequence, *images[i][1:], depths[j][2], camera) for i, j in pairs]


def _read_list(path: Path) -> list[tuple[float, str, str]]:
    """(time [s], as it is written, file) of each line that is no comment."""
    require(path, LAYOUT)
    lines = [line.split() for line in read_text(path).splitlines() if line.strip() and not line.startswith("#")]
    with parsing(path, "lines of 'timestamp filename'"):
        return [(float(stamp), stamp, file) for stamp, file in lines]
