"""Files of pictures and videos, read with OpenCV; only regular files: pipes and devices may keep a reader waiting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from depthart_core import ImageError
from depthart_ros.inputs.compressed import is_cut_off

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".mpg", ".mpeg"})
LARGEST = 2**31 - 1
"""Bytes of a picture: OpenCV takes no more."""
MISCOUNTED = 0.05
"""Share of the announced frames that a video may lack without a word: many kinds only estimate their number."""


def read_picture(path: Path) -> npt.NDArray[np.uint8]:
    """Return a picture of a file, BGR (H, W, 3).

    Raises:
        ImageError: it cannot be read.
    """
    _check_regular("picture", path)
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise ImageError(f"picture {path} cannot be read: it has {size} bytes; expected {LARGEST} at most")
        data = path.read_bytes()  # OpenCV itself crashes over a name that is no UTF-8
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except OSError as error:
        raise ImageError(f"picture {path} cannot be read: {error.strerror}") from error
    except (MemoryError, cv2.error) as error:  # more pixels than OpenCV takes
        raise ImageError(f"picture {path} cannot be read: {getattr(error, 'err', error)}") from error
    if is_cut_off(data):
        raise ImageError(f"picture {path} cannot be read: it is cut off")
    if bgr is None:
        raise ImageError(f"picture {path} cannot be read; expected one that OpenCV knows")
    return np.asarray(bgr, np.uint8)


def open_video(path: Path) -> cv2.VideoCapture:
    """Return OpenCV's reader of a video, which may still turn out to be none that it can read.

    Raises:
        ImageError: it is no regular file, or the name is no UTF-8, over which OpenCV crashes.
    """
    _check_regular("video", path)
    try:
        return cv2.VideoCapture(str(path).encode().decode())
    except UnicodeEncodeError as error:
        raise ImageError(f"video {str(path)!r} cannot be read: its name is no UTF-8") from error


def read_video(path: Path) -> Iterator[npt.NDArray[np.uint8]]:
    """Give the frames of a video, BGR (H, W, 3).

    Raises:
        ImageError: it cannot be read, or not to its end; then all that can be read has been given.
    """
    capture, number = open_video(path), 0
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    for bgr in frames_of(capture):
        yield bgr
        number += 1
    if number == 0:
        raise ImageError(f"video {path} cannot be read; expected one that OpenCV knows")
    if count - number > max(1, MISCOUNTED * count):
        raise ImageError(f"video {path} gave {number} of the {count} frames it announces: it is damaged, or miscounts")


def frames_of(capture: cv2.VideoCapture) -> Iterator[npt.NDArray[np.uint8]]:
    """Give the frames of a reader until none comes, then release it."""
    try:
        while (read := capture.read())[0]:
            yield np.asarray(read[1], np.uint8)
    finally:
        capture.release()


def _check_regular(kind: str, path: Path) -> None:
    """Refuse pipes and devices, which may keep a reader waiting for ever.

    Raises:
        ImageError: it is there and no regular file.
    """
    if path.exists() and not path.is_file():
        raise ImageError(f"{kind} {path} cannot be read: it is no regular file")
