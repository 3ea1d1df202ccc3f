"""Files of the public data sets: pictures, depth in PNG, NumPy, HDF5 and MATLAB; every fault is a DataError.

No file stays open: a handle would not survive the way into a worker process.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from training.data.sample import DataError, decode_image, listed

COLOURS = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION  # depth lies as the sensor wrote it, whatever EXIF says


def require(path: Path, expected: str) -> Path:
    """Return ``path``.

    Raises:
        DataError: it does not exist.
    """
    if not path.exists():
        raise DataError(f"{path} is not there, expected {expected}")
    return path


def warn_missing(path: Path, what: str, names: Sequence[object]) -> None:
    """Warn of frames that are left out because a part of them is not there: how many, and the first of them."""
    if names:
        warnings.warn(f"{path}: {len(names)} frames {what}, skipped: {listed(names, ', ')}", stacklevel=3)


@contextmanager
def parsing(where: object, expected: str) -> Iterator[None]:
    """Make a DataError of whatever a library raises over a damaged file or frame.

    Parsers meet damage anywhere (struct, zlib, index and library errors), so that no shorter list would be complete.
    """
    try:
        yield
    except (DataError, MemoryError, ModuleNotFoundError):
        raise
    except Exception as error:
        raise DataError(f"{where}: {type(error).__name__}: {error}; expected {expected}") from error


def read_bytes(path: Path) -> bytes:
    """All of a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def read_text(path: Path) -> str:
    """All of a text file.

    Raises:
        DataError: it cannot be read, or is no text.
    """
    with parsing(path, "a text file"):
        return read_bytes(path).decode("utf-8")


def read_rgb(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB of a compressed picture.

    Raises:
        DataError: it is missing or corrupt.
    """
    return cv2.cvtColor(decode_image(str(path), read_bytes(path), COLOURS), cv2.COLOR_BGR2RGB)


def read_mask(path: Path) -> np.ndarray:
    """(H, W) bool of a grey picture: not black.

    Raises:
        DataError: it is missing or corrupt.
    """
    return decode_image(str(path), read_bytes(path), cv2.IMREAD_GRAYSCALE) > 0


def read_depth_png(path: Path, unit: float, *, invalid: int = 0) -> np.ndarray:
    """(H, W) float32 [m] of a 16-bit PNG of ``unit`` metres a step; NaN where it holds ``invalid`` or 0.

    Raises:
        DataError: it is missing, corrupt or no 16-bit grey picture.
    """
    steps = decode_image(str(path), read_bytes(path), cv2.IMREAD_UNCHANGED)
    if steps.dtype != np.uint16 or steps.ndim != 2:
        raise DataError(f"{path}: {steps.dtype} {steps.shape}, expected 16-bit grey")
    return known_depth(np.where(steps == invalid, np.nan, steps * np.float32(unit)))


def known_depth(depth: np.ndarray) -> np.ndarray:
    """Float32 copy with NaN wherever depth is not finite or not above zero."""
    metres = np.array(depth, np.float32)
    with np.errstate(invalid="ignore"):
        metres[~(np.isfinite(metres) & (metres > 0))] = np.nan
    return metres


def read_npy(path: Path) -> np.ndarray:
    """Array of a NumPy file.

    Raises:
        DataError: it is missing or corrupt.
    """
    with parsing(path, "a NumPy array"):
        return np.asarray(np.load(path, allow_pickle=False))


def load_h5py() -> ModuleType:
    """Import h5py.

    Raises:
        DataError: it is not installed.
    """
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise DataError("HDF5 files need h5py, which is missing: pip install -e '.[train]'") from error
    return h5py


def read_hdf5(path: Path, key: str, index: int | None = None) -> np.ndarray:
    """Data set ``key`` of an HDF5 file, or its ``index``-th entry alone.

    Raises:
        DataError: file or data set is missing or corrupt, or h5py is not installed.
    """
    h5py = load_h5py()
    require(path, f"an HDF5 file with {key!r}")
    with parsing(path, f"an HDF5 file with {key!r}"), h5py.File(path, "r") as file:
        return np.asarray(file[key][() if index is None else index])


def read_mat(path: Path, key: str) -> Any:
    """Variable ``key`` of a MATLAB file up to version 7; a structure has its fields as attributes.

    Raises:
        DataError: file or variable is missing or corrupt, or scipy is not installed.
    """
    try:
        from scipy.io import loadmat
    except ModuleNotFoundError as error:
        raise DataError("MATLAB files need scipy, which is missing: pip install -e '.[train]'") from error
    require(path, f"a MATLAB file with {key!r}")
    with parsing(path, f"a MATLAB file with {key!r}"):
        return loadmat(path, squeeze_me=True, struct_as_record=False)[key]
