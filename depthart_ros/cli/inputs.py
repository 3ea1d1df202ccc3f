"""What `depthart predict` reads: files, folders and videos as one sequence of named pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from depthart_core.errors import ImageError
from depthart_ros.driver.sources import PICTURE_SUFFIXES, open_video, read_picture

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".mpg", ".mpeg"})

MISCOUNTED = 0.05
"""Share of its frames that a video may lack without a word: some kinds only estimate their number."""


@dataclass(frozen=True)
class Picture:
    """A picture to look at.

    Attributes:
        stem: What its results should be called.
        rgb: uint8 (H, W, 3).
    """

    stem: str
    rgb: npt.NDArray[np.uint8]


def find_files(inputs: list[Path]) -> tuple[list[Path], list[str]]:
    """Files, and for each folder the pictures and videos in it by name; then what is wrong, a sentence each."""
    files: list[Path] = []
    problems: list[str] = []
    for path in inputs:
        if path.is_dir():
            suffixes = PICTURE_SUFFIXES | VIDEO_SUFFIXES
            found = sorted(file for file in path.iterdir() if file.suffix.lower() in suffixes and not file.is_dir())
            files += found
            problems += [] if found else [f"folder {path} holds no picture and no video"]
        elif path.is_file():
            files.append(path)
        else:
            problems.append(f"there is no file or folder {path}")
    return files, problems


def count_pictures(files: list[Path]) -> int:
    """How many pictures `read_file` will give, as far as videos tell."""
    return sum(_count_frames(path) if _is_video(path) else 1 for path in files)


def read_file(path: Path) -> Iterator[Picture]:
    """The picture of a file, or the frames of a video as stem_000000, stem_000001, ...

    Raises:
        ImageError: It cannot be read.
    """
    if _is_video(path):
        yield from _read_video(path)
    else:
        yield Picture(path.stem, np.asarray(cv2.cvtColor(read_picture(path), cv2.COLOR_BGR2RGB), np.uint8))


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES


def _count_frames(path: Path) -> int:
    try:
        capture = open_video(path)
    except ImageError:
        return 0  # reading it says why
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    return max(count, 0)


def _read_video(path: Path) -> Iterator[Picture]:
    capture, number = open_video(path), 0
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    try:
        got, bgr = capture.read()
        while got:
            yield Picture(f"{path.stem}_{number:06}", np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8))
            number += 1
            got, bgr = capture.read()
    finally:
        capture.release()
    if number == 0:
        raise ImageError(f"video {path} cannot be read; expected one that OpenCV knows")
    if count - number > max(1, MISCOUNTED * count):
        raise ImageError(f"video {path} is damaged: {number} of its {count} frames could be read")
