"""iBims-1: 100 indoor frames with laser depth; ``ibims1_core_mat/NAME.mat`` or the folders of ``ibims1_core_raw``.

Depth is metres (in PNG 65535 steps for 50 m), 0 = unknown. Pixels that ``mask_invalid`` or ``mask_transp`` marks with 0
(no return; glass) are unknown as well, as in the authors' evaluation. The calibration counts pixels from 1, as MATLAB.

Source: Koch et al., ECCV Workshops 2018, the readme of the download and its ``evaluate_ibims_error_metrics.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from depthart_core.geometry import Intrinsics
from training.data.files import known_depth, parsing, read_depth_png, read_mask, read_mat, read_rgb, read_text
from training.data.frames import Frames
from training.data.sample import DataError, Sample

LAYOUT = "ibims1_core_mat/NAME.mat, or ibims1_core_raw/ with rgb, depth, mask_invalid, mask_transp and calib"
UNIT = 50 / 65535
MASKS = ("mask_invalid", "mask_transp")


def matches(path: Path) -> bool:
    """Whether a path is iBims-1 or one of its two folders."""
    return _mat_folder(path) is not None or _raw_folder(path) is not None


def open_ibims1(path: Path) -> Frames:
    """Open the MATLAB files, or else the pictures; ``imagelist.txt`` decides the order where there is one.

    Raises:
        DataError: the layout is another one.
    """
    for folder, suffix, read in ((_mat_folder(path), ".mat", read_mat_frame), (_raw_folder(path), ".png", read_pngs)):
        if folder is None:
            continue
        names = _names(folder, path) or sorted(file.stem for file in folder.glob(f"*{suffix}"))
        if names:
            return Frames([folder / f"{name}{suffix}" for name in names], read)
    raise DataError(f"{path} holds no frame of iBims-1, expected {LAYOUT}")


def read_mat_frame(path: Path) -> Sample:
    """Read one MATLAB file.

    Raises:
        DataError: it is missing or corrupt.
    """
    data = read_mat(path, "data")
    with parsing(path, "data with rgb, depth, mask_invalid, mask_transp and calib"):
        depth, masks, matrix = data.depth, [getattr(data, name) for name in MASKS], np.asarray(data.calib, float)
        # MATLAB's camera matrices are stored transposed; which one this is shows in the row (0, 0, 1).
        matrix = matrix if matrix[2, 0] == matrix[2, 1] == 0 else matrix.T
        camera = (matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2])
        rgb = np.ascontiguousarray(data.rgb)
        return _sample(path, rgb, depth, masks, camera)


def read_pngs(image: Path) -> Sample:
    """Read the pictures of one frame.

    Raises:
        DataError: one is missing or corrupt.
    """
    root = image.parents[1]
    depth = read_depth_png(root / "depth" / image.name, UNIT)
    masks = [read_mask(root / name / image.name) for name in MASKS]
    calib = root / "calib" / f"{image.stem}.txt"
    text = read_text(calib)
    with parsing(calib, "fx, fy, cx, cy"):
        fx, fy, cx, cy = (float(value) for value in text.replace(",", " ").split()[:4])
    return _sample(image, read_rgb(image), depth, masks, (fx, fy, cx, cy))


def _sample(
    path: Path,
    rgb: np.ndarray,
    depth: np.ndarray,
    masks: list[np.ndarray],
    camera: tuple[float, float, float, float],
) -> Sample:
    for mask in masks:
        if mask.shape != depth.shape:
            raise DataError(f"{path}: a mask is {mask.shape}, expected {depth.shape} as the depth")
    valid = np.logical_and.reduce([mask > 0 for mask in masks])
    height, width = depth.shape
    fx, fy, cx, cy = (float(value) for value in camera)
    intrinsics = Intrinsics(width, height, fx, fy, cx - 1, cy - 1)
    return Sample(f"ibims1/{path.stem}", rgb, known_depth(np.where(valid, depth, np.nan)), intrinsics)


def _mat_folder(path: Path) -> Path | None:
    if (path / "ibims1_core_mat").is_dir():
        return path / "ibims1_core_mat"
    return path if path.name == "ibims1_core_mat" and path.is_dir() else None


def _raw_folder(path: Path) -> Path | None:
    """Folder ``rgb`` of the pictures."""
    roots = (path / "ibims1_core_raw", path)
    return next((root / "rgb" for root in roots if all((root / p).is_dir() for p in ("rgb", "depth", *MASKS))), None)


def _names(folder: Path, path: Path) -> list[str]:
    """Names in ``imagelist.txt``, if it lies in one of the usual places."""
    folder = folder.resolve()
    places = (path, folder, folder.parent, folder.parent.parent)
    lists = [place / "imagelist.txt" for place in places if (place / "imagelist.txt").is_file()]
    return read_text(lists[0]).split() if lists else []
