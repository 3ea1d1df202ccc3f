"""NYU Depth V2, the labelled set: ``nyu_depth_v2_labeled.mat`` and, for its split, ``splits.mat`` beside it.

The file is MATLAB 7.3, that is HDF5 with all axes reversed: ``images`` (1449, 3, 640, 480) uint8 and ``depths``
(1449, 640, 480) metres, holes filled in by the authors, and ``rawDepths``, as measured: what published figures with the
Eigen crop are computed of.

Source: Silberman et al., ECCV 2012; the authors' toolbox for the camera (of the colour image; its pixels are numbered
from zero, as those of the calibration it comes from) and for 10 m, at which it cuts what it measured and which it takes
for noise where it fills holes (``depth_rel2depth_abs``, ``fill_depth_colorization``).
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from depthart_core.geometry import Intrinsics
from training.data.files import known_depth, load_h5py, parsing, read_hdf5, read_mat, require
from training.data.frames import Frames
from training.data.sample import DataError, Sample

FILE = "nyu_depth_v2_labeled.mat"
LAYOUT = f"{FILE} (HDF5 with images, depths and rawDepths), splits.mat beside it"
CAMERA = Intrinsics(640, 480, 518.8579, 519.46961, 325.58245, 253.73617)
DEPTHS = {"raw": "rawDepths", "filled": "depths"}
CUT = 10.0
"""Depth [m] from which on nothing is known."""
SPLITS = {"train": "trainNdxs", "test": "testNdxs"}


class NyuReader:
    """Reads the frames of one file."""

    def __init__(self, path: Path, depths: str) -> None:
        """Read the data set ``depths`` of ``path``, which is opened at each access."""
        self._path, self._depths = path, depths

    def __call__(self, index: int) -> Sample:
        """Read frame ``index``, counted from 0.

        Raises:
            DataError: the file is missing or corrupt.
        """
        rgb = np.ascontiguousarray(read_hdf5(self._path, "images", index).transpose(2, 1, 0))
        stored = read_hdf5(self._path, self._depths, index).T
        depth = known_depth(np.where(stored < CUT, stored, np.nan))
        return Sample(f"nyuv2/{index + 1:04}", rgb, depth, CAMERA)


def matches(path: Path) -> bool:
    """Whether a path is the file or its folder."""
    return path.suffix == ".mat" or (path / FILE).is_file()


def open_nyuv2(path: Path, *, split: str | None = None, depth: str = "raw") -> Frames:
    """Open the labelled set.

    Args:
        path: the file, or its folder.
        split: ``train`` (795 frames), ``test`` (654) or ``all`` (1449); by default test where splits.mat is there,
            else all, with a warning.
        depth: ``raw``, unknown where the sensor saw nothing, or ``filled``.

    Raises:
        DataError: the file is missing or another one, or has no such depth; a split is asked for and splits.mat is
            missing.
    """
    file = require(path / FILE if path.is_dir() else path, LAYOUT)
    if depth not in DEPTHS:
        raise DataError(f"depth={depth}: expected raw or filled")
    count = _count(file, DEPTHS[depth])
    splits = file.parent / "splits.mat"
    if split is None and not splits.exists():
        warnings.warn(
            f"{splits} is not there: all {count} frames are read, not the 654 of the test split", stacklevel=2
        )
        split = "all"
    return Frames(_indices(splits, split or "test", count), NyuReader(file, DEPTHS[depth]))


def _count(file: Path, name: str) -> int:
    """Frames in the file, after a look at its shapes."""
    expected = f"{LAYOUT}: images (N, 3, 640, 480), {name} (N, 640, 480)"
    with parsing(file, expected), load_h5py().File(file, "r") as content:
        images, depths = content["images"].shape, content[name].shape
    if images[1:] != (3, 640, 480) or depths != (images[0], 640, 480):
        raise DataError(f"{file}: images {images}, {name} {depths}; expected {expected}")
    return int(images[0])


def _indices(splits: Path, split: str, count: int) -> list[int]:
    """Places of a split, counted from 0 (the file counts from 1)."""
    if split == "all":
        return list(range(count))
    if split not in SPLITS:
        raise DataError(f"split={split}: expected train, test or all")
    numbers = np.atleast_1d(read_mat(splits, SPLITS[split])).astype(int)
    if numbers.min() < 1 or numbers.max() > count:
        raise DataError(f"{splits}: frames {numbers.min()} to {numbers.max()}, expected 1 to {count} as in {FILE}")
    return [int(number) - 1 for number in numbers]
